// What the state was at certain applied indexes, as a number each: equal on all members that applied the same
// entries alike. Members that compare their marks find a divergence without reading a row, as soon as one
// index is marked on both.
import type { LogIndex } from "../base/index.ts";

export interface StateMark {
  readonly applied: LogIndex;
  readonly digest: number;
}

/** Every so many entries one is kept: members that lag behind each other by less meet at one. */
const MARKED_EVERY = 256;
const MARKS_MAX = 64;

export class StateMarks {
  #marks: readonly StateMark[] = [];

  /** To be called at every applied entry. `digestOf` tells of the state behind it. */
  note(applied: LogIndex, digestOf: () => number): void {
    if (applied % MARKED_EVERY !== 0) return;
    this.#marks = [...this.#marks.slice(1 - MARKS_MAX), { applied, digest: digestOf() }];
  }

  /** Ascending; `current` last: members that are idle have it in common. */
  list(current: StateMark): readonly StateMark[] {
    const newest = this.#marks.at(-1);
    return newest?.applied === current.applied ? this.#marks : [...this.#marks, current];
  }
}

/** The newest index that both have marked, and whether they agree about it; undefined: there is none. */
export function compareMarks(
  left: readonly StateMark[],
  right: readonly StateMark[],
): { readonly applied: LogIndex; readonly equal: boolean } | undefined {
  const digests = new Map(left.map(({ applied, digest }) => [applied, digest]));
  const shared = right.filter(({ applied }) => digests.has(applied));
  const newest = shared.reduce<StateMark | undefined>(
    (last, mark) => (last === undefined || mark.applied > last.applied ? mark : last),
    undefined,
  );
  if (newest === undefined) return undefined;
  return { applied: newest.applied, equal: digests.get(newest.applied) === newest.digest };
}
