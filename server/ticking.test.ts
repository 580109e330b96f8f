// A leader's heartbeats leave when they are due, and ticks are never so far apart that a lease's end is put off by them.
import { expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { tickAfterMs } from "./ticking.ts";

function afterMs(heartbeatMs: number, nowMs: number, heartbeatDueAtMs?: number): number {
  const due = heartbeatDueAtMs as MonotonicMs | undefined;
  const status = due === undefined ? {} : { heartbeatDueAtMs: due };
  return tickAfterMs({ now: () => nowMs as MonotonicMs, status: () => status }, heartbeatMs);
}

test("twice a heartbeat, and when one is due", () => {
  expect(afterMs(100, 1_000)).toBe(50);
  expect(afterMs(100, 1_000, 1_100)).toBe(50);
  // Not before it: it would be looked for once more.
  expect(afterMs(100, 1_050.3, 1_100)).toBe(50);
  expect(afterMs(100, 1_080.3, 1_100)).toBe(21);
  expect(afterMs(100, 1_099.9, 1_100)).toBe(2);
});

test("a heartbeat that is due leaves at the end of the turn", () => {
  expect(afterMs(100, 1_100, 1_100)).toBe(50);
  expect(afterMs(100, 1_180, 1_100)).toBe(50);
});

test("a tick takes a millisecond at least, and a tenth of a second at most", () => {
  expect(afterMs(1, 1_000)).toBe(1);
  expect(afterMs(1_000, 1_000)).toBe(100);
  expect(afterMs(10_000, 1_000, 9_000)).toBe(100);
});
