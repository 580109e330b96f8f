// How far a region is behind each origin: in transactions, and since when. Known without comparing clocks: what others
// report to have is ahead from the moment that it is heard of until it is applied here.
import type { OriginId } from "./dot.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** Marks of one origin; beyond that the latest moves on, which only makes the lag look older. */
const MARKS_MAX = 256;

interface Mark {
  readonly sequence: number;
  readonly heardAtMs: number;
}

export interface OriginLag {
  readonly origin: OriginId;
  /** Known to exist and not applied here. */
  readonly dots: number;
  /** Since the oldest of them was heard of; 0: there is none. */
  readonly ageMs: number;
}

export class LagBook {
  readonly #marks = new Map<OriginId, Mark[]>();

  /** Somebody has applied `vector`. */
  onHeard(vector: Vector, applied: Vector, nowMs: number): void {
    for (const [origin, sequence] of vector) {
      if (sequence <= countOf(applied, origin)) continue;
      const marks = this.#marks.get(origin) ?? [];
      const last = marks.at(-1);
      if (last !== undefined && last.sequence >= sequence) continue;
      if (marks.length < MARKS_MAX) marks.push({ sequence, heardAtMs: nowMs });
      else marks[marks.length - 1] = { sequence, heardAtMs: last?.heardAtMs ?? nowMs };
      this.#marks.set(origin, marks);
    }
  }

  onApplied(applied: Vector): void {
    for (const [origin, marks] of this.#marks) {
      if ((marks[0]?.sequence ?? 0) > countOf(applied, origin)) continue;
      const left = marks.filter(({ sequence }) => sequence > countOf(applied, origin));
      if (left.length === 0) this.#marks.delete(origin);
      else if (left.length < marks.length) this.#marks.set(origin, left);
    }
  }

  /** Of every origin that is behind. */
  list(applied: Vector, nowMs: number): readonly OriginLag[] {
    return [...this.#marks].map(([origin, marks]) => {
      const most = marks.at(-1)?.sequence ?? 0;
      const dots = Math.max(0, most - countOf(applied, origin));
      return { origin, dots, ageMs: Math.max(0, nowMs - (marks[0]?.heardAtMs ?? nowMs)) };
    });
  }
}
