// A region's log that is a list, since what orders it is proved elsewhere. Members apply it at their own pace, crash,
// and come back from the rows that they had flushed; whoever leads proposes, and what it proposed may be committed
// without its ever knowing.
import { assert, keyOf, present } from "../../../base/index.ts";
import type { LogTimeMs } from "../../../base/index.ts";
import type { Entry } from "../../../consensus/index.ts";
import { ReportBook } from "../../../federation/index.ts";
import { FederatedRegion } from "../../../server/federated-region.ts";
import type { MachineOptions, Request } from "../../../store/index.ts";
import { Host, entryOf } from "../../store/host.ts";
import { UNKNOWN } from "./region-log.ts";
import type {
  Member,
  Outcome,
  Proposed,
  RegionLog,
  RegionLogInit,
  Restore,
  Rows,
  Timers,
} from "./region-log.ts";
import { machineOptions, restoredHost } from "./restored-host.ts";

const VALUE_CACHE_BYTES = 1 << 16;
/** Of a proposal, from the leader to a quorum and back. */
const COMMIT_MS_MAX = 8;
const APPLY_MS_MAX = 30;
const FLUSH_CHANCE = 0.2;

interface ListMember extends Member {
  readonly host: Host;
  readonly timers: Timers;
  reports: ReportBook;
  up: boolean;
}

export class ListLog implements RegionLog {
  members: readonly ListMember[];
  readonly #init: RegionLogInit;
  #entries: Entry[] = [];
  /** Of the entries before the log: a restore begins behind them. */
  #base = 0;
  #leader: ListMember | undefined;
  #life = 0;
  /** Grows with every leader; what one proposed is answered to nobody under the next. */
  #term = 0;
  /** Nothing is committed until then. */
  #stalledUntilMs = 0;

  constructor(init: RegionLogInit) {
    this.#init = init;
    this.members = this.#membersOf(() => new Host(this.#machineOptions));
    this.#leader = this.members[0];
  }

  get leader(): Member | undefined {
    return this.#leader;
  }

  get #logTime(): LogTimeMs {
    return Math.floor(this.#init.queue.nowMs) as LogTimeMs;
  }

  open(): void {
    if (this.#leader !== undefined) this.#init.onLead(this.#leader);
  }

  get #last(): number {
    return this.#base + this.#entries.length;
  }

  isLevel({ host }: Member): boolean {
    return host.machine.applied === this.#last;
  }

  standing({ host }: Member): string {
    return `${host.machine.applied}/${this.#last}`;
  }

  get #machineOptions(): Omit<MachineOptions, "codec"> {
    return machineOptions(VALUE_CACHE_BYTES, this.#init.planted);
  }

  #membersOf(createHost: () => Host): readonly ListMember[] {
    const { memberCount, queue } = this.#init;
    const logTime = (): LogTimeMs => this.#logTime;
    return Array.from({ length: memberCount }, (_, at) => {
      const host = createHost();
      const federated = new FederatedRegion(() => host.machine);
      return {
        ...{ at, host, federated, reports: new ReportBook(), up: true, timers: queue },
        get logTime() {
          return logTime();
        },
      };
    });
  }

  propose(request: Request, _at: Member, done: Proposed): void {
    if (this.#leader === undefined) {
      done(UNKNOWN);
      return;
    }
    const { queue, chance } = this.#init;
    const term = this.#term;
    const life = this.#life;
    const logTime = this.#logTime;
    const stalledMs = Math.max(0, this.#stalledUntilMs - queue.nowMs);
    queue.schedule(stalledMs + chance.between(0.5, COMMIT_MS_MAX), "commit", () => {
      const isLost = this.#term !== term && (this.#life !== life || chance.hits(0.5));
      if (isLost) done(UNKNOWN);
      else this.#commit(request, logTime, term, done);
    });
  }

  /** Committed and applied by all members at once: why it was refused; undefined: it was not. */
  commitNow(request: Request): string | undefined {
    let refused: string | undefined;
    this.#commit(request, this.#logTime, this.#term, ({ response }) => {
      refused = response?.kind === "refused" ? response.message : undefined;
    });
    for (const member of this.members) this.#catchUp(member);
    return refused;
  }

  #commit(request: Request, logTime: LogTimeMs, term: number, done: Proposed): void {
    const entry = entryOf(this.#last + 1, request, logTime);
    this.#entries.push(entry);
    const leader = this.#leader;
    const isKnown = this.#term === term && leader !== undefined;
    if (isKnown) done(this.#catchUp(leader));
    else done(UNKNOWN);
    for (const member of this.members) if (member !== leader) this.#applySoon(member);
  }

  #applySoon(member: ListMember): void {
    const { queue, chance } = this.#init;
    queue.schedule(chance.between(0, APPLY_MS_MAX), "apply", () => {
      if (this.members.includes(member)) this.#catchUp(member);
    });
  }

  /** Of the last entry. */
  #catchUp(member: ListMember): Outcome {
    const { onApplying, onApplied, onNews, chance } = this.#init;
    let last = UNKNOWN;
    while (member.up && member.host.machine.applied < this.#last) {
      const next = member.host.machine.applied + 1;
      const entry = present(this.#entries[next - this.#base - 1], "the next entry");
      onApplying(member);
      const response = member.host.apply(entry);
      assert(response !== undefined, "every entry of a list is a command");
      if (chance.hits(FLUSH_CHANCE)) member.host.flush();
      last = { response, minted: onApplied(member, entry.index) };
      onNews(member);
    }
    return last;
  }

  /** Power is lost: what was not flushed is gone, and comes back from the log. */
  crash(member: ListMember): void {
    if (!member.up) return;
    member.up = false;
    member.reports = new ReportBook();
    this.#init.onLost(member);
    if (this.#leader === member) this.#elect();
  }

  restart(member: ListMember): void {
    if (member.up) return;
    const { ok } = member.host.restart();
    assert(ok, "the rows of a member are whole");
    member.up = true;
    if (this.#leader === undefined) this.#elect();
    else this.#applySoon(member);
  }

  /** Another member leads, if another is up; it has applied all that was committed before it does anything. */
  #elect(): void {
    const { queue, chance, onLead, onUnlead } = this.#init;
    const before = this.#leader;
    this.#term += 1;
    this.#leader = undefined;
    if (before !== undefined) onUnlead(before);
    queue.schedule(chance.between(20, 200), "elect", () => {
      const up = this.members.filter((member) => member.up);
      const next = up.length === 0 ? undefined : chance.pick(up);
      if (this.#leader !== undefined || next === undefined) return;
      this.#leader = next;
      this.#catchUp(next);
      onLead(next);
    });
  }

  handOver(): void {
    if (this.#leader !== undefined) this.#elect();
  }

  stall(ms: number): void {
    this.#stalledUntilMs = this.#init.queue.nowMs + ms;
  }

  heal(): void {
    this.#stalledUntilMs = 0;
  }

  backup(): Rows | undefined {
    const up = this.members.filter((member) => member.up);
    if (up.length === 0) return undefined;
    const { host } = this.#init.chance.pick(up);
    host.flush();
    return new Map(host.rows);
  }

  begin(restore?: Restore): void {
    this.end();
    this.#life += 1;
    const machine = this.#machineOptions;
    this.members = this.#membersOf(() =>
      restore === undefined ? new Host(machine) : restoredHost(machine, restore),
    );
    this.#entries = [];
    this.#base = this.members[0]?.host.machine.applied ?? 0;
    this.#elect();
  }

  end(): void {
    for (const member of this.members) this.crash(member);
  }

  /** As if the row had never been written: it is gone at every member, and nothing tells. */
  loseRow(key: Uint8Array): void {
    for (const { host } of this.members) {
      host.flush();
      host.rows.delete(keyOf(key));
      host.restart();
    }
  }
}
