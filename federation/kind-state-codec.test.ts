// States of kinds as bytes: they come back as they were, and what is none is refused with its place.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { keyOf } from "../base/index.ts";
import type { Hlc, Key } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import type { KindState } from "./kind.ts";
import { valueOfKind } from "./kind-rules.ts";
import { KindStateError, decodeKindState, encodeKindState } from "./kind-state-codec.ts";

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const origin = fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(originId);
const count = fc.nat();
const dot = fc.record({ origin, sequence: fc.integer({ min: 1 }).map(sequence) });
const text = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 8 }).map((it) => it as Key);
const written = <Value>(value: fc.Arbitrary<Value>) =>
  fc.array(fc.record({ dot, hlc: u64.map((it) => it as Hlc), value }), { maxLength: 4 });
const record = fc.record({
  origin,
  last: count,
  plus: u64,
  minus: u64,
  basePlus: u64,
  baseMinus: u64,
  deletedTo: count,
});
const rights = fc.record({
  origin,
  last: fc.integer({ min: 1 }),
  added: u64,
  taken: u64,
  given: fc.array(fc.record({ to: origin, amount: u64 }), { maxLength: 3 }),
});
const states: fc.Arbitrary<KindState> = fc.oneof(
  fc.record({ kind: fc.constant("counter" as const), records: fc.array(record) }),
  fc.record({ kind: fc.constant("bounded-counter" as const), records: fc.array(rights) }),
  fc.record({
    kind: fc.constant("set" as const),
    elements: fc.array(fc.record({ element: text, dots: fc.array(dot, { maxLength: 3 }) })),
  }),
  fc.record({
    kind: fc.constant("map" as const),
    fields: fc.array(fc.record({ field: text, writes: written(text) })),
  }),
  fc.record({ kind: fc.constant("register" as const), writes: written(fc.uint8Array()) }),
  fc.record({ kind: fc.constant("flag" as const), writes: written(fc.boolean()) }),
);

/** Found at random: nothing stands behind a short name. */
const SHORTEST: KindState = {
  kind: "map",
  fields: [{ field: keyOf(Uint8Array.of(0)), writes: [] }],
};

test("a state comes back as it was", () => {
  fc.assert(
    fc.property(states, (state) => {
      expect(decodeKindState(encodeKindState(state))).toEqual(state);
    }),
    { numRuns: 200, examples: [[SHORTEST]] },
  );
});

test("bytes that are no state are refused, wherever they end", () => {
  fc.assert(
    fc.property(states, fc.nat(), (state, cut) => {
      const bytes = encodeKindState(state);
      const short = bytes.subarray(0, cut % bytes.length);
      expect(() => decodeKindState(short)).toThrow(KindStateError);
    }),
    { numRuns: 200 },
  );
  expect(() => decodeKindState(Uint8Array.of(9))).toThrow("9 is no kind (byte 1)");
});

test("what a client reads is JSON of the bytes as they are, and a number of 64 bits", () => {
  const dots = [{ origin: originId(1), sequence: sequence(1) }];
  const elements = ['"', "\\", "\n", "\u{c3}\u{a9}"].map((element) => ({
    element: element as Key,
    dots,
  }));
  const shown = valueOfKind({ kind: "set", elements });
  expect(JSON.parse(new TextDecoder().decode(shown))).toEqual(['"', "\\", "\n", "\u{e9}"]);
  const base = { last: 1, minus: 0n, basePlus: 0n, baseMinus: 0n, deletedTo: 0, plus: 2n ** 63n };
  const records = [1, 2].map((at) => ({ ...base, origin: originId(at) }));
  const sum = valueOfKind({ kind: "counter", records });
  expect(new TextDecoder().decode(sum)).toBe("9223372036854775807");
});
