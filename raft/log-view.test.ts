import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Entry, Membership } from "../consensus/index.ts";
import { MemoryLog } from "../test/scenario/memory-log.ts";
import { LogView } from "./log-view.ts";

const membership: Membership = {
  index: 0 as LogIndex,
  incoming: [1 as NodeId],
  learners: [],
  leaseMs: 1000,
};

function entry(index: number, term: number): Entry {
  const epoch = { config: 0, round: term, node: 0 } as const;
  return { kind: "command", index: index as LogIndex, epoch, data: new Uint8Array(4) };
}

/** A view over a log of these terms, all of them drained. */
function viewOf(terms: readonly number[]): { readonly view: LogView; readonly log: MemoryLog } {
  const log = new MemoryLog(membership);
  log.take([{ op: "append", entries: terms.map((term, at) => entry(at + 1, term)) }]);
  return { view: new LogView(log), log };
}

const risingTerms = fc
  .array(fc.nat({ max: 3 }), { maxLength: 12 })
  .map((steps) => steps.reduce<number[]>((all, step) => [...all, (all.at(-1) ?? 1) + step], []));

/** Append an entry some terms later, truncate from somewhere, or hand the changes out. */
const changes = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("append" as const), later: fc.nat({ max: 2 }) }),
    fc.record({ do: fc.constant("truncate" as const), keep: fc.nat({ max: 12 }) }),
    fc.record({ do: fc.constant("drain" as const) }),
  ),
  { maxLength: 20 },
);

test("what a turn did shows at once, and the same after the owner has taken it", () => {
  fc.assert(
    fc.property(risingTerms, changes, (start, steps) => {
      const { view, log } = viewOf(start);
      let model = [...start];
      const drain = (): void => {
        const { truncateFrom, entries } = view.drain();
        if (truncateFrom !== undefined) log.take([{ op: "truncate-from", index: truncateFrom }]);
        log.take([{ op: "append", entries }]);
      };
      for (const step of steps) {
        if (step.do === "append") {
          model.push((model.at(-1) ?? 1) + step.later);
          view.append(entry(model.length, model.at(-1) ?? 0));
        } else if (step.do === "truncate" && step.keep < model.length) {
          model = model.slice(0, step.keep);
          view.truncateFrom((step.keep + 1) as LogIndex);
        } else if (step.do === "drain") drain();
        expect(view.last).toBe(model.length);
        expect(view.lastTerm).toBe(model.at(-1) ?? 0);
        expect(model.map((_, at) => view.termAt(at + 1))).toEqual(model);
        expect(view.termAt(model.length + 1)).toBeUndefined();
      }
      drain();
      expect(log.entries().map(({ epoch }) => epoch.round)).toEqual(model);
      expect(view.changed).toBe(false);
    }),
  );
});

test("lastAtMostTerm agrees with looking at every entry", () => {
  fc.assert(
    fc.property(risingTerms, fc.nat({ max: 14 }), fc.nat({ max: 20 }), (terms, from, term) => {
      const { view } = viewOf(terms);
      const naive = [0, ...terms].reduce(
        (best, held, index) => (index <= from && held <= term ? index : best),
        0,
      );
      expect(view.lastAtMostTerm(from, term)).toBe(naive);
    }),
  );
});

test("slices stop at the bound, but never before one entry", () => {
  const { view } = viewOf([1, 1]);
  for (const index of [3, 4, 5]) view.append(entry(index, 1));
  const indexes = (from: number, bytesMax: number): number[] => {
    const slice = view.slice(from as LogIndex, 6, bytesMax);
    return typeof slice === "string" ? [] : slice.map(({ index }) => index);
  };
  expect(indexes(1, 1 << 20)).toEqual([1, 2]);
  expect(indexes(3, 1 << 20)).toEqual([3, 4, 5]);
  expect(indexes(3, 80)).toEqual([3, 4]);
  expect(indexes(4, 1)).toEqual([4]);
});
