// Regions that have applied the same transactions keep the same, in whatever causal order they came: siblings as the
// naive oracle has them, equal views under every policy, equal kinds, equal Merkle roots (federation 5, 7, 9, 17, 19).
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key } from "../../base/index.ts";
import { originId } from "../../federation/dot.ts";
import type { KindState } from "../../federation/kind.ts";
import type { AskedOperation } from "../../federation/kind-minting.ts";
import { boundedCounterValue, rightsOf } from "../../federation/kinds/bounded-counter.ts";
import { encodeKindState } from "../../federation/kind-state-codec.ts";
import type { FederationBug } from "../../federation/planted.ts";
import { isCompared } from "../../federation/record-step.ts";
import type { Siblings } from "../../federation/sibling.ts";
import { viewOf } from "../../federation/view.ts";
import type { ViewRules } from "../../federation/view-rules.ts";
import { LWW, Region, bytes, heal, stableFor, textOf } from "./kernel-world.ts";

const KEYS = ["a", "b"].map((key) => key as Key);
const REGIONS = 3;

/** The resolver of these tests: the values, least first. */
const RESOLVER: ViewRules = {
  policy: "resolver",
  resolve: (_, siblings: Siblings) => {
    const values = siblings.flatMap(({ value }) => textOf(value) ?? []).sort();
    return values.length === 0
      ? { action: "delete" }
      : { action: "value", value: bytes(values.join("+")) };
  },
};

const POLICIES: readonly ViewRules[] = [
  LWW,
  { policy: "first-writer" },
  { policy: "add-wins" },
  { policy: "delete-wins" },
  { policy: "merge" },
  { policy: "siblings" },
  { policy: "priority", rankOf: new Map([[originId(2), 0]]) },
  { policy: "home-wins", home: new Set([originId(3)]) },
  RESOLVER,
];

type Step = { readonly region: number } & (
  | { readonly step: "put" | "delete"; readonly key: Key; readonly context: number | undefined }
  | { readonly step: "kind"; readonly key: Key; readonly asked: AskedOperation }
  | { readonly step: "deliver"; readonly from: number; readonly which: number }
  | { readonly step: "settle"; readonly key: Key }
  | { readonly step: "purge" }
  | { readonly step: "policy"; readonly policy: number }
);

const key = fc.constantFrom(...KEYS);
const regionOf = fc.nat({ max: REGIONS - 1 });
const names = fc.subarray(["x", "y", "z"].map((name) => name as Key));
const amounts = fc.bigInt({ min: 1n, max: 9n });
const asked: fc.Arbitrary<AskedOperation> = fc.oneof(
  fc
    .bigInt({ min: -9n, max: 9n })
    .map((amount) => ({ kind: "counter" as const, action: "add" as const, amount })),
  fc.constant({ kind: "counter" as const, action: "reset" as const }),
  fc.record({
    kind: fc.constant("bounded-counter" as const),
    action: fc.constantFrom("add" as const, "take" as const),
    amount: amounts,
  }),
  fc.record({
    kind: fc.constant("bounded-counter" as const),
    action: fc.constant("transfer" as const),
    to: regionOf.map((at) => originId(at + 1)),
    amount: amounts,
  }),
  fc.record({
    kind: fc.constant("set" as const),
    action: fc.constant("change" as const),
    add: names,
    remove: names,
  }),
  fc.record({
    kind: fc.constant("map" as const),
    action: fc.constant("change" as const),
    put: names.map((fields) => fields.map((field) => ({ field, value: field }))),
    remove: names,
  }),
  fc
    .constantFrom("p", "q")
    .map((value) => ({ kind: "register" as const, action: "write" as const, value: bytes(value) })),
  fc.boolean().map((enabled) => ({ kind: "flag" as const, action: "write" as const, enabled })),
  fc
    .constantFrom("counter", "set", "map", "register", "flag")
    .map((kind) => ({ kind, action: "delete" as const })),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      region: regionOf,
      step: fc.constantFrom("put" as const, "put" as const, "delete" as const),
      key,
      context: fc.option(fc.nat({ max: 15 }), { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ region: regionOf, step: fc.constant("kind" as const), key, asked }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      region: regionOf,
      step: fc.constant("deliver" as const),
      from: regionOf,
      which: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ region: regionOf, step: fc.constant("settle" as const), key }),
  },
  { weight: 2, arbitrary: fc.record({ region: regionOf, step: fc.constant("purge" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      region: regionOf,
      step: fc.constant("policy" as const),
      policy: fc.nat({ max: POLICIES.length - 1 }),
    }),
  },
);

/** Clocks are apart, and stand still often enough for stamps to be equal. */
function clockOf(region: number, at: number): number {
  return 1_000 + Math.floor(at / 3) + (region === 1 ? 7 : 0);
}

function play(step: Step, at: number, regions: readonly Region[]): void {
  const region = regions[step.region];
  const now = clockOf(step.region, at);
  if (region === undefined) throw new Error(`region ${step.region} of ${regions.length}`);
  switch (step.step) {
    case "put":
    case "delete": {
      const dots = region.siblings(step.key).map(({ dot }) => dot);
      const { context: mask } = step;
      const context =
        mask === undefined ? {} : { context: dots.filter((_, bit) => (mask >> bit) % 2 === 1) };
      const value = step.step === "put" ? { value: bytes(`v${at % 7}`) } : {};
      region.tryWrite({ key: step.key, ...value, ...context }, now);
      break;
    }
    case "kind":
      region.operate(step.key, step.asked, now);
      break;
    case "deliver":
      deliver(regions[step.from] ?? region, region, step.which);
      break;
    case "settle":
      region.settle(step.key, stableFor(region, regions), now);
      break;
    case "purge":
      region.purge(stableFor(region, regions));
      break;
    case "policy":
      region.rules = POLICIES[step.policy] ?? LWW;
      break;
  }
  for (const one of KEYS) region.check(one);
}

/** Of what may come next, the `which`-th; every causal order can come about. */
function deliver(from: Region, to: Region, which: number): void {
  let passed = 0;
  for (const transaction of from.log) {
    const ready = to.canTake(transaction);
    if (ready && passed === which) {
      to.deliver(transaction);
      return;
    }
    if (ready) passed += 1;
  }
}

function converged(regions: readonly Region[]): void {
  heal(regions);
  for (const region of regions) region.purge(stableFor(region, regions));
  const [first, ...others] = regions;
  for (const other of others) {
    for (const one of KEYS) expect(portrait(other, one)).toEqual(first && portrait(first, one));
    expect(other.tree.root).toEqual(first?.tree.root);
    expect(other.conflictTexts()).toEqual(first?.conflictTexts());
  }
}

function portrait(region: Region, one: Key): object {
  const record = region.recordOf(one);
  return {
    // Of a key with tombstones alone nothing is compared.
    siblings: isCompared(record) ? record.siblings : [],
    views: POLICIES.map((rules) => textOf(viewOf(rules, one, record.siblings)?.value)),
    kinds: record.kinds.map((state: KindState) => textOf(encodeKindState(state))),
  };
}

function agreement(planted?: FederationBug): fc.IProperty<[readonly Step[]]> {
  return fc.property(fc.array(steps, { minLength: 5, maxLength: 50 }), (script) => {
    const regions = Array.from({ length: REGIONS }, (_, at) => new Region(at + 1, planted));
    for (const [at, step] of script.entries()) play(step, at, regions);
    converged(regions);
    for (const region of regions) for (const one of KEYS) region.check(one);
  });
}

describe("equal sets of transactions", () => {
  test("make equal siblings, views, kinds and roots, and what the oracle says, after every apply", () => {
    fc.assert(agreement(), { numRuns: 120 });
  });

  test.each<FederationBug>([
    "context-omits-tombstone",
    "purge-with-sibling",
    "tombstone-by-wall-time",
    "local-prune",
  ])("and not without the guard of %s (traps 3 and 4)", (bug) => {
    expect(fc.check(agreement(bug), { numRuns: 1_000, seed: 7, endOnFailure: true }).failed).toBe(
      true,
    );
  });

  test("never let a bounded counter fall below 0, or an origin take what others have the right to", () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 20, maxLength: 60 }), (script) => {
        const regions = Array.from({ length: REGIONS }, (_, at) => new Region(at + 1));
        for (const [at, step] of script.entries()) {
          if (step.step === "kind" || step.step === "deliver") play(step, at, regions);
        }
        heal(regions);
        const state = regions[0]?.state("a" as Key, "bounded-counter");
        if (state?.kind !== "bounded-counter") throw new Error("another kind");
        for (const { self } of regions) expect(rightsOf(state, self)).toBeGreaterThanOrEqual(0n);
        expect(Number(textOf(boundedCounterValue(state)) ?? 0)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 50 },
    );
  });
});
