// What a federation promises, checked after every apply of every member (federation 19): each transaction is applied
// once and whole, causally, of one history; what is kept of its keys is what the definition says; nothing of an origin
// comes after its region was cut; stamps stay near the true time.
import { compareBytes, hlcMs } from "../../../base/index.ts";
import {
  INGRESS_AHEAD_MS_MAX,
  closedOrigin,
  countOf,
  covers,
  decodeTransaction,
  dotText,
  hasDot,
  joined,
  memberNamed,
  memberOf,
  vectorText,
} from "../../../federation/index.ts";
import type { Dot, OriginId, Sequence, Transaction, Vector } from "../../../federation/index.ts";
import type { EventQueue } from "../events.ts";
import { demand } from "../violation.ts";
import { Convergence } from "./convergence.ts";
import type { Directory } from "./directory.ts";
import { Histories } from "./histories.ts";
import { KeysJudge } from "./keys-judge.ts";
import { LeasesJudge } from "./leases-judge.ts";
import { Ledger } from "./ledger.ts";
import type { Minted } from "./ledger.ts";
import { EPOCH_MS } from "./region.ts";
import type { Member, Region } from "./region.ts";
import { WritesJudge } from "./writes-judge.ts";

/** Of regions' clocks that did not jump, beside true time, and of the way from clock to stamp. */
const SKEW_MS_MAX = 200;
/** What a stamp may be ahead of true time where it was first let in. */
const STAMP_AHEAD_MS_MAX = INGRESS_AHEAD_MS_MAX + SKEW_MS_MAX;

export interface JudgeInit {
  readonly directory: Directory;
  readonly queue: EventQueue;
  readonly regions: () => readonly Region[];
  readonly mayFork: boolean;
}

interface Before {
  readonly applied: Vector;
  readonly revision: number;
  readonly frozen: readonly OriginId[];
  readonly records: string;
  readonly isStaged: boolean;
  readonly standing: number;
}

export class Judge {
  readonly ledger = new Ledger();
  readonly keys: KeysJudge;
  readonly writes: WritesJudge;
  readonly #leases: LeasesJudge;
  readonly convergence = new Convergence();
  readonly #directory: Directory;
  readonly #queue: EventQueue;
  /** A region may be rolled back without being told: nothing is promised then but that it is found out. */
  readonly #mayFork: boolean;
  /** By region: all that any member ever applied. */
  readonly #everApplied = new Map<string, Vector>();
  /** What each log position came to, whichever member applied it. */
  readonly #standings = new Map<string, number>();
  readonly #before = new WeakMap<Member, Before>();
  /** Origins whose stamps ran ahead of true time. */
  readonly #ahead = new Set<OriginId>();
  readonly histories: Histories;
  appliedCount = 0;
  /** States of other regions that were taken. */
  installedCount = 0;

  constructor(init: JudgeInit) {
    this.#directory = init.directory;
    this.#queue = init.queue;
    this.#mayFork = init.mayFork;
    const everApplied = (name: string): Vector => this.#everApplied.get(name) ?? new Map();
    this.histories = new Histories(() =>
      init
        .regions()
        .filter(({ isLost }) => !isLost)
        .flatMap(({ members }) => members.map(({ federated }) => federated)),
    );
    this.keys = new KeysJudge({ ledger: this.ledger, directory: init.directory, everApplied });
    const { directory, mayFork, regions } = init;
    this.#leases = new LeasesJudge({ ledger: this.ledger, directory, regions });
    this.writes = new WritesJudge({ ledger: this.ledger, directory, everApplied, mayFork });
  }

  onApplying(member: Member): void {
    const { applied, config, rebirth, standing } = member.federated;
    // Who is to be replaced has told nothing yet by which a cut is drawn: it tells once it was.
    const tells = config.freeze !== undefined && rebirth.strays.length === 0;
    this.#before.set(member, {
      applied,
      revision: member.host.machine.revision,
      frozen: (tells && config.freeze?.origins) || [],
      records: recordsOf(member),
      isStaged: rebirth.staged !== undefined,
      standing,
    });
  }

  /** After each entry. Returns what this region minted by it. */
  onApplied(region: Region, member: Member, index: number): readonly Dot[] {
    const { applied, self, rebirth, standing } = member.federated;
    const before = this.#before.get(member);
    if (before === undefined) return [];
    this.#checkStanding(region, member, index);
    const { config } = member.federated;
    // What is staged is let go without a trace, or takes the place of what was kept.
    const isLetGo = before.isStaged && rebirth.staged === undefined;
    const isTaken = isLetGo && before.standing !== standing;
    const isLess = [...before.applied].some(([origin, count]) => {
      // Another region's state in the place of this one has nothing that was cut.
      return countOf(applied, origin) < Math.min(count, closedOrigin(config, origin)?.cut ?? count);
    });
    // Where its region was rolled back a cut may be below what open origins have seen, and that goes with it.
    demand(
      !isLess || (isTaken && this.#mayFork),
      "commit-monotone",
      () => `${region.name}: ${vectorText(before.applied)} became ${vectorText(applied)}`,
    );
    const dots = dotsBetween(before.applied, applied);
    if (dots.length > 0) this.#checkWhole(region, member, before, dots.length);
    // All first: an entry may mint what another of its transactions has to be seen beside.
    const transactions = this.#mayFork
      ? this.#transactionsOfSome(region, member, dots)
      : dots.map((dot) => this.#transactionOf(region, member, dot));
    if (isTaken) this.keys.onReplaced(member);
    for (const transaction of transactions) {
      demand(
        !before.frozen.includes(transaction.origin),
        "freeze",
        () => `${region.name} applied ${dotText(transaction)}, which its document has frozen`,
      );
      this.#onTransaction(region, member, transaction);
    }
    const minted = dots.filter(({ origin }) => origin === self);
    const ever = this.#everApplied.get(region.name) ?? new Map<OriginId, Sequence>();
    this.#everApplied.set(region.name, joined(ever, applied));
    if (dots.length > 0) this.checkCuts(region);
    const isLive = self !== undefined && memberOf(config, self)?.live === true;
    if (isLive && !this.#mayFork) this.keys.onLive(region, member);
    if (isTaken) this.#checkKeys(region, member);
    else if (dots.length === 0 && before.records !== recordsOf(member)) {
      this.#checkKeys(region, member);
    }
    return minted;
  }

  #checkStanding(region: Region, member: Member, index: number): void {
    const at = `${region.name} ${region.life} ${index}`;
    const { standing } = member.federated;
    const known = this.#standings.get(at) ?? standing;
    this.#standings.set(at, known);
    demand(
      known === standing,
      "state-machine-safety",
      () => `members of ${region.name} differ at entry ${index}`,
    );
  }

  /** One transaction is one revision at most, at every region that shows it. */
  #checkWhole(region: Region, member: Member, before: Before, count: number): void {
    const revisions = member.host.machine.revision - before.revision;
    demand(
      revisions <= count,
      "atomicity",
      () => `${region.name} showed ${count} transactions in ${revisions} revisions`,
    );
  }

  #onTransaction(region: Region, member: Member, transaction: Transaction): void {
    this.appliedCount += 1;
    const { applied } = member.federated;
    demand(
      covers(applied, transaction.deps),
      "causality",
      () =>
        `${region.name} applied ${dotText(transaction)} without ${vectorText(transaction.deps)}`,
    );
    this.#checkStamp(region, member, transaction);
    if (this.histories.forks.size > 0) return;
    for (const { key } of transaction.operations) this.keys.check(region, member, key);
  }

  #checkKeys(region: Region, member: Member): void {
    if (this.histories.forks.size === 0) this.keys.checkAll(region, member);
  }

  /** Registered by its origin; of it there is one history. */
  #transactionOf(region: Region, member: Member, dot: Dot): Transaction {
    const known = this.ledger.of(dot);
    const row = rowOf(member, dot);
    if (known !== undefined) {
      demand(
        row === undefined || compareBytes(row.bytes, known.bytes) === 0,
        "exactly-once",
        () => `${region.name} has another ${dotText(dot)} than was minted before`,
      );
      return known.transaction;
    }
    demand(row !== undefined && dot.origin === member.federated.self, "exactly-once", () =>
      unknownText(region, dot),
    );
    this.ledger.register(row);
    const { transaction } = row;
    this.#leases.onMinted(transaction);
    this.keys.onMinted(region, transaction);
    return transaction;
  }

  /** The same where nobody is told that a region was rolled back. */
  #transactionsOfSome(region: Region, member: Member, dots: readonly Dot[]): Transaction[] {
    const { histories, ledger } = this;
    const { federated } = member;
    const news = dots.filter((dot) => histories.of(federated, dot) === undefined);
    for (const dot of news) {
      const row = rowOf(member, dot);
      if (row !== undefined && dot.origin === federated.self) histories.onMinted(row);
    }
    const others = dots.filter((dot) => ledger.of(dot) !== histories.of(federated, dot));
    for (const origin of new Set([...news, ...others].map((dot) => dot.origin))) {
      histories.look(origin);
      // Nobody holds what the ledger has beyond it.
      const first = others.find((dot) => dot.origin === origin)?.sequence;
      if (first !== undefined && !histories.forks.has(origin))
        ledger.forgetBeyond(origin, first - 1);
    }
    return dots.map((dot) => {
      const known = ledger.of(dot);
      const minted = histories.of(federated, dot);
      if (minted !== undefined && known === undefined) ledger.register(minted);
      const transaction = (minted ?? (known && (rowOf(member, dot) ?? known)))?.transaction;
      demand(transaction !== undefined, "exactly-once", () => unknownText(region, dot));
      return transaction;
    });
  }

  /** Where it is let in first, behind its own region's door (federation 16, trap 15). */
  #checkStamp(region: Region, member: Member, transaction: Transaction): void {
    const aheadMs = hlcMs(transaction.hlc) - (EPOCH_MS + this.#queue.nowMs);
    const { origin } = transaction;
    // A region whose clock is behind sees it ahead already.
    if (aheadMs > INGRESS_AHEAD_MS_MAX - SKEW_MS_MAX) this.#ahead.add(origin);
    if (aheadMs <= STAMP_AHEAD_MS_MAX) return;
    const isTrue = region.clockAheadMs === 0 && this.#queue.nowMs > region.clockTrueSinceMs + 2_000;
    if (origin === member.federated.self || !isTrue) return;
    const isElsewhere = [...this.#everApplied].some(
      ([name, vector]) => this.#directory.originOf(name) !== origin && hasDot(vector, transaction),
    );
    // Of two that look ahead this region would hold its own clock to be behind.
    demand(
      isElsewhere || this.#ahead.size > 1,
      "clock-bound",
      () => `${region.name} let ${dotText(transaction)} in, ${Math.round(aheadMs)} ms ahead`,
    );
  }

  /** A region begins again with what it had once; nobody is told. */
  rollBack(begin: () => void): void {
    this.histories.rollBack(begin);
    const { members, closed } = this.#directory.config;
    for (const { origin } of [...members, ...closed]) {
      this.ledger.forgetBeyond(origin, this.histories.mostOf(origin));
    }
    this.convergence.forget();
  }

  onInstalled(): void {
    this.installedCount += 1;
  }

  /**
   * What the directory has cut no live region has more of, ever; another lets go of it before it is live, and so do those
   * of its members that lag behind. Rolled back to before it did, it has it again.
   */
  checkCuts(region: Region): void {
    if (this.#mayFork || memberNamed(this.#directory.config, region.name)?.live !== true) return;
    for (const member of region.members) {
      if (!region.log.isLevel(member)) continue;
      for (const [origin, count] of member.federated.applied) {
        const cut = this.#directory.cutOf(origin);
        demand(
          cut === undefined || count <= cut,
          "freeze",
          () => `${region.name} has ${origin}:${count}, which was cut at ${String(cut)}`,
        );
      }
    }
  }

  compare(region: Region, member: Member): void {
    if (this.histories.forks.size === 0) this.convergence.compare(region, member);
  }

  /** When everything is healed: all have all. */
  checkEnd(regions: readonly Region[]): void {
    this.writes.checkEnd(regions);
    for (const region of regions) {
      this.checkCuts(region);
      for (const member of region.members) {
        this.#checkKeys(region, member);
        this.compare(region, member);
      }
    }
  }
}

/** As it came; undefined: with another region's state. */
function rowOf({ federated }: Member, { origin, sequence }: Dot): Minted | undefined {
  const row = federated.state.retained(origin, sequence);
  return row && { ...decodeTransaction(row.bytes), hash: row.hash };
}

function unknownText(region: Region, dot: Dot): string {
  return `${region.name} has ${dotText(dot)}, which its origin never minted`;
}

/** What changes with what is kept of keys, without a transaction. */
function recordsOf({ federated }: Member): string {
  const { size, contested, tombstones } = federated.state.records;
  return `${federated.config.epoch} ${size} ${contested} ${tombstones}`;
}

function dotsBetween(before: Vector, after: Vector): readonly Dot[] {
  return [...after].flatMap(([origin, last]) => {
    const first = countOf(before, origin) + 1;
    const count = Math.max(0, last - first + 1);
    return Array.from({ length: count }, (_, at) => ({
      origin,
      sequence: (first + at) as Sequence,
    }));
  });
}
