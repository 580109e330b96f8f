// What a region's leader proposes by itself to keep its part of the federation in order: the clock that stamps are
// counted from, conflicts that everybody has and may be settled, and what may be forgotten (federation 2, 5, 10, 16).
import type { Key, LogTimeMs, MonotonicMs } from "../base/index.ts";
import { MINT_SKEW_MS_MAX, StableCut, covers, mintGuard, sameVector } from "../federation/index.ts";
import type {
  FederationBug,
  FederationChange,
  OriginId,
  ReportBook,
  Vector,
} from "../federation/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { Clock, Journal } from "./ports.ts";

/** Log time and the leader's clock may part by this much before they are brought together again. */
const ANCHOR_SKEW_MS_MAX = 50;
/** Between two looks at what may be forgotten. */
const COLLECT_EVERY_MS = 2_000;
const SETTLED_MAX = 1_024;
/** Another clock's word counts for this long. */
const SAMPLE_MS = 10_000;

export interface FederationKeepingInit {
  readonly region: FederatedRegion;
  readonly reports: ReportBook;
  /** Snapshots of this region that others are taking. */
  readonly pinned: () => readonly Vector[];
  /** Of tombstones and siblings; half of it is told of. Absent: no bound. */
  readonly waitingBytesMax?: number;
  readonly clock: Clock;
  readonly logTime: () => LogTimeMs;
  /** `done` gets whether it had its whole effect: a step of bounded size may leave something to do. */
  readonly propose: (change: FederationChange, done: (applied: boolean) => void) => void;
  readonly journal: Journal;
  /** Keys whose conflicts one entry settles. Only tests set it. */
  readonly settledMax?: number;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

interface Round {
  readonly cut: Vector;
  readonly epoch: number;
  /** Every region has that document: before, nothing is settled. */
  readonly agrees: boolean;
  left: number;
}

interface Sample {
  readonly aheadMs: number;
  readonly atMs: MonotonicMs;
}

export class FederationKeeping {
  readonly #init: FederationKeepingInit;
  readonly #stable: StableCut;
  readonly #samples = new Map<OriginId, Sample>();
  #proposing = false;
  #collectAtMs = 0;
  #noted = 0;
  /** Of all conflicts at one cut, by one document: how many keys are still to be looked at. */
  #round: Round = { cut: new Map(), epoch: 0, agrees: false, left: 0 };
  #settledLast = false;
  /** Of the keys with conflicts, where the next settlement begins: some are nobody's to settle. */
  #settledFrom = 0;
  /** The cut at which tombstones were purged last. */
  #collectedAt: Vector = new Map();
  #clockWarned = false;
  #waitingTold = false;

  constructor(init: FederationKeepingInit) {
    this.#init = init;
    this.#stable = new StableCut(init.planted);
  }

  /** Every region has the document in force here, by its own word (federation 5). */
  get agrees(): boolean {
    this.#hear();
    return this.#stable.agrees(this.#init.region);
  }

  /** Applied by every region, by its own word. */
  get stable(): Vector {
    this.#hear();
    return this.#stable.cut(this.#init.region);
  }

  /** Another region's clock, as it was just found. */
  onClock(of: OriginId, aheadMs: number): void {
    this.#samples.set(of, { aheadMs, atMs: this.#init.clock.monotonicMs() });
  }

  /** To be called now and then while this member leads and has applied all that came before it led. */
  look(): void {
    this.#hear();
    if (this.#proposing) return;
    if (!this.#anchor()) this.#collect();
  }

  #hear(): void {
    const { reports, region } = this.#init;
    const news = reports.since(this.#noted);
    this.#noted = reports.changes;
    const { self } = region;
    for (const report of news) if (report.origin !== self) this.#stable.note(report);
  }

  /**
   * Stamps run on with log time from the last anchor; a leader whose clock is far from those of the other regions
   * leaves it there. So no clock but one that most agree with gets into a stamp.
   */
  #anchor(): boolean {
    const { region, clock, logTime, journal } = this.#init;
    const wallMs = clock.wallMs();
    const anchoredMs = region.wallMsAt(logTime());
    if (anchoredMs !== undefined && Math.abs(wallMs - anchoredMs) <= ANCHOR_SKEW_MS_MAX) {
      return false;
    }
    const guard = mintGuard(this.#fresh());
    if (!guard.open) {
      const about = { skewMs: Math.round(guard.skewMs), mostMs: MINT_SKEW_MS_MAX };
      if (!this.#clockWarned) {
        journal.error("this clock is far from other regions': stamps do not follow it", about);
      }
      this.#clockWarned = true;
      return false;
    }
    this.#clockWarned = false;
    this.#propose({ change: "anchor", wallMs }, () => undefined);
    return true;
  }

  #fresh(): { readonly aheadMs: number; readonly of: "region" }[] {
    const now = this.#init.clock.monotonicMs();
    const samples = [...this.#samples.values()].filter(({ atMs }) => now - atMs <= SAMPLE_MS);
    return samples.map(({ aheadMs }) => ({ aheadMs, of: "region" }));
  }

  #collect(): void {
    const { region, reports, clock, pinned } = this.#init;
    const now = clock.monotonicMs();
    if (now < this.#collectAtMs) return;
    this.#collectAtMs = now + COLLECT_EVERY_MS;
    this.#watchWaiting();
    const state = region;
    this.#stable.prune(state);
    const cut = this.#stable.cut(state);
    const { through, full } = state.planRetention({
      vectorOf: (origin) => reports.of(origin)?.vector,
      pinned: pinned(),
    });
    const { epoch } = state.config;
    const { contested } = state;
    const agrees = this.#stable.agrees(state);
    const before = this.#round;
    if (epoch !== before.epoch || agrees !== before.agrees || !sameVector(cut, before.cut)) {
      this.#round = { cut, epoch, agrees, left: agrees ? contested.length : 0 };
    }
    // In turns: where conflicts stay open and writes go on there is always something to settle first.
    this.#settledLast = !this.#settledLast && this.#settle(this.#round, contested);
    if (this.#settledLast) {
      this.#collectAtMs = now;
      return;
    }
    const isNews = !sameVector(cut, this.#collectedAt) || through.size > 0 || full !== state.isFull;
    if (!isNews) return;
    this.#propose({ change: "collect", epoch, cut, through, full }, (applied) => {
      if (applied) this.#collectedAt = cut;
    });
  }

  /** Whether something is proposed of the next keys with conflicts: those that are nobody's to settle cost no entry. */
  #settle(round: Round, contested: readonly Key[]): boolean {
    const { region, settledMax = SETTLED_MAX } = this.#init;
    if (round.left <= 0 || contested.length === 0) return false;
    const { cut: stable, epoch } = round;
    const from = this.#settledFrom < contested.length ? this.#settledFrom : 0;
    this.#settledFrom = from + settledMax;
    const looked = contested.slice(from, this.#settledFrom);
    const keys = region.state.toSettle(stable, looked);
    if (keys.length === 0) {
      round.left -= looked.length;
      return false;
    }
    this.#propose({ change: "settle", epoch, stable, keys }, (applied) => {
      if (applied) round.left -= looked.length;
    });
    return true;
  }

  /** A region that is away keeps every delete of the others' (federation 10, trap 16): it is said by name. */
  #watchWaiting(): void {
    const { region, reports, journal, waitingBytesMax = Infinity } = this.#init;
    const { waitingBytes } = region.state.records;
    if (waitingBytes < waitingBytesMax / 4) this.#waitingTold = false;
    if (waitingBytes < waitingBytesMax / 2 || this.#waitingTold) return;
    this.#waitingTold = true;
    const { config, applied, self } = region;
    const behind = config.members.filter(({ origin }) => {
      const report = reports.of(origin);
      return origin !== self && !(report !== undefined && covers(report.vector, applied));
    });
    const regions = behind.map(({ name }) => name).join();
    journal.error("deletes and conflicts wait for regions: part those that do not come back", {
      ...{ regions, waitingBytes, boundBytes: waitingBytesMax },
    });
  }

  #propose(change: FederationChange, done: (applied: boolean) => void): void {
    this.#proposing = true;
    this.#init.propose(change, (applied) => {
      this.#proposing = false;
      done(applied);
    });
  }
}
