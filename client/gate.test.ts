// The bound on calls in flight and in line.
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import { Gate } from "./gate.ts";

const LONG_MS = 60_000;

describe("Gate", () => {
  test("lets so many through at once, and the rest in the order of asking", async () => {
    const gate = new Gate({ inFlightMax: 2, queuedMax: 8 });
    expect(gate.enter(LONG_MS, undefined)).toBeUndefined();
    expect(gate.enter(LONG_MS, undefined)).toBeUndefined();
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (number) => {
      await gate.enter(LONG_MS, undefined);
      order.push(number);
    });
    gate.leave();
    await waiting[0];
    expect(order).toEqual([1]);
    gate.leave();
    gate.leave();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    gate.leave();
    gate.leave();
    expect(gate.enter(LONG_MS, undefined)).toBeUndefined();
  });

  test("refuses what the line cannot hold", async () => {
    const gate = new Gate({ inFlightMax: 1, queuedMax: 1 });
    await gate.enter(LONG_MS, undefined);
    const waiting = gate.enter(LONG_MS, undefined);
    await expect(gate.enter(LONG_MS, undefined)).rejects.toMatchObject({
      code: "too-many-requests",
      outcome: "not-applied",
    });
    gate.close(new KvError("cancelled", "not-applied", "closed"));
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  });

  test("a wait ends by its deadline and by its signal, and frees its place in line", async () => {
    const gate = new Gate({ inFlightMax: 1, queuedMax: 1 });
    await gate.enter(LONG_MS, undefined);
    await expect(gate.enter(1, undefined)).rejects.toMatchObject({ code: "deadline-exceeded" });
    const aborter = new AbortController();
    const waiting = gate.enter(LONG_MS, aborter.signal);
    aborter.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled", outcome: "not-applied" });
    const next = gate.enter(LONG_MS, undefined);
    gate.leave();
    await next;
  });
});
