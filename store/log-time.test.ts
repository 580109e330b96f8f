// Which stamps move log time.
import { expect, test } from "@jest/globals";
import type { LogTimeMs, NodeId } from "../base/index.ts";
import { LOG_STAMP_ZERO, stampAfter } from "./log-time.ts";
import type { LogStamp } from "./log-time.ts";

function stamp(round: number, logTimeMs: number): LogStamp {
  const epoch = { config: 0, round, node: 1 as NodeId };
  return { epoch, logTimeMs: logTimeMs as LogTimeMs };
}

function after(...stamps: readonly LogStamp[]): LogStamp {
  return stamps.reduce(stampAfter, LOG_STAMP_ZERO);
}

test("log time goes on with stamps of one epoch and never goes back", () => {
  expect(after(stamp(1, 10), stamp(1, 12), stamp(1, 11))).toEqual(stamp(1, 12));
});

test("a later epoch whose clock is behind holds log time where it is, until it has come as far", () => {
  expect(after(stamp(1, 10), stamp(2, 4))).toEqual(stamp(2, 10));
  expect(after(stamp(1, 10), stamp(2, 4), stamp(2, 11))).toEqual(stamp(2, 11));
});

test("what an earlier epoch stamped, and a later one proposes again, moves it no more (P4)", () => {
  expect(after(stamp(5, 2210), stamp(4, 3186))).toEqual(stamp(5, 2210));
  expect(after(stamp(5, 2210), stamp(4, 3186), stamp(6, 2441))).toEqual(stamp(6, 2441));
});
