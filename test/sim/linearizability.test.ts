// The checker judged by itself: histories with known verdicts, and small random ones against a check that
// tries every order.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { present } from "../../base/index.ts";
import { checkLinearizable } from "./linearizability.ts";
import { REGISTER, checkRegister } from "./register.ts";
import type { Held, RegisterOp, RegisterOperation, RegisterResult } from "./register.ts";

function op(
  called: number,
  returned: number,
  what: RegisterOp,
  result: RegisterResult | undefined,
): RegisterOperation {
  return { op: what, called, returned, result };
}

const put = (called: number, returned: number, value: string): RegisterOperation =>
  op(called, returned, { kind: "put", value }, returned === Infinity ? undefined : { kind: "put" });
const get = (called: number, returned: number, held: Held): RegisterOperation =>
  op(called, returned, { kind: "get" }, { kind: "held", held });

describe("checkRegister", () => {
  const linearizable: Readonly<Record<string, readonly RegisterOperation[]>> = {
    "nothing happened": [],
    "a read overlaps a write and sees the new value": [put(1, 4, "a"), get(2, 3, "a")],
    "a read overlaps a write and sees the old value": [put(1, 4, "a"), get(2, 3, undefined)],
    "an unanswered write shows later": [
      put(1, Infinity, "a"),
      get(2, 3, undefined),
      get(4, 5, "a"),
    ],
    "an unanswered write never shows": [
      put(1, Infinity, "a"),
      get(2, 3, undefined),
      get(4, 5, undefined),
    ],
    "two overlapping writes in the order of the reads": [
      put(1, 6, "a"),
      put(2, 5, "b"),
      get(7, 8, "a"),
    ],
    "a swap succeeds on the value before it": [
      put(1, 2, "a"),
      op(3, 4, { kind: "swap", expect: "a", value: "b" }, { kind: "did" }),
      get(5, 6, "b"),
    ],
    "an unanswered swap is built on by another": [
      put(1, Infinity, "a"),
      op(2, Infinity, { kind: "swap", expect: "a", value: "b" }, undefined),
      op(3, 4, { kind: "swap", expect: "b", value: "c" }, { kind: "did" }),
      get(5, 6, "c"),
    ],
    "two unanswered deletes make two gaps": [
      op(1, Infinity, { kind: "delete" }, undefined),
      op(2, Infinity, { kind: "delete" }, undefined),
      put(3, 4, "a"),
      get(5, 6, undefined),
      put(7, 8, "b"),
      get(9, 10, undefined),
    ],
    "a failed swap tells what it saw": [
      put(1, 2, "a"),
      op(3, 4, { kind: "swap", expect: "x", value: "b" }, { kind: "did-not", held: "a" }),
    ],
    "a delete finds the value of an unanswered write": [
      put(1, Infinity, "a"),
      op(2, 3, { kind: "delete" }, { kind: "held", held: "a" }),
      get(4, 5, undefined),
    ],
  };
  test.each(Object.entries(linearizable))("accepts: %s", (_name, history) => {
    expect(checkRegister(history)).toEqual({ outcome: "linearizable" });
  });

  const violations: Readonly<Record<string, readonly RegisterOperation[]>> = {
    "a read misses a write that ended before it": [put(1, 2, "a"), get(3, 4, undefined)],
    "a read sees a value nobody wrote": [put(1, 2, "a"), get(3, 4, "b")],
    "one unanswered delete makes two gaps": [
      op(1, Infinity, { kind: "delete" }, undefined),
      put(3, 4, "a"),
      get(5, 6, undefined),
      put(7, 8, "b"),
      get(9, 10, undefined),
    ],
    "an unanswered write is found before its call": [get(1, 2, "a"), put(3, Infinity, "a")],
    "two reads go back in time": [put(1, 2, "a"), put(3, 10, "b"), get(4, 5, "b"), get(6, 7, "a")],
    "two swaps of one value both succeed": [
      put(1, 2, "a"),
      op(3, 6, { kind: "swap", expect: "a", value: "b" }, { kind: "did" }),
      op(4, 5, { kind: "swap", expect: "a", value: "c" }, { kind: "did" }),
    ],
    "a delete finds nothing after a finished write": [
      put(1, 2, "a"),
      op(3, 4, { kind: "delete" }, { kind: "held", held: undefined }),
    ],
    "a swap fails although the key held what it expects": [
      put(1, 2, "a"),
      op(3, 4, { kind: "swap", expect: "a", value: "b" }, { kind: "did-not" }),
    ],
    "an unanswered write takes effect twice": [
      put(1, Infinity, "a"),
      get(2, 3, "a"),
      put(4, 5, "b"),
      get(6, 7, "a"),
    ],
    "a failed swap saw a value that was gone": [
      put(1, 2, "a"),
      put(3, 4, "b"),
      op(5, 6, { kind: "swap", expect: "x", value: "c" }, { kind: "did-not", held: "a" }),
    ],
  };
  test.each(Object.entries(violations))("refuses: %s", (_name, history) => {
    expect(checkRegister(history)).toMatchObject({ outcome: "violation" });
  });

  test("names an operation that no order reaches", () => {
    const verdict = checkRegister([put(1, 2, "a"), get(3, 4, "a"), get(5, 6, "zzz")]);
    expect(verdict).toEqual({ outcome: "violation", stuckAt: 2 });
  });

  test("decides a long history with eight clients at once", () => {
    const history: RegisterOperation[] = [];
    for (let round = 0; round < 200; round += 1) {
      const from = round * 100;
      for (let client = 0; client < 7; client += 1) {
        history.push(put(from + client, from + 50 + client, `${round}.${client}`));
      }
      history.push(get(from + 60, from + 70, `${round}.3`));
    }
    expect(checkRegister(history)).toEqual({ outcome: "linearizable" });
  });
});

/** Tries every order, keeping to real time. */
function linearizableNaive(history: readonly RegisterOperation[], state: Held): boolean {
  if (history.every(({ returned }) => returned === Infinity)) return true;
  const earliestReturn = Math.min(...history.map(({ returned }) => returned));
  return history.some((operation, at) => {
    if (operation.called > earliestReturn) return false;
    const next = REGISTER.step(state, operation.op, operation.result);
    const rest = [...history.slice(0, at), ...history.slice(at + 1)];
    return next !== undefined && linearizableNaive(rest, next.state);
  });
}

const heldArbitrary = fc.constantFrom<Held>(undefined, "v0", "v1", "v2", "v3", "v4", "v5");
const kindArbitrary = fc.constantFrom<RegisterOp["kind"]>("get", "put", "delete", "swap");
const stepArbitrary = fc.record({
  kind: kindArbitrary,
  expect: heldArbitrary,
  held: heldArbitrary,
  did: fc.boolean(),
  unknown: fc.integer({ min: 0, max: 3 }),
});

type Step = typeof stepArbitrary extends fc.Arbitrary<infer S> ? S : never;

/** Operation `at` writes the value `v<at>` if it writes at all: values are unique in a history. */
function operationOf(step: Step, at: number, called: number, returned: number): RegisterOperation {
  const value = `v${at}`;
  const ends = step.unknown === 0 && step.kind !== "get" ? Infinity : returned;
  const answered = (result: RegisterResult): RegisterResult | undefined =>
    ends === Infinity ? undefined : result;
  const failed: RegisterResult = { kind: "did-not", held: step.held };
  switch (step.kind) {
    case "get":
      return op(called, returned, { kind: "get" }, { kind: "held", held: step.held });
    case "put":
      return op(called, ends, { kind: "put", value }, answered({ kind: "put" }));
    case "delete":
      return op(called, ends, { kind: "delete" }, answered({ kind: "held", held: step.held }));
    case "swap":
      return op(
        called,
        ends,
        { kind: "swap", expect: step.expect, value },
        answered(step.did ? { kind: "did" } : failed),
      );
  }
}

const historyArbitrary = fc
  .array(stepArbitrary, { minLength: 1, maxLength: 6 })
  .chain((steps) =>
    fc.tuple(
      fc.constant(steps),
      fc.shuffledSubarray([...Array(steps.length * 2).keys()], { minLength: steps.length * 2 }),
    ),
  )
  .map(([steps, positions]) =>
    steps.map((step, at) => {
      const first = present(positions[2 * at], "a position");
      const second = present(positions[2 * at + 1], "a position");
      return operationOf(step, at, Math.min(first, second), Math.max(first, second));
    }),
  );

describe("checkLinearizable", () => {
  test("agrees with a check that tries every order", () => {
    let accepted = 0;
    fc.assert(
      fc.property(historyArbitrary, (history) => {
        const expected = linearizableNaive(history, undefined);
        accepted += expected ? 1 : 0;
        const outcome = expected ? "linearizable" : "violation";
        expect(checkLinearizable(REGISTER, history).outcome).toBe(outcome);
        expect(checkRegister(history).outcome).toBe(outcome);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });
});
