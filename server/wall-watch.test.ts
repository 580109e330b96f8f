// Scenario 68: the wall clock may jump as it likes. Forward, and every span across the jump is given up; back, and
// nothing happens. Log time never follows it: log-clock.test.ts.
import { expect, test } from "@jest/globals";
import type { MonotonicMs, WallMs } from "../base/index.ts";
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
