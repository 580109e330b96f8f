// What keeps a simulated region's members of one mind: takes what its leader proposes, has every member apply it in one
// order, says who leads. By a list (list-log.ts), or by a consensus group (group-log.ts).
import type { Key, LogTimeMs } from "../../../base/index.ts";
import type { Dot, FederationBug, ReportBook } from "../../../federation/index.ts";
import type { FederatedRegion } from "../../../server/federated-region.ts";
import type { Machine, Request, Response } from "../../../store/index.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";

/** Events of whoever schedules them. */
export type Timers = Pick<EventQueue, "nowMs" | "schedule">;

/** The state that a member has applied, and the rows in its engine. */
export interface MemberState {
  readonly machine: Machine;
  load(keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[];
}

export interface Member {
  readonly at: number;
  readonly host: MemberState;
  readonly federated: FederatedRegion;
  /** Soft state: a member that comes back has none. */
  readonly reports: ReportBook;
  readonly up: boolean;
  /** As it knows it; of a leader exact. */
  readonly logTime: LogTimeMs;
  /** Of its process: what it waits for never comes once that has died. */
  readonly timers: Timers;
}

/** `response` undefined: refused before the log, or its fate is not known. */
export interface Outcome {
  readonly response: Response | undefined;
  /** What this region minted by the entry. */
  readonly minted: readonly Dot[];
}

export type Proposed = (outcome: Outcome) => void;

export const UNKNOWN: Outcome = { response: undefined, minted: [] };

/** Of an engine: what a backup has. */
export type Rows = ReadonlyMap<Key, Uint8Array>;

/** `knowingly`: by the command that restores, which makes a region forget under which origin it minted. */
export interface Restore {
  readonly rows: Rows;
  readonly knowingly: boolean;
}

export interface RegionLogInit {
  readonly name: string;
  readonly memberCount: number;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly planted: FederationBug | undefined;
  /** Before and after each entry that a member applies; returns what the region minted by it. */
  readonly onApplying: (member: Member) => void;
  readonly onApplied: (member: Member, index: number) => readonly Dot[];
  /** What it has applied has moved. */
  readonly onNews: (member: Member) => void;
  /** It leads, with all applied that was committed before; and does no more. */
  readonly onLead: (member: Member) => void;
  readonly onUnlead: (member: Member) => void;
  /** Its process has died. */
  readonly onLost: (member: Member) => void;
}

export interface RegionLog {
  readonly members: readonly Member[];
  /** Of several that take themselves for it the last one that was elected; undefined: there is none. */
  readonly leader: Member | undefined;
  /** The first leader is there, or is about to be elected. */
  open(): void;
  /** By this member, which leads or takes itself for the leader. */
  propose(request: Request, at: Member, done: Proposed): void;
  /** Whether it has applied what is committed, but for what is on its way. */
  isLevel(member: Member): boolean;
  /** For messages to people. */
  standing(member: Member): string;
  crash(member: Member): void;
  restart(member: Member): void;
  handOver(): void;
  /** Nothing is committed for so long. */
  stall(ms: number): void;
  heal(): void;
  /** Undefined: nobody is there to take one. */
  backup(): Rows | undefined;
  /** All members begin with the rows of the backup, and all that came after is gone; without one, everything is. */
  begin(restore?: Restore): void;
  /** No member of it ever comes back. */
  end(): void;
}
