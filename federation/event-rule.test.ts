// Which change of a key takes a revision, and which event it makes (federation 6).
import { describe, expect, test } from "@jest/globals";
import type { Hlc } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import { changeOf } from "./event-rule.ts";
import type { Shown } from "./event-rule.ts";
import { emptyState, kindChangeOf } from "./kind-rules.ts";
import type { KindState } from "./kind.ts";
import type { ViewRules } from "./view-rules.ts";

/** A key with writes by these origins, shown as `value`. */
function side(origins: readonly number[], value?: string): Shown {
  const siblings = origins.map((origin) => {
    const dot = { origin: originId(origin), sequence: sequence(1) };
    return { dot, hlc: 1n as Hlc, epoch: 1, birth: { hlc: 1n as Hlc, dot } };
  });
  if (value === undefined) return { siblings };
  return { siblings, value: new TextEncoder().encode(value) };
}

const POLICIES = ["lww", "first-writer", "add-wins", "merge", "siblings", "resolver"] as const;
const COUNTING: ReadonlySet<ViewRules["policy"]> = new Set(["merge", "siblings", "resolver"]);

describe.each(POLICIES)("under %s", (policy) => {
  test("absent to visible is a put, visible to absent a delete, absent to absent nothing", () => {
    expect(changeOf(policy, side([]), side([1], "a"))).toBe("put");
    expect(changeOf(policy, side([1], "a"), side([2]))).toBe("delete");
    expect(changeOf(policy, side([1]), side([1, 2]))).toBe("none");
    expect(changeOf(policy, side([1]), side([2]), { local: true })).toBe("none");
  });

  test("another value is a put; the same value of other siblings only where they count", () => {
    expect(changeOf(policy, side([1], "a"), side([2], "b"))).toBe("put");
    expect(changeOf(policy, side([1], "a"), side([1], "a"))).toBe("none");
    const counted = COUNTING.has(policy) ? "put" : "none";
    expect(changeOf(policy, side([1], "a"), side([1, 2], "a"))).toBe(counted);
    expect(changeOf(policy, side([1], "a"), side([2], "a"))).toBe(counted);
  });

  test("a local put is always a put", () => {
    expect(changeOf(policy, side([1], "a"), side([1], "a"), { local: true })).toBe("put");
  });
});

test("of a kind the value counts, and of a register its writes too", () => {
  const write = (origin: number): KindState => {
    const dot = { origin: originId(origin), sequence: sequence(1) };
    const value = new TextEncoder().encode("v");
    return { kind: "register", writes: [{ dot, hlc: 1n as Hlc, value }] };
  };
  expect(kindChangeOf(emptyState("register"), write(1))).toBe("put");
  expect(kindChangeOf(write(1), write(2))).toBe("put");
  expect(kindChangeOf(write(1), write(1))).toBe("none");
  expect(kindChangeOf(write(1), write(1), { local: true })).toBe("put");
  expect(kindChangeOf(write(1), emptyState("register"))).toBe("delete");
  expect(kindChangeOf(emptyState("set"), emptyState("set"), { local: true })).toBe("none");
});
