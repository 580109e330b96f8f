// Scenario 68: the wall clock may jump as it likes. Forward, and every span across the jump is given up; back, and
// nothing happens; and log time never follows it.
import { expect, test } from "@jest/globals";
import type { LogTimeMs, MonotonicMs, WallMs } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import { WallWatch } from "./wall-watch.ts";

const AHEAD_MAX_MS = 50;

/** Both clocks in the test's hands. */
function watched(): { now: number; wall: number; watch: WallWatch } {
  const clocks = { now: 1_000, wall: 5_000_000 };
  const clock = {
    monotonicMs: () => clocks.now as MonotonicMs,
    wallMs: () => clocks.wall as WallMs,
  };
  return Object.assign(clocks, { watch: new WallWatch(clock, AHEAD_MAX_MS) });
}

test("a wall that ran ahead by more than the margin breaks once (scenario 68)", () => {
  const clocks = watched();
  clocks.now += 100;
  clocks.wall += 100 + AHEAD_MAX_MS;
  expect(clocks.watch.look(clocks.now as MonotonicMs)).toBeUndefined();
  clocks.now += 100;
  clocks.wall += 3_600_000;
  expect(clocks.watch.look(clocks.now as MonotonicMs)).toBe(3_600_000 - 100);
  clocks.now += 100;
  clocks.wall += 100;
  expect(clocks.watch.look(clocks.now as MonotonicMs)).toBeUndefined();
  expect(clocks.watch.breaks).toBe(1);
});

test("a wall that is set back is no matter, nor is what it makes up afterwards (scenario 68)", () => {
  const clocks = watched();
  clocks.now += 100;
  clocks.wall -= 3_600_000;
  expect(clocks.watch.look(clocks.now as MonotonicMs)).toBeUndefined();
  clocks.now += 1_000;
  clocks.wall += 1_000;
  expect(clocks.watch.look(clocks.now as MonotonicMs)).toBeUndefined();
  expect(clocks.watch.breaks).toBe(0);
});

test("log time goes on with the monotonic clock from where the log stood (R9, scenario 68)", () => {
  const clocks = watched();
  const first = { ...EPOCH_ZERO, round: 1 };
  expect(clocks.watch.logTime(first, 700 as LogTimeMs)).toBe(700);
  clocks.now += 30;
  clocks.wall += 9_000_000;
  expect(clocks.watch.logTime(first, 700 as LogTimeMs)).toBe(730);
  clocks.wall -= 18_000_000;
  expect(clocks.watch.logTime(first, 700 as LogTimeMs)).toBe(730);
  clocks.now += 5;
  expect(clocks.watch.logTime({ ...first, round: 2 }, 720 as LogTimeMs)).toBe(720);
});
