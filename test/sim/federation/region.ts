// One simulated region: a group whose log is a list, since what orders it is proved elsewhere. Members apply it at
// their own pace, crash, and come back from the rows that they had flushed; whoever leads proposes, and what it
// proposed may be committed without its ever knowing.
import { createHash } from "node:crypto";
import { assert, present } from "../../../base/index.ts";
import type { LogIndex, LogTimeMs, WallMs } from "../../../base/index.ts";
import type { Entry } from "../../../consensus/index.ts";
import { RegionState, ReportBook, encodeChange } from "../../../federation/index.ts";
import type { FederationBug, FederationChange, OriginId } from "../../../federation/index.ts";
import { FederatedRegion } from "../../../server/federated-region.ts";
import type { FederationAnswer, Request, Response } from "../../../store/index.ts";
import { Host, entryOf } from "../../store/host.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";

export const hash = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

const VALUE_CACHE_BYTES = 1 << 16;
/** Of a proposal, from the leader to a quorum and back. */
const COMMIT_MS_MAX = 8;
const APPLY_MS_MAX = 30;
const FLUSH_CHANCE = 0.2;

/** `reports` is soft state: a member that comes back has none. */
export interface Member {
  readonly at: number;
  readonly host: Host;
  readonly federated: FederatedRegion;
  reports: ReportBook;
  up: boolean;
}

/** undefined: refused before the log, or its fate is not known. */
export type Proposed = (response: Response | undefined) => void;

export interface RegionInit {
  readonly name: string;
  readonly origin: OriginId;
  readonly memberCount: number;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly planted: FederationBug | undefined;
  /** What its members' clocks show beside true time. */
  readonly skewMs: number;
  readonly onApplied: (region: Region, member: Member, entry: Entry, response: Response) => void;
  /** Its leader is another one, or none. */
  readonly onLeader: (region: Region) => void;
  readonly onLost: (region: Region, member: Member) => void;
}

export class Region {
  readonly name: string;
  readonly origin: OriginId;
  readonly members: readonly Member[];
  readonly log: Entry[] = [];
  /** Grows with every leader; what one proposed is answered to nobody under the next. */
  term = 0;
  readonly #init: RegionInit;
  #leader: Member | undefined;

  constructor(init: RegionInit) {
    const { name, origin, memberCount, planted } = init;
    this.#init = init;
    this.name = name;
    this.origin = origin;
    this.members = Array.from({ length: memberCount }, (_, at) => {
      const host = new Host({
        valueCacheBytesMax: VALUE_CACHE_BYTES,
        createFederation: (store) =>
          new RegionState(store, { hash, ...(planted === undefined ? {} : { planted }) }),
      });
      const federated = new FederatedRegion(() => host.machine);
      return { at, host, federated, reports: new ReportBook(), up: true };
    });
    this.#leader = this.members[0];
  }

  get leader(): Member | undefined {
    return this.#leader;
  }

  get logTime(): LogTimeMs {
    return Math.floor(this.#init.queue.nowMs) as LogTimeMs;
  }

  get wallMs(): WallMs {
    const { queue, skewMs } = this.#init;
    return Math.floor(1_700_000_000_000 + queue.nowMs + skewMs) as WallMs;
  }

  /** Some member that is up; undefined: none is. */
  anyUp(): Member | undefined {
    const up = this.members.filter((member) => member.up);
    return up.length === 0 ? undefined : this.#init.chance.pick(up);
  }

  propose(request: Request, done: Proposed): void {
    const { queue, chance } = this.#init;
    if (this.#leader === undefined) {
      done(undefined);
      return;
    }
    const { term, logTime } = this;
    queue.schedule(chance.between(0.5, COMMIT_MS_MAX), "commit", () => {
      const isLost = this.term !== term && chance.hits(0.5);
      if (isLost) done(undefined);
      else this.#commit(request, logTime, term, done);
    });
  }

  /** A change of the federation: `answer` undefined where it was refused or its fate is not known. */
  change(
    change: FederationChange,
    done: (answer: FederationAnswer | undefined) => void = () => undefined,
  ): void {
    this.propose({ kind: "federation", body: encodeChange(change) }, (response) => {
      done(response?.kind === "federation" ? response.answer : undefined);
    });
  }

  configure(document: Uint8Array, done: () => void = () => undefined): void {
    const { origin: self, wallMs } = this;
    this.change({ change: "configure", document, wallMs, self }, done);
  }

  #commit(request: Request, logTime: LogTimeMs, term: number, done: Proposed): void {
    const entry = entryOf(this.log.length + 1, request, logTime);
    this.log.push(entry);
    const leader = this.#leader;
    const isKnown = this.term === term && leader !== undefined;
    if (!isKnown) done(undefined);
    else done(this.#catchUp(leader));
    for (const member of this.members) if (member !== leader) this.#applySoon(member);
  }

  #applySoon(member: Member): void {
    const { queue, chance } = this.#init;
    queue.schedule(chance.between(0, APPLY_MS_MAX), "apply", () => {
      this.#catchUp(member);
    });
  }

  /** The answer of the last entry. */
  #catchUp(member: Member): Response | undefined {
    const { onApplied, chance } = this.#init;
    if (!member.up) return undefined;
    let last: Response | undefined;
    while (member.host.machine.applied < this.log.length) {
      const next = (member.host.machine.applied + 1) as LogIndex;
      const entry = present(this.log[next - 1], "the next entry");
      last = member.host.apply(entry);
      assert(last !== undefined, "every entry of a simulated region is a command");
      if (chance.hits(FLUSH_CHANCE)) member.host.flush();
      onApplied(this, member, entry, last);
    }
    return last;
  }

  /** Power is lost: what was not flushed is gone, and comes back from the log. */
  crash(member: Member): void {
    if (!member.up) return;
    member.up = false;
    member.reports = new ReportBook();
    this.#init.onLost(this, member);
    if (this.#leader === member) this.#elect();
  }

  restart(member: Member): void {
    if (member.up) return;
    const { ok } = member.host.restart();
    assert(ok, "the rows of a member are whole");
    member.up = true;
    if (this.#leader === undefined) this.#elect();
    else this.#applySoon(member);
  }

  /** Another member leads, if another is up; it has applied all that was committed before it does anything. */
  #elect(): void {
    const { queue, chance, onLeader } = this.#init;
    const before = this.#leader;
    this.term += 1;
    this.#leader = undefined;
    if (before !== undefined) onLeader(this);
    queue.schedule(chance.between(20, 200), "elect", () => {
      const next = this.anyUp();
      if (this.#leader !== undefined || next === undefined) return;
      this.#leader = next;
      this.#catchUp(next);
      onLeader(this);
    });
  }

  handOver(): void {
    if (this.#leader !== undefined) this.#elect();
  }
}
