// The scenarios of the federation's design that a region's kernel decides alone, as conversations.
import { describe, expect, test } from "@jest/globals";
import type { Key } from "../../base/index.ts";
import { dotText } from "../../federation/dot.ts";
import { SIBLINGS_MAX } from "../../federation/sibling.ts";
import type { Siblings } from "../../federation/sibling.ts";
import type { Resolution, ViewRules } from "../../federation/view-rules.ts";
import { LWW, Region, bytes, heal, stableFor, textOf } from "./kernel-world.ts";

const K = "k" as Key;
const X = "x" as Key;
const Y = "y" as Key;

function regions(count: number, rules: ViewRules = LWW): Region[] {
  return Array.from({ length: count }, (_, at) => {
    const region = new Region(at + 1);
    region.rules = rules;
    return region;
  });
}

/** Exactly so many, for destructuring. */
function two(rules: ViewRules = LWW): [Region, Region] {
  return [regions(1, rules)[0] as Region, regions(2, rules)[1] as Region];
}

function three(rules: ViewRules = LWW): [Region, Region, Region] {
  return [...two(rules), regions(3, rules)[2] as Region];
}

function kept(region: Region, key: Key): string[] {
  return region.siblings(key).map(({ dot, value }) => `${dotText(dot)} ${textOf(value) ?? "-"}`);
}

describe("concurrent writes", () => {
  test("scenario 1: under lww both show the later; the loser is in the record of both, with the same text", () => {
    const [r1, r2] = two();
    r1.put(K, "one", 10);
    r2.put(K, "two", 20);
    heal([r1, r2]);
    expect([r1.value(K), r2.value(K)]).toEqual(["two", "two"]);
    expect(r1.settle(K, stableFor(r1, [r1, r2]), 30)).toBeUndefined();
    expect(r2.settle(K, stableFor(r2, [r1, r2]), 30)).toBeDefined();
    heal([r1, r2]);
    expect(r1.conflictTexts()).toEqual(["k: settle 2:2 kept 2:1 over 1:1 one"]);
    expect(r2.conflictTexts()).toEqual(r1.conflictTexts());
    expect([kept(r1, K), kept(r2, K)]).toEqual([["2:1 two"], ["2:1 two"]]);
  });

  test("scenario 1: nothing is settled before every member has all the siblings", () => {
    const [r1, r2, r3] = three();
    r1.put(K, "one", 10);
    r2.put(K, "two", 20);
    heal([r1, r2]);
    expect(r2.settle(K, stableFor(r2, [r1, r2, r3]), 30)).toBeUndefined();
  });

  test("scenario 2: under siblings both are everywhere, in one order", () => {
    const [r1, r2] = two({ policy: "siblings" });
    r1.put(K, "one", 10);
    r2.put(K, "two", 20);
    heal([r1, r2]);
    expect([kept(r1, K), kept(r2, K)]).toEqual([
      ["1:1 one", "2:1 two"],
      ["1:1 one", "2:1 two"],
    ]);
    expect(r2.changes).toEqual([
      { key: K, change: "put" },
      { key: K, change: "put" },
    ]);
  });

  test("scenario 3: a write that carries the context resolves; a third that was concurrent stays", () => {
    const [r1, r2, r3] = three({ policy: "siblings" });
    r1.put(K, "one", 10);
    r2.put(K, "two", 20);
    heal([r1, r2]);
    const context = r1.siblings(K).map(({ dot }) => dot);
    r3.put(K, "three", 25);
    r1.put(K, "both", 30, { context });
    heal([r1, r2]);
    expect([kept(r1, K), kept(r2, K)]).toEqual([["1:2 both"], ["1:2 both"]]);
    expect(r2.conflictTexts()).toEqual(["k: put 1:2 kept 1:2 over 1:1 one, 2:1 two"]);
    heal([r1, r2, r3]);
    for (const region of [r1, r2, r3]) expect(kept(region, K)).toEqual(["1:2 both", "3:1 three"]);
  });

  test.each<[ViewRules, string | undefined]>([
    [{ policy: "lww" }, undefined],
    [{ policy: "add-wins" }, "new"],
    [{ policy: "delete-wins" }, undefined],
  ])("scenario 11: a delete and a concurrent earlier put under %j show %s", (rules, shown) => {
    const [r1, r2] = two(rules);
    r1.put(K, "old", 10);
    heal([r1, r2]);
    r2.put(K, "new", 20);
    r1.delete(K, 30);
    heal([r1, r2]);
    expect([r1.value(K), r2.value(K)]).toEqual([shown, shown]);
  });

  test("scenario 11: under delete-wins a later put does not survive a delete that it had not seen", () => {
    const [r1, r2] = two({ policy: "delete-wins" });
    r1.put(K, "old", 10);
    heal([r1, r2]);
    r1.delete(K, 20);
    r2.put(K, "new", 30);
    heal([r1, r2]);
    expect([r1.value(K), r2.value(K)]).toEqual([undefined, undefined]);
    r2.put(K, "newer", 40);
    heal([r1, r2]);
    expect([r1.value(K), r2.value(K)]).toEqual(["newer", "newer"]);
  });
});

describe("kinds", () => {
  test("scenario 19: 1,000 additions in 3 regions, delivered late and more than once, make 3,000", () => {
    const all = three();
    for (let at = 0; at < 1_000; at += 1) {
      for (const region of all)
        region.operate(K, { kind: "counter", action: "add", amount: 1n }, at);
      if (at % 100 === 0) for (const to of all) for (const from of all) to.pull(from);
    }
    heal(all);
    for (const region of all) expect(region.kindValue(K, "counter")).toBe("3000");
  });

  test("scenario 19: a reset takes what it has seen, and an addition that it has not stays", () => {
    const [r1, r2] = two();
    r1.operate(K, { kind: "counter", action: "add", amount: 5n }, 10);
    heal([r1, r2]);
    r1.operate(K, { kind: "counter", action: "reset" }, 20);
    r2.operate(K, { kind: "counter", action: "add", amount: 3n }, 20);
    heal([r1, r2]);
    expect([r1.kindValue(K, "counter"), r2.kindValue(K, "counter")]).toEqual(["3", "3"]);
    r1.operate(K, { kind: "counter", action: "delete" }, 30);
    heal([r1, r2]);
    expect([r1.kindValue(K, "counter"), r2.kindValue(K, "counter")]).toEqual([
      undefined,
      undefined,
    ]);
    r2.operate(K, { kind: "counter", action: "add", amount: 4n }, 40);
    heal([r1, r2]);
    expect([r1.kindValue(K, "counter"), r2.kindValue(K, "counter")]).toEqual(["4", "4"]);
  });

  test("scenario 20: of 100, three regions that each try for 60 take 100 at most", () => {
    const all = three();
    const [r1, r2, r3] = all;
    const kind = "bounded-counter";
    r1.operate(K, { kind, action: "add", amount: 100n }, 10);
    heal(all);
    expect(r2.operate(K, { kind, action: "take", amount: 1n }, 11)).toBeUndefined();
    r1.operate(K, { kind, action: "transfer", to: r2.self, amount: 33n }, 12);
    r1.operate(K, { kind, action: "transfer", to: r3.self, amount: 33n }, 13);
    heal(all);
    let taken = 0;
    for (let at = 0; at < 60; at += 1) {
      for (const region of all) {
        if (region.operate(K, { kind, action: "take", amount: 1n }, 20 + at)) taken += 1;
      }
    }
    heal(all);
    expect(taken).toBe(100);
    for (const region of all) expect(region.kindValue(K, kind)).toBe("0");
  });

  test("scenario 21: an element that is added while another region removes it is there", () => {
    const [r1, r2] = two();
    const change = { kind: "set", action: "change" } as const;
    r1.operate(K, { ...change, add: [X, Y], remove: [] }, 10);
    heal([r1, r2]);
    r1.operate(K, { ...change, add: [], remove: [X, Y] }, 20);
    r2.operate(K, { ...change, add: [X], remove: [] }, 20);
    heal([r1, r2]);
    expect([r1.kindValue(K, "set"), r2.kindValue(K, "set")]).toEqual(['["x"]', '["x"]']);
  });

  test("scenario 22: different fields of a map are both kept; of one field the later is shown", () => {
    const [r1, r2] = two();
    const change = { kind: "map", action: "change", remove: [] } as const;
    r1.operate(K, { ...change, put: [{ field: X, value: "1" as Key }] }, 10);
    r2.operate(K, { ...change, put: [{ field: Y, value: "2" as Key }] }, 10);
    heal([r1, r2]);
    expect(r1.kindValue(K, "map")).toBe('{"x":"1","y":"2"}');
    r1.operate(K, { ...change, put: [{ field: X, value: "3" as Key }] }, 30);
    r2.operate(K, { ...change, put: [{ field: X, value: "4" as Key }] }, 40);
    heal([r1, r2]);
    expect([r1.kindValue(K, "map"), r2.kindValue(K, "map")]).toEqual(
      Array(2).fill('{"x":"4","y":"2"}'),
    );
  });
});

describe("what is written back", () => {
  test("scenario 25: an expiry takes its own dot; a put that prolongs, and had not seen it, is the later", () => {
    const [r1, r2] = two();
    const owned = r1.put(K, "leased", 10);
    heal([r1, r2]);
    r2.put(K, "prolonged", 30);
    r1.delete(K, 20, { context: [owned] });
    heal([r1, r2]);
    expect([r1.value(K), r2.value(K)]).toEqual(["prolonged", "prolonged"]);
  });

  /** Least first, whoever runs it. */
  function union(siblings: Siblings): Resolution {
    const values = siblings.flatMap(({ value }) => textOf(value)?.split("+") ?? []);
    return { action: "value", value: bytes([...new Set(values)].sort().join("+")) };
  }

  function writtenBack(planted?: "resolver-storm"): number {
    const pair = [new Region(1, planted), new Region(2, planted)] as const;
    for (const region of pair) region.rules = { policy: "resolver" };
    pair[0].put(K, "one", 10);
    pair[1].put(K, "two", 20);
    let writes = 0;
    for (let round = 0; round < 5; round += 1) {
      heal(pair);
      for (const region of pair) {
        if (region.resolve(K, union, 30 + round) !== undefined) writes += 1;
      }
    }
    for (const region of pair) expect(region.value(K)).toBe("one+two");
    return writes;
  }

  test("scenario 27: two regions with a handler on write make one more write, and no storm (trap 7)", () => {
    expect(writtenBack()).toBe(1);
    expect(writtenBack("resolver-storm")).toBeGreaterThan(2);
  });

  test("scenario 28: lww becomes siblings while losers are settled on one side: equal after the heal", () => {
    const all = three();
    const [r1, r2, r3] = all;
    for (const [at, key] of [K, X, Y].entries()) {
      r1.put(key, "one", 10 + at);
      r2.put(key, "two", 20 + at);
    }
    heal(all);
    const stable = stableFor(r2, all);
    r2.settle(K, stable, 30);
    r1.pull(r2);
    // Cut off and still under lww, r3 writes and knows of no settlement.
    for (const region of [r1, r2]) region.rules = { policy: "siblings" };
    r3.put(X, "three", 40);
    r1.put(K, "four", 50);
    r3.put(K, "five", 60);
    r2.settle(Y, stable, 60);
    r3.rules = { policy: "siblings" };
    heal(all);
    for (const key of [K, X, Y]) {
      expect(kept(r2, key)).toEqual(kept(r1, key));
      expect(kept(r3, key)).toEqual(kept(r1, key));
      for (const region of all) region.check(key);
    }
    expect(kept(r1, K)).toEqual(["1:4 four", "3:2 five"]);
    expect(kept(r1, Y)).toEqual(["1:3 one", "2:3 two"]);
    expect(r1.tree.root).toEqual(r3.tree.root);
  });
});

describe("what a client has not seen", () => {
  function hiddenAfterCompareAndPut(planted?: "cas-kills-hidden-sibling"): string[] {
    const [r1, r2] = [new Region(1, planted), new Region(2, planted)];
    for (const region of [r1, r2]) region.rules = { policy: "siblings" };
    r1.put(K, "hidden", 10);
    r2.put(K, "shown", 20);
    heal([r1, r2]);
    r2.put(K, "next", 30);
    return kept(r2, K);
  }

  test("under siblings a plain put takes the shown value alone (cas-kills-hidden-sibling)", () => {
    expect(hiddenAfterCompareAndPut()).toEqual(["1:1 hidden", "2:2 next"]);
    expect(hiddenAfterCompareAndPut("cas-kills-hidden-sibling")).toEqual(["2:2 next"]);
  });

  function changesOfHidden(rules: ViewRules, planted?: "revision-hides-sibling"): number {
    const [r1, r2] = [new Region(1, planted), new Region(2, planted)];
    for (const region of [r1, r2]) region.rules = rules;
    r1.put(K, "earlier", 10);
    r2.put(K, "later", 20);
    r2.pull(r1);
    return r2.changes.length;
  }

  test("a sibling that is not shown takes a revision all the same (revision-hides-sibling)", () => {
    expect(changesOfHidden({ policy: "siblings" })).toBe(2);
    expect(changesOfHidden({ policy: "lww" })).toBe(1);
    expect(changesOfHidden({ policy: "siblings" }, "revision-hides-sibling")).toBe(1);
  });

  test("at the bound a plain put has seen everything, and each loser is in the record", () => {
    const all = Array.from({ length: SIBLINGS_MAX + 1 }, (_, at) => new Region(at + 1));
    for (const region of all) region.rules = { policy: "siblings" };
    for (const [at, region] of all.entries()) region.put(K, `v${at}`, 10 + at);
    heal(all);
    const first = all[0] as Region;
    expect(first.siblings(K).length).toBe(SIBLINGS_MAX + 1);
    const context = first.siblings(K).slice(0, 1);
    const refused = first.tryWrite(
      { key: K, value: bytes("v"), context: context.map(({ dot }) => dot) },
      90,
    );
    expect(refused).toMatchObject({ refused: "siblings-bound" });
    first.put(K, "last", 100);
    expect(kept(first, K)).toEqual(["1:2 last"]);
    expect(first.conflicts[0]?.lost.length).toBe(SIBLINGS_MAX + 1);
  });

  test("at the bound the winner's origin settles at once, stable or not", () => {
    const all = Array.from({ length: SIBLINGS_MAX + 1 }, (_, at) => new Region(at + 1));
    for (const region of all) region.rules = { policy: "siblings" };
    for (const [at, region] of all.entries()) region.put(K, `v${at}`, 10 + at);
    const last = all.at(-1) as Region;
    for (const region of all) last.pull(region);
    expect(last.settle(K, new Map(), 90)).toBeDefined();
    expect(last.value(K)).toBe(`v${SIBLINGS_MAX}`);
    expect(last.siblings(K).length).toBe(1);
  });

  test("a context that omits a tombstone is stale, and one that names what is not here is ahead", () => {
    const [r1, r2] = two({ policy: "siblings" });
    r1.put(K, "one", 10);
    r1.delete(K, 20);
    expect(r1.tryWrite({ key: K, value: bytes("v"), context: [] }, 30)).toEqual({
      refused: "context-stale",
      dots: [r1.siblings(K)[0]?.dot],
    });
    const ahead = r2.put(K, "two", 10);
    expect(r1.tryWrite({ key: K, value: bytes("v"), context: [ahead] }, 30)).toMatchObject({
      refused: "context-ahead",
    });
  });
});

describe("a counter", () => {
  test("counts an operation once, however often it is applied (counter-applied-twice, trap 9)", () => {
    const count = (planted?: "counter-applied-twice"): string | undefined => {
      const [r1, r2] = [new Region(1), new Region(2, planted)];
      const added = r1.operate(K, { kind: "counter", action: "add", amount: 2n }, 10);
      r2.pull(r1);
      if (added !== undefined) r2.applyAgain(added);
      return r2.kindValue(K, "counter");
    };
    expect(count()).toBe("2");
    expect(count("counter-applied-twice")).toBe("4");
  });
});
