// Each policy by an example that tells it from the others, and what it shows of ties, tombstones and late writes.
import { describe, expect, test } from "@jest/globals";
import type { Hlc, Key } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import { isContested, viewOf } from "./view.ts";
import type { ViewRules } from "./view-rules.ts";

const KEY = "k" as Key;

/** Origin, stamp, value ("-": a tombstone), stamp of the lineage's birth. */
function sibling(origin: number, at: number, value: string, born = at, epoch = 1): Sibling {
  const dot = { origin: originId(origin), sequence: sequence(at) };
  const hlc = BigInt(at) as Hlc;
  const birth = { hlc: BigInt(born) as Hlc, dot };
  const written = value === "-" ? {} : { value: new TextEncoder().encode(value) };
  return { dot, hlc, epoch, birth, ...written };
}

function shown(rules: ViewRules, ...siblings: Siblings): string | undefined {
  const value = viewOf(rules, KEY, siblings)?.value;
  return value && new TextDecoder().decode(value);
}

const A = sibling(1, 5, "a", 1);
const B = sibling(2, 9, "b", 4);
const C = sibling(3, 7, "c", 2);
const GONE = sibling(4, 8, "-");

describe("a view", () => {
  test.each<[ViewRules, string | undefined, string | undefined]>([
    [{ policy: "lww" }, "b", undefined],
    [{ policy: "siblings" }, "b", undefined],
    [{ policy: "first-writer" }, "a", "a"],
    [{ policy: "priority", rankOf: new Map([[originId(3), 0]]) }, "c", "c"],
    [{ policy: "home-wins", home: new Set([originId(3)]) }, "c", "c"],
    [{ policy: "add-wins" }, "b", "c"],
    [{ policy: "delete-wins" }, undefined, undefined],
    [{ policy: "merge" }, "a\nb\nc\n", "a\nc\n"],
  ])("under %j", (rules, ofAll, withoutB) => {
    expect(shown(rules, A, B, C, GONE)).toBe(ofAll);
    expect(shown(rules, A, C, GONE)).toBe(withoutB);
  });

  test("of one sibling is that sibling, whatever the policy", () => {
    const bytes = sibling(1, 5, "z\ny");
    for (const policy of ["lww", "first-writer", "add-wins", "delete-wins", "merge"] as const) {
      expect(shown({ policy }, bytes)).toBe("z\ny");
      expect(shown({ policy }, GONE)).toBeUndefined();
    }
    expect(viewOf({ policy: "lww" }, KEY, [])).toBeUndefined();
  });

  test("of equal stamps ends in the dot (federation trap 27)", () => {
    const [left, right] = [sibling(1, 5, "left"), sibling(2, 5, "right")];
    expect(shown({ policy: "lww" }, left, right)).toBe("right");
    expect(shown({ policy: "lww" }, right, left)).toBe("right");
  });

  test("of one lineage that was overwritten twice at once is the later overwriting", () => {
    const birth = A.birth;
    const twins = [
      { ...sibling(1, 6, "one"), birth },
      { ...sibling(2, 8, "two"), birth },
    ];
    expect(shown({ policy: "first-writer" }, ...twins)).toBe("two");
  });

  test("leaves out what a home that had moved wrote too late, until it is known there", () => {
    const late = sibling(1, 20, "late");
    const rules = {
      policy: "lww",
      late: [{ origin: originId(1), epoch: 2, cut: 19 }],
    } as const;
    const current = sibling(2, 9, "current", 9, 2);
    expect(shown(rules, late, current)).toBe("current");
    expect(shown(rules, late)).toBeUndefined();
    const known = { policy: "lww", late: [{ origin: originId(1), epoch: 2, cut: 20 }] } as const;
    expect(shown(known, late, current)).toBe("late");
    const others = { policy: "lww", late: [{ origin: originId(3), epoch: 2, cut: 0 }] } as const;
    expect(shown(others, late, current)).toBe("late");
  });

  test("by a handler is what it says; it is not asked where nothing is contested", () => {
    const resolve = (): { action: "value"; value: Uint8Array } => ({
      action: "value",
      value: new TextEncoder().encode("made"),
    });
    expect(shown({ policy: "resolver", resolve }, A, B)).toBe("made");
    expect(shown({ policy: "resolver", resolve }, A)).toBe("a");
    expect(shown({ policy: "resolver", resolve: () => ({ action: "keep" }) }, A, B)).toBe("b");
    expect(
      shown({ policy: "resolver", resolve: () => ({ action: "delete" }) }, A, B),
    ).toBeUndefined();
  });
});

test("equal bytes are one outcome, and so are tombstones", () => {
  expect(isContested([sibling(1, 5, "a"), sibling(2, 6, "a")])).toBe(false);
  expect(isContested([sibling(1, 5, "-"), sibling(2, 6, "-")])).toBe(false);
  expect(isContested([sibling(1, 5, "a"), sibling(2, 6, "-")])).toBe(true);
});
