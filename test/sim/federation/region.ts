// One simulated region: its log, whose members apply it; its clock, and its way to the directory. It has several lives:
// it may be restored from a backup, or begin with nothing.
import { createHash } from "node:crypto";
import type { LogTimeMs, WallMs } from "../../../base/index.ts";
import type { Dot, FederationBug } from "../../../federation/index.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";
import { Proposer } from "./proposer.ts";
import type { Member, RegionLog, RegionLogInit, Restore } from "./region-log.ts";

export type { Member };

export const hash = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

export const EPOCH_MS = 1_700_000_000_000;

export interface RegionInit {
  readonly name: string;
  readonly memberCount: number;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly planted: FederationBug | undefined;
  /** What its members' clocks show beside true time. */
  readonly skewMs: number;
  readonly createLog: (init: RegionLogInit) => RegionLog;
  /** As its log's, each of this region. */
  readonly onApplying: (member: Member) => void;
  readonly onApplied: (region: Region, member: Member, index: number) => readonly Dot[];
  readonly onNews: (region: Region, member: Member) => void;
  readonly onLead: (region: Region, member: Member) => void;
  readonly onUnlead: (member: Member) => void;
  readonly onLost: (member: Member) => void;
}

export class Region {
  readonly name: string;
  readonly log: RegionLog;
  /** Grows with every restore, and with every beginning from nothing. */
  life = 0;
  /** Beside its skew: a jump that lasts. */
  clockAheadMs = 0;
  /** When the last jump ended: what was let in before is applied after. */
  clockTrueSinceMs = -Infinity;
  isCutFromDirectory = false;
  /** No member of it ever comes back. */
  isLost = false;
  readonly #init: RegionInit;

  constructor(init: RegionInit) {
    this.#init = init;
    this.name = init.name;
    this.log = init.createLog({
      ...init,
      onApplied: (member, index) => init.onApplied(this, member, index),
      onNews: (member) => init.onNews(this, member),
      onLead: (member) => init.onLead(this, member),
    });
  }

  get members(): readonly Member[] {
    return this.log.members;
  }

  get leader(): Member | undefined {
    return this.log.leader;
  }

  /** As its leader has it, or whichever member knows it best. */
  get logTime(): LogTimeMs {
    const known = this.leader === undefined ? this.members : [this.leader];
    return Math.max(...known.map(({ logTime }) => logTime)) as LogTimeMs;
  }

  get wallMs(): WallMs {
    const { queue, skewMs } = this.#init;
    return Math.floor(EPOCH_MS + queue.nowMs + skewMs + this.clockAheadMs) as WallMs;
  }

  /** Some member that is up; undefined: none is. */
  anyUp(): Member | undefined {
    const up = this.members.filter((member) => member.up);
    return up.length === 0 ? undefined : this.#init.chance.pick(up);
  }

  /** By that member, whoever leads. */
  by(member: Member | undefined): Proposer {
    const { name, log } = this;
    const { queue, planted } = this.#init;
    const nowMs = (): number => queue.nowMs;
    return new Proposer({ name, log, by: member, nowMs, wallMs: () => this.wallMs, planted });
  }

  /** By the leader, as of this moment. */
  get proposer(): Proposer {
    return this.by(this.leader);
  }

  restart(member: Member): void {
    if (!this.isLost) this.log.restart(member);
  }

  /** What went wrong with the region itself is over. */
  heal(): void {
    if (this.clockAheadMs !== 0) this.clockTrueSinceMs = this.#init.queue.nowMs;
    this.clockAheadMs = 0;
    this.isCutFromDirectory = false;
    if (!this.isLost) this.log.heal();
    for (const member of this.members) this.restart(member);
  }

  begin(restore?: Restore): void {
    this.life += 1;
    this.isLost = false;
    this.log.begin(restore);
  }

  /** All members are gone for good. */
  lose(): void {
    this.isLost = true;
    this.log.end();
  }
}
