// How much of each origin's suffix is retained, and what of it may be dropped (federation 10): what every member has
// applied; at the bound also what a majority has, whoever lacks it re-bootstraps; never what only this region is known
// to hold: then federated writes are refused instead (trap 17, scenario 33).
import { standingOf } from "./config-standing.ts";
import type { FederationConfig } from "./config.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { SuffixSizes } from "./suffix-sizes.ts";
import { VECTOR_ZERO, countOf, covers, shared } from "./vector.ts";
import type { Vector } from "./vector.ts";

export interface RetentionQuestion {
  readonly config: FederationConfig;
  readonly self: OriginId | undefined;
  readonly applied: Vector;
  /** Of two histories that were seen this region's may be the only copy: it is kept, whatever others report. */
  readonly forked: ReadonlySet<OriginId>;
  /** What a region has applied by its own last word, in whatever order it came: it is about possession. */
  readonly vectorOf: (origin: OriginId) => Vector | undefined;
  readonly bytesMax: number;
  /** Snapshots of this region that are on their way: what goes on from them is not dropped. */
  readonly pinned?: readonly Vector[];
}

export interface RetentionPlan {
  /** May be dropped up to there, of each origin that is named. */
  readonly through: Vector;
  /** Of `through`, some is lacked by a member. */
  readonly lacked: boolean;
  /** The bound is reached, and what is left only this region is known to hold: federated writes are refused. */
  readonly full: boolean;
}

export class Retention {
  readonly #suffixes = new Map<OriginId, SuffixSizes>();
  readonly #aside = new Set<OriginId>();

  /** Closed origins of which another history than the one that counts is retained, for the salvage alone. */
  get aside(): ReadonlySet<OriginId> {
    return this.#aside;
  }

  isAside(origin: OriginId): boolean {
    return this.#aside.has(origin);
  }

  setAside(origin: OriginId): void {
    this.#aside.add(origin);
  }

  /** Of the transactions' own bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const suffix of this.#suffixes.values()) bytes += suffix.bytes;
    return bytes;
  }

  /** What of the origin there is, aside or not; undefined: nothing. */
  rangeOf(origin: OriginId): { readonly first: Sequence; readonly last: Sequence } | undefined {
    const suffix = this.#suffixes.get(origin);
    if (suffix === undefined || suffix.first > suffix.last) return undefined;
    return { first: suffix.first as Sequence, last: suffix.last as Sequence };
  }

  /** All from there on is retained for others; undefined: nothing is. */
  firstOf(origin: OriginId): Sequence | undefined {
    return this.#aside.has(origin) ? undefined : this.rangeOf(origin)?.first;
  }

  /** The last that is retained for others; undefined: nothing is. */
  lastOf(origin: OriginId): Sequence | undefined {
    return this.#aside.has(origin) ? undefined : this.rangeOf(origin)?.last;
  }

  /** Of `from` to `last`, all of it retained. */
  bytesBetween(origin: OriginId, from: number, last: number): number {
    const suffix = this.#suffixes.get(origin);
    return suffix === undefined ? 0 : suffix.bytesThrough(last) - suffix.bytesThrough(from - 1);
  }

  /** @throws {AssertionError} unless it follows the last of its origin that is retained. */
  add(origin: OriginId, sequence: Sequence, bytes: number): void {
    const suffix = this.#suffixes.get(origin);
    const isEmpty = suffix === undefined || suffix.first > suffix.last;
    const retained = isEmpty ? new SuffixSizes(sequence) : suffix;
    this.#suffixes.set(origin, retained);
    retained.add(sequence, bytes);
  }

  drop(through: Vector): void {
    for (const [origin, last] of through) this.#suffixes.get(origin)?.drop(last);
  }

  /** Drops what of the origin is behind `last`. */
  truncate(origin: OriginId, last: number): void {
    this.#suffixes.get(origin)?.truncate(last);
    if (this.rangeOf(origin) === undefined) this.#aside.delete(origin);
  }

  plan(question: RetentionQuestion): RetentionPlan {
    const others = question.config.members.filter(({ origin }) => origin !== question.self);
    const { pinned = [] } = question;
    const vectors = [...others.map(({ origin }) => question.vectorOf(origin)), ...pinned];
    const through = new Map<OriginId, Sequence>();
    let bytes = this.bytes;
    for (const [origin, suffix] of this.#suffixes) {
      if (this.#keeps(question, origin)) continue;
      const counts = vectors.map((vector) => (vector === undefined ? 0 : countOf(vector, origin)));
      const last = Math.min(suffix.last, ...counts);
      if (last < suffix.first) continue;
      through.set(origin, last as Sequence);
      bytes -= suffix.bytesThrough(last);
    }
    if (bytes <= question.bytesMax) return { through, lacked: false, full: false };
    const left = this.#dropHeld(question, through, bytes);
    return { through, lacked: left < bytes, full: left > question.bytesMax };
  }

  #keeps({ forked }: RetentionQuestion, origin: OriginId): boolean {
    return forked.has(origin) || this.#aside.has(origin);
  }

  /** Of each origin the last that is applied and not retained: it is to be had elsewhere alone. */
  #goneHere({ applied }: RetentionQuestion): Vector {
    const gone = new Map<OriginId, Sequence>();
    for (const [origin, last] of applied) {
      const first = this.firstOf(origin);
      if (first === undefined) gone.set(origin, last);
      else if (first > 1) gone.set(origin, (first - 1) as Sequence);
    }
    return gone;
  }

  /** Adds to `through` what others hold, of the longest suffix first, down to the bound. Returns what is left. */
  #dropHeld(
    question: RetentionQuestion,
    through: Map<OriginId, Sequence>,
    bytesBefore: number,
  ): number {
    const held = heldBy(question, this.#goneHere(question));
    let bytes = bytesBefore;
    while (bytes > question.bytesMax) {
      let longest: { origin: OriginId; until: number; bytes: number } | undefined;
      for (const [origin, suffix] of this.#suffixes) {
        if (this.#keeps(question, origin)) continue;
        const dropped = Math.max(countOf(through, origin), suffix.first - 1);
        const left = suffix.bytes - suffix.bytesThrough(dropped);
        const until = Math.min(suffix.endOf(dropped + 1), countOf(held, origin));
        if (until > dropped && left > (longest?.bytes ?? -1)) {
          longest = { origin, until, bytes: left };
        }
      }
      if (longest === undefined) return bytes;
      const suffix = this.#suffixes.get(longest.origin);
      const keeps = (suffix?.bytes ?? 0) - (suffix?.bytesThrough(longest.until) ?? 0);
      bytes -= longest.bytes - keeps;
      through.set(longest.origin, longest.until as Sequence);
    }
    return bytes;
  }
}

/**
 * How far, of each origin, others are known to have all that this region retains no more: as many as are a majority
 * of the regions that stay, this one among them. So any two regions that drop something share one that has what both
 * dropped, and whoever lacks something can always take somebody's state (decision 48). Nothing: there are not as many.
 */
function heldBy({ config, self, vectorOf, pinned = [] }: RetentionQuestion, gone: Vector): Vector {
  const staying = config.members.filter(
    ({ name, origin }) => origin !== self && standingOf(config, name) !== "frozen",
  );
  const needed = Math.floor((staying.length + 1) / 2);
  const holders = staying
    .flatMap(({ origin }) => vectorOf(origin) ?? [])
    .filter((vector) => covers(vector, gone))
    .sort((left, right) => sumOf(right) - sumOf(left))
    .slice(0, needed);
  const [first, ...others] = holders;
  if (first === undefined || holders.length < needed) return VECTOR_ZERO;
  return [...others, ...pinned].reduce(shared, first);
}

function sumOf(vector: Vector): number {
  return [...vector.values()].reduce((sum: number, count) => sum + count, 0);
}
