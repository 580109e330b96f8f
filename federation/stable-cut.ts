// What every region has applied, as this region may rely on: the stable cut SC, within which a tombstone that stands
// alone may be purged (federation 10). A region's word on what it has applied counts only in the order of its stream
// (trap 32): once all that it minted before its word is applied here, nothing comes of it any more that had not seen
// what the word names. Soft state of who leads; only the command that follows from it is logged.
import type { FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { Report } from "./exchange-message.ts";
import type { FederationBug } from "./planted.ts";
import type { Transaction } from "./transaction.ts";
import { VECTOR_ZERO, countOf, joined, shared } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** What of the replicated state decides. */
export interface StableState {
  readonly applied: Vector;
  readonly config: FederationConfig;
  readonly self: OriginId | undefined;
}

/** One origin's row of the matrix M. */
interface Row {
  /** The join of what counts. */
  counted: Vector;
  /** The first that does not count yet, and the last: were there one place, a busy region's word would never count. */
  first: Report | undefined;
  last: Report | undefined;
  /** Of what counts, the latest document. */
  epoch: number;
}

export class StableCut {
  readonly #rows = new Map<OriginId, Row>();
  readonly #planted: FederationBug | undefined;

  constructor(planted?: FederationBug) {
    this.#planted = planted;
  }

  /** Of a region, by whatever way it came; its vector has its own origin in it. */
  note(report: Report): void {
    const row = this.#rowOf(report.origin);
    if (row.first === undefined) row.first = report;
    else row.last = report;
  }

  /** A transaction that was just applied here is its region's word, in the order of its stream. */
  applied({ origin, sequence, deps }: Transaction): void {
    const row = this.#rowOf(origin);
    row.counted = joined(row.counted, new Map(deps).set(origin, sequence));
  }

  /**
   * SC. The rows that bound it: of every member, and of every closed origin of which something is still to come, for
   * that was minted by a region that had seen no more than its row says.
   */
  cut({ applied, config, self }: StableState): Vector {
    const isMember = config.members.some(({ origin }) => origin === self);
    if (!isMember) return VECTOR_ZERO;
    const coming = config.closed.filter(({ origin, cut }) => countOf(applied, origin) < cut);
    let cut = applied;
    for (const { origin } of [...config.members, ...coming]) {
      if (origin === self) continue;
      cut = shared(cut, this.#counted(origin, applied, config.epoch).counted);
    }
    return cut;
  }

  /**
   * Whether every member has the document in force here, and what it minted before it had it is applied: then nobody has
   * settled, or settles, by another one what is settled by this one (federation 5, decision 49).
   */
  agrees({ applied, config, self }: StableState): boolean {
    if (this.#planted === "settled-before-agreement") return true;
    const { members, closed, epoch } = config;
    if (closed.some(({ origin, cut }) => countOf(applied, origin) < cut)) return false;
    const others = members.filter(({ origin }) => origin !== self);
    return others.every(({ origin }) => this.#counted(origin, applied, epoch).epoch >= epoch);
  }

  /** Forgets the origins that bound nothing any more. */
  prune({ applied, config }: StableState): void {
    for (const origin of [...this.#rows.keys()]) {
      const isMember = config.members.some((member) => member.origin === origin);
      const closed = config.closed.find((one) => one.origin === origin);
      const isComing = closed !== undefined && countOf(applied, origin) < closed.cut;
      if (!isMember && !isComing) this.#rows.delete(origin);
    }
  }

  #rowOf(origin: OriginId): Row {
    const row = this.#rows.get(origin);
    if (row !== undefined) return row;
    const fresh: Row = { counted: VECTOR_ZERO, first: undefined, last: undefined, epoch: 0 };
    this.#rows.set(origin, fresh);
    return fresh;
  }

  /** Its row, in which all counts that may by now. */
  #counted(origin: OriginId, applied: Vector, epoch: number): Row {
    const row = this.#rowOf(origin);
    const counts = (report: Report | undefined): report is Report =>
      report !== undefined &&
      report.epoch <= epoch &&
      countOf(report.vector, origin) <= countOf(applied, origin);
    while (counts(row.first)) {
      row.counted = joined(row.counted, row.first.vector);
      row.epoch = Math.max(row.epoch, row.first.epoch);
      row.first = row.last;
      row.last = undefined;
    }
    return row;
  }
}
