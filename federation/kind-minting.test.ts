// What a region refuses of an operation on a key of a kind, with its reason, and what it mints of the rest.
import { describe, expect, test } from "@jest/globals";
import type { Hlc, Key } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import { deletionOf, mintedKind } from "./kind-minting.ts";
import type { AskedOperation } from "./kind-minting.ts";
import { emptyState } from "./kind-rules.ts";
import { KIND_LIMITS } from "./kind-shape.ts";

const SELF = originId(1);
const key = (text: string): Key => text as Key;
const COUNTER = { kind: "counter", action: "add" } as const;
const BOUNDED = { kind: "bounded-counter", action: "add" } as const;
const SET = { kind: "set", action: "change", remove: [] } as const;
const MAP = { kind: "map", action: "change", remove: [] } as const;

describe("an operation on a kind", () => {
  test.each<[AskedOperation, string, RegExp]>([
    [{ ...COUNTER, amount: 0n }, "out-of-range", /^0 is added, expected any other number$/],
    [{ ...COUNTER, amount: 2n ** 63n }, "out-of-range", /expected a signed number of 64 bits/],
    [{ ...BOUNDED, amount: 0n }, "out-of-range", /the amount is 0, expected 1 to/],
    [{ ...BOUNDED, action: "take", amount: 1n }, "no-rights", /the right to 0, less than the 1/],
    [{ ...BOUNDED, action: "transfer", to: SELF, amount: 1n }, "no-rights", /to itself/],
    [{ kind: "bounded-counter", action: "delete" }, "never-deleted", /granted again/],
    [{ ...SET, add: [] }, "malformed", /no elements are named/],
    [{ ...SET, add: [key("")] }, "malformed", /an element is empty/],
    [{ ...SET, add: [key("\u{ff}")] }, "malformed", /is not UTF-8/],
    [
      { ...SET, add: Array.from({ length: KIND_LIMITS.itemsMax + 1 }, (_, at) => key(`${at}`)) },
      "malformed",
      /65537 elements/,
    ],
    [
      { ...MAP, put: [{ field: key("f"), value: key("\u{80}") }] },
      "malformed",
      /value is not UTF-8/,
    ],
    [
      { ...MAP, put: [{ field: key("f"), value: key("1") }], remove: [key("f")] },
      "malformed",
      /both/,
    ],
    [
      {
        ...MAP,
        put: [
          { field: key("f"), value: key("1") },
          { field: key("f"), value: key("2") },
        ],
      },
      "malformed",
      /put twice/,
    ],
  ])("of case %# is refused, with what was expected", (asked, refused, text) => {
    expect(mintedKind(asked, emptyState(asked.kind), SELF)).toEqual({
      refused,
      text: expect.stringMatching(text),
    });
  });

  test("of another kind than the prefix's is refused", () => {
    expect(mintedKind({ ...COUNTER, amount: 1n }, emptyState("set"), SELF)).toEqual({
      refused: "wrong-kind",
      text: "the key is a set, and this is done to a counter",
    });
  });

  test("has its lists in order, each element once, and what is added is not removed", () => {
    const asked = { ...SET, add: [key("b"), key("a"), key("b")], remove: [key("c"), key("a")] };
    expect(mintedKind(asked, emptyState("set"), SELF)).toEqual({
      kind: "set",
      action: "change",
      add: ["a", "b"],
      remove: ["c"],
    });
  });

  test("that would count an origin beyond 64 bits in all is refused", () => {
    const total = { origin: SELF, last: 1, plus: 2n ** 64n - 2n, minus: 0n };
    const record = { ...total, basePlus: 0n, baseMinus: 0n, deletedTo: 0 };
    const state = { kind: "counter", records: [record] } as const;
    expect(mintedKind({ ...COUNTER, amount: 1n }, state, SELF)).toEqual({ ...COUNTER, amount: 1n });
    expect(mintedKind({ ...COUNTER, amount: 2n }, state, SELF)).toMatchObject({
      refused: "out-of-range",
    });
  });

  test("that would make a map larger than a client can read is refused; what it replaces makes room", () => {
    const write = { dot: { origin: SELF, sequence: sequence(1) }, hlc: 1n as Hlc };
    const long = "v".repeat(1024 * 1024 - 1) as Key;
    const fields = [{ field: key("f"), writes: [{ ...write, value: long }] }];
    const ask = (field: string): AskedOperation => ({
      ...MAP,
      put: [{ field: key(field), value: key("w") }],
    });
    expect(mintedKind(ask("g"), { kind: "map", fields }, SELF)).toEqual({
      refused: "out-of-range",
      text: "the map would hold 1048578 bytes, expected 1048576 at most",
    });
    expect(mintedKind(ask("f"), { kind: "map", fields }, SELF)).toMatchObject({ kind: "map" });
  });

  test("that deletes a counter says what it has seen", () => {
    const total = { origin: SELF, last: 1, plus: 5n, minus: 2n };
    const record = { ...total, basePlus: 0n, baseMinus: 0n, deletedTo: 0 };
    expect(deletionOf({ kind: "counter", records: [record] })).toEqual({
      kind: "counter",
      action: "delete",
      seen: [{ origin: 1, plus: 5n, minus: 2n }],
    });
  });
});
