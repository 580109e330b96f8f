// One simulated region: a group whose log is a list, since what orders it is proved elsewhere. Members apply it at
// their own pace, crash, and come back from the rows that they had flushed; whoever leads proposes, and what it
// proposed may be committed without its ever knowing. A region has several lives: it may be restored from a backup, or
// begin with nothing.
import { createHash } from "node:crypto";
import { assert, present } from "../../../base/index.ts";
import type { Key, LogTimeMs, MonotonicMs, WallMs } from "../../../base/index.ts";
import type { Entry } from "../../../consensus/index.ts";
import {
  RegionState,
  ReportBook,
  decodeConfig,
  encodeChange,
  memberNamed,
} from "../../../federation/index.ts";
import type { Dot, FederationBug, FederationChange, Identity } from "../../../federation/index.ts";
import { FederatedRegion } from "../../../server/federated-region.ts";
import { FederationDocuments } from "../../../server/federation-documents.ts";
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
/** What a restore leaves out, so that nobody takes an old revision for a later one. */
const REVISIONS_SKIPPED = 1_000;
export const EPOCH_MS = 1_700_000_000_000;
export const QUIET_JOURNAL = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** `reports` is soft state: a member that comes back has none. */
export interface Member {
  readonly at: number;
  readonly host: Host;
  readonly federated: FederatedRegion;
  reports: ReportBook;
  up: boolean;
}

/** `response` undefined: refused before the log, or its fate is not known. */
export interface Outcome {
  readonly response: Response | undefined;
  /** What this region minted by the entry. */
  readonly minted: readonly Dot[];
}

export type Proposed = (outcome: Outcome) => void;

/** What a restore brings back. */
export type Backup = ReadonlyMap<Key, Uint8Array>;

export interface RegionInit {
  readonly name: string;
  readonly memberCount: number;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly planted: FederationBug | undefined;
  /** What its members' clocks show beside true time. */
  readonly skewMs: number;
  /** Before and after each entry that a member applies. */
  readonly onApplying: (region: Region, member: Member) => void;
  readonly onApplied: (region: Region, member: Member, entry: Entry) => readonly Dot[];
  /** Its leader is another one, or none. */
  readonly onLeader: (region: Region) => void;
  readonly onLost: (region: Region, member: Member) => void;
}

const UNKNOWN: Outcome = { response: undefined, minted: [] };

export class Region {
  readonly name: string;
  members: readonly Member[];
  /** Grows with every restore, and with every beginning from nothing. */
  life = 0;
  /** Grows with every leader; what one proposed is answered to nobody under the next. */
  term = 0;
  /** Beside its skew: a jump that lasts. */
  clockAheadMs = 0;
  /** When the last jump ended: what was let in before is applied after. */
  clockTrueSinceMs = -Infinity;
  isCutFromDirectory = false;
  /** Nothing is committed until then. */
  stalledUntilMs = 0;
  /** No member of it ever comes back. */
  isLost = false;
  readonly #init: RegionInit;
  #log: Entry[] = [];
  /** Of the entries before the log: a restore begins behind them. */
  #base = 0;
  #leader: Member | undefined;

  constructor(init: RegionInit) {
    this.#init = init;
    this.name = init.name;
    this.members = this.#membersOf(undefined);
    this.#leader = this.members[0];
  }

  get leader(): Member | undefined {
    return this.#leader;
  }

  get lastIndex(): number {
    return this.#base + this.#log.length;
  }

  get logTime(): LogTimeMs {
    return Math.floor(this.#init.queue.nowMs) as LogTimeMs;
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

  #membersOf(backup: Backup | undefined): readonly Member[] {
    const { memberCount, planted } = this.#init;
    return Array.from({ length: memberCount }, (_, at) => {
      const host = new Host({
        valueCacheBytesMax: VALUE_CACHE_BYTES,
        createFederation: (store) =>
          new RegionState(store, { hash, ...(planted === undefined ? {} : { planted }) }),
      });
      if (backup !== undefined) {
        for (const [key, value] of backup) host.rows.set(key, value);
        assert(host.restart().ok, "the rows of a backup are whole");
      }
      const federated = new FederatedRegion(() => host.machine);
      return { at, host, federated, reports: new ReportBook(), up: true };
    });
  }

  propose(request: Request, done: Proposed): void {
    const { queue, chance } = this.#init;
    if (this.#leader === undefined) {
      done(UNKNOWN);
      return;
    }
    const { term, life, logTime } = this;
    const stalledMs = Math.max(0, this.stalledUntilMs - queue.nowMs);
    queue.schedule(stalledMs + chance.between(0.5, COMMIT_MS_MAX), "commit", () => {
      const isLost = this.term !== term && (this.life !== life || chance.hits(0.5));
      if (isLost) done(UNKNOWN);
      else this.#commit(request, logTime, term, done);
    });
  }

  /** Committed and applied by all members at once: why it was refused; undefined: it was not. */
  commitNow(request: Request): string | undefined {
    let refused: string | undefined;
    this.#commit(request, this.logTime, this.term, ({ response }) => {
      refused = response?.kind === "refused" ? response.message : undefined;
    });
    for (const member of this.members) this.#catchUp(member);
    return refused;
  }

  /** A change of the federation: `answer` undefined where it was refused or its fate is not known. */
  change(
    change: FederationChange,
    done: (answer: FederationAnswer | undefined) => void = () => undefined,
  ): void {
    this.propose({ kind: "federation", body: encodeChange(change) }, ({ response }) => {
      done(response?.kind === "federation" ? response.answer : undefined);
    });
  }

  configure(document: Uint8Array, done: () => void = () => undefined): void {
    const leader = this.#leader;
    if (leader === undefined) {
      done();
      return;
    }
    const { queue } = this.#init;
    const documents = new FederationDocuments({
      region: this.name,
      state: leader.federated,
      propose: (change, end) => this.change(change, (answer) => end(answer !== undefined)),
      clock: { monotonicMs: () => queue.nowMs as MonotonicMs, wallMs: () => this.wallMs },
      journal: QUIET_JOURNAL,
    });
    if (this.#init.planted === "dot-reused-after-restore") {
      this.#adopt(document, done);
      return;
    }
    documents.configure({ epoch: decodeConfig(document).epoch, document }, done);
  }

  /** As who takes the directory's word for it that an origin of its name is its own. */
  #adopt(document: Uint8Array, done: () => void): void {
    const self = memberNamed(decodeConfig(document), this.name)?.origin;
    const { wallMs } = this;
    const change = { change: "configure", document, wallMs, ...(self && { self }) } as const;
    this.change(change, () => done());
  }

  /** Its own data draws what it is to mint under; `done` if that is logged. */
  draw(incarnation: Identity, done: () => void): void {
    this.change({ change: "draw", incarnation }, (answer) => {
      if (answer !== undefined) done();
    });
  }

  #commit(request: Request, logTime: LogTimeMs, term: number, done: Proposed): void {
    const entry = entryOf(this.lastIndex + 1, request, logTime);
    this.#log.push(entry);
    const leader = this.#leader;
    const isKnown = this.term === term && leader !== undefined;
    if (isKnown) done(this.#catchUp(leader));
    else done(UNKNOWN);
    for (const member of this.members) if (member !== leader) this.#applySoon(member);
  }

  #applySoon(member: Member): void {
    const { queue, chance } = this.#init;
    queue.schedule(chance.between(0, APPLY_MS_MAX), "apply", () => {
      if (this.members.includes(member)) this.#catchUp(member);
    });
  }

  /** Of the last entry. */
  #catchUp(member: Member): Outcome {
    const { onApplying, onApplied, chance } = this.#init;
    let last = UNKNOWN;
    while (member.up && member.host.machine.applied < this.lastIndex) {
      const next = member.host.machine.applied + 1;
      const entry = present(this.#log[next - this.#base - 1], "the next entry");
      onApplying(this, member);
      const response = member.host.apply(entry);
      assert(response !== undefined, "every entry of a simulated region is a command");
      if (chance.hits(FLUSH_CHANCE)) member.host.flush();
      last = { response, minted: onApplied(this, member, entry) };
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
    if (member.up || this.isLost) return;
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

  /** Undefined: nobody is there to take one. */
  backup(): Backup | undefined {
    const member = this.anyUp();
    if (member === undefined) return undefined;
    member.host.flush();
    return new Map(member.host.rows);
  }

  /**
   * Every member gets the rows of the backup and all that came after is gone; without one, everything is. `knowingly`:
   * by the command that restores, which makes it forget under which origin it minted.
   */
  begin(backup: Backup | undefined, options: { readonly knowingly: boolean }): void {
    for (const member of this.members) this.crash(member);
    this.life += 1;
    this.isLost = false;
    this.members = this.#membersOf(backup);
    for (const { host } of this.members) {
      if (backup === undefined || !options.knowingly) continue;
      host.machine.beginAnew(REVISIONS_SKIPPED);
      host.flush();
    }
    this.#log = [];
    this.#base = this.members[0]?.host.machine.applied ?? 0;
    this.#elect();
  }

  /** All members are gone for good. */
  lose(): void {
    this.isLost = true;
    for (const member of this.members) this.crash(member);
  }
}
