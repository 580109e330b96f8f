// Who settles what, and when: never two for the same reason, never before it is safe (federation 5, 8).
import { describe, expect, test } from "@jest/globals";
import type { Hlc, Key, LeaseId } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import { mayDrop, resolutionOf, resolvesHere, settlementOf } from "./settlement.ts";
import type { Settler } from "./settlement.ts";
import { SIBLINGS_MAX } from "./sibling.ts";
import type { Sibling } from "./sibling.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";
import type { Vector } from "./vector.ts";
import type { ViewRules } from "./view-rules.ts";

const KEY = "k" as Key;
const LOSER = written(1, "lost");
const WINNER = written(2, "won");
const STABLE: Vector = new Map([LOSER, WINNER].map(({ dot }) => [dot.origin, dot.sequence]));

function written(origin: number, value: string): Sibling {
  const dot = { origin: originId(origin), sequence: sequence(1) };
  const hlc = BigInt(origin) as Hlc;
  return { dot, hlc, epoch: 1, birth: { hlc, dot }, value: new TextEncoder().encode(value) };
}

function settler(self: number, stable: Vector, closed: readonly number[] = []): Settler {
  return { self: originId(self), stable, isClosed: (origin: OriginId) => closed.includes(origin) };
}

function settledBy(by: Settler, policy: "lww" | "siblings" | "merge" | "delete-wins"): unknown {
  return settlementOf({ policy }, KEY, [LOSER, WINNER], by);
}

describe("a settlement", () => {
  test("is the winner's origin's, once all members have all siblings", () => {
    expect(settledBy(settler(2, STABLE), "lww")).toEqual({
      key: KEY,
      action: "settle",
      kept: WINNER.dot,
      lost: [{ dot: LOSER.dot, hlc: LOSER.hlc, value: LOSER.value, valueBytes: 4 }],
    });
    expect(settledBy(settler(1, STABLE), "lww")).toBeUndefined();
    expect(
      settledBy(settler(2, new Map([[WINNER.dot.origin, WINNER.dot.sequence]])), "lww"),
    ).toBeUndefined();
  });

  test("is anybody's once the winner's origin is closed", () => {
    expect(settledBy(settler(3, STABLE, [2]), "lww")).toBeDefined();
    expect(settledBy(settler(3, STABLE, [1]), "lww")).toBeUndefined();
  });

  test("is nobody's where siblings wait for the application, or where nothing loses", () => {
    expect(settledBy(settler(2, STABLE), "siblings")).toBeUndefined();
    expect(settledBy(settler(2, STABLE), "merge")).toBeUndefined();
    expect(settlementOf({ policy: "lww" }, KEY, [WINNER], settler(2, STABLE))).toBeUndefined();
  });

  test("leaves one of what a handler wrote twice, and settles nothing that it has still to answer", () => {
    const twice = [written(1, "made"), written(2, "made")];
    const by = settler(2, STABLE);
    expect(settlementOf({ policy: "resolver" }, KEY, twice, by)).toMatchObject({
      action: "settle",
      kept: WINNER.dot,
    });
    expect(settlementOf({ policy: "resolver" }, KEY, [LOSER, WINNER], by)).toBeUndefined();
    expect(settlementOf({ policy: "siblings" }, KEY, twice, by)).toBeUndefined();
  });

  test("leaves one of two deletes, under every policy: alone it may be forgotten (scenario 14)", () => {
    const gone = [LOSER, WINNER].map(({ dot, hlc, epoch, birth }) => ({ dot, hlc, epoch, birth }));
    for (const policy of ["lww", "siblings", "merge", "resolver"] as const) {
      const settled = settlementOf({ policy }, KEY, gone, settler(2, STABLE));
      expect(settled).toMatchObject({ action: "settle", kept: WINNER.dot });
      expect(settlementOf({ policy }, KEY, gone, settler(1, STABLE))).toBeUndefined();
    }
  });

  test("leaves one of two deletes though both come too late to be seen (scenario 34)", () => {
    const late = [LOSER, WINNER].map(({ dot }) => ({ origin: dot.origin, epoch: 2, cut: 0 }));
    const gone = [LOSER, WINNER].map(({ dot, hlc, epoch, birth }) => ({ dot, hlc, epoch, birth }));
    const settled = (self: number, cuts = late, siblings: readonly Sibling[] = gone): unknown =>
      settlementOf({ policy: "lww", late: cuts }, KEY, siblings, settler(self, STABLE));
    expect(settled(2)).toMatchObject({ kept: WINNER.dot, lost: [{ dot: LOSER.dot }] });
    expect(settled(1)).toBeUndefined();
    // One that is in time is kept before one that is not.
    expect(settled(1, late.slice(1))).toMatchObject({ kept: LOSER.dot });
    // Values that come too late wait for a write, beside a delete that does, too.
    const [deleted = LOSER] = gone;
    expect(settled(2, late, [deleted, WINNER])).toBeUndefined();
    expect(settled(2, late, [LOSER, WINNER])).toBeUndefined();
  });

  test.each(["lww", "siblings", "merge", "resolver"] as const)(
    "under %s leaves one of what all comes too late, at the bound, and shows nothing of it (scenario 34)",
    (policy) => {
      const count = SIBLINGS_MAX + 1;
      const late = Array.from({ length: count }, (_, at) => written(at + 1, `line ${at}`));
      const cuts = late.map(({ dot }) => ({ origin: dot.origin, epoch: 2, cut: 0 }));
      const settled = (self: number, siblings: readonly Sibling[]): unknown =>
        settlementOf({ policy, late: cuts }, KEY, siblings, settler(self, new Map()));
      const kept = late.at(-1)?.dot;
      const lost = late.slice(0, -1).map(({ dot }) => ({ dot }));
      expect(settled(count, late)).toMatchObject({ action: "settle", kept, lost });
      expect(settled(1, late)).toBeUndefined();
      expect(settled(count - 1, late.slice(0, -1))).toBeUndefined();
    },
  );

  test("waits at the bound too where any region may settle and a handler may keep another one", () => {
    const many = Array.from({ length: SIBLINGS_MAX + 1 }, (_, at) => written(at + 1, `${at}`));
    const all: Vector = new Map(many.map(({ dot }) => [dot.origin, dot.sequence]));
    const settled = (policy: "lww" | "resolver", by: Settler): unknown =>
      settlementOf({ policy }, KEY, many, by);
    const last = many.length;
    expect(settled("resolver", settler(1, STABLE, [last]))).toBeUndefined();
    expect(settled("resolver", settler(1, all, [last]))).toMatchObject({ action: "settle" });
    // Where one region settles alone, or nobody but settlements keeps one, it is at once.
    expect(settled("resolver", settler(last, STABLE))).toMatchObject({ action: "settle" });
    expect(settled("lww", settler(1, STABLE, [last]))).toMatchObject({ action: "settle" });
    const kept = resolutionOf(KEY, many, { action: "value", value: new TextEncoder().encode("3") });
    const made = resolutionOf(KEY, many, { action: "value", value: new Uint8Array(1) });
    expect([kept, made].map((one) => one && mayDrop(one, many, all))).toEqual([false, true]);
    expect(kept && mayDrop(kept, many.slice(1), all)).toBe(true);
  });

  test("shows a long loser by its beginning and its length", () => {
    const long = { ...LOSER, value: new Uint8Array(5_000) };
    const settled = settlementOf({ policy: "lww" }, KEY, [long, WINNER], settler(2, STABLE));
    const lost = settled?.action === "settle" ? settled.lost[0] : undefined;
    expect([lost?.value?.length, lost?.valueBytes]).toEqual([4_096, 5_000]);
  });

  test("names no more than one operation may; the rest is the next one's", () => {
    const { dotsMax } = TRANSACTION_LIMITS;
    const many = Array.from({ length: dotsMax + 2 }, (_, at) => written(at + 1, `${at}`));
    const settled = settlementOf(
      { policy: "siblings" },
      KEY,
      many,
      settler(dotsMax + 2, new Map()),
    );
    expect(settled?.action === "settle" && settled.lost.length).toBe(dotsMax);
  });

  test("of merge at the bound writes the union, for to drop a sibling would remove its lines", () => {
    const many = Array.from({ length: SIBLINGS_MAX + 1 }, (_, at) => written(at + 1, `line ${at}`));
    const self = settler(SIBLINGS_MAX + 1, new Map());
    const settled = settlementOf({ policy: "merge" }, KEY, many, self);
    const value = settled?.action === "put" ? new TextDecoder().decode(settled.value) : "";
    expect(value.split("\n").length).toBe(SIBLINGS_MAX + 2);
    expect(settled).toMatchObject({ context: many.map(({ dot }) => dot) });
  });
});

describe("what a handler answers", () => {
  const value = (text: string): { action: "value"; value: Uint8Array } => ({
    action: "value",
    value: new TextEncoder().encode(text),
  });

  test("is one write over all siblings", () => {
    expect(resolutionOf(KEY, [LOSER, WINNER], value("both"))).toMatchObject({
      action: "put",
      context: [LOSER.dot, WINNER.dot],
    });
    expect(resolutionOf(KEY, [LOSER, WINNER], { action: "delete" })).toMatchObject({
      action: "delete",
      context: [LOSER.dot, WINNER.dot],
    });
    expect(resolutionOf(KEY, [LOSER, WINNER], { action: "keep" })).toBeUndefined();
  });

  test("is not written anew where it is there: two that answer each other would never end (trap 7)", () => {
    expect(resolutionOf(KEY, [LOSER, WINNER], value("lost"))).toMatchObject({
      action: "settle",
      kept: LOSER.dot,
      lost: [{ dot: WINNER.dot }],
    });
    const { dot, hlc, epoch, birth } = LOSER;
    expect(
      resolutionOf(KEY, [{ dot, hlc, epoch, birth }, WINNER], { action: "delete" }),
    ).toMatchObject({
      action: "settle",
      kept: LOSER.dot,
      lost: [{ dot: WINNER.dot }],
    });
  });

  test("keeps of two that are equal the one that a settlement keeps", () => {
    const later = { ...WINNER, dot: LOSER.dot };
    const earlier = { ...WINNER, hlc: LOSER.hlc };
    const others = [later, earlier];
    const settled = settlementOf({ policy: "resolver" }, KEY, others, settler(1, STABLE));
    expect(settled).toMatchObject({ action: "settle", kept: later.dot });
    expect(resolutionOf(KEY, others, value("won"))).toMatchObject({ kept: later.dot });
  });

  test("lasts, though an equal value ends with a lease", () => {
    const leased = { ...WINNER, lifetime: { lease: 7n as LeaseId, ttlMs: 1_000 } };
    expect(resolutionOf(KEY, [LOSER, leased], value("won"))).toMatchObject({ action: "put" });
  });
});

test("a handler on write runs at the winner's origin, and not for equal bytes (federation trap 7)", () => {
  const rules: ViewRules = { policy: "resolver" };
  expect(resolvesHere(rules, KEY, [LOSER, WINNER], settler(2, new Map()))).toBe(true);
  expect(resolvesHere(rules, KEY, [LOSER, WINNER], settler(1, new Map()))).toBe(false);
  const equal = [written(1, "same"), written(2, "same")];
  expect(resolvesHere(rules, KEY, equal, settler(2, new Map()))).toBe(false);
});
