// From whom what is pulled: ways that stall are bypassed, and slow ones waited for (federation 4).
import { expect, test } from "@jest/globals";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import { routesOf } from "./exchange-routes.ts";
import type { Routes, Way } from "./exchange-routes.ts";

const [R1, R2, CLOSED] = [originId(1), originId(2), originId(3)];
const STALL_MS = 500;

function way(neighbour: OriginId): Way {
  const vector = new Map([[CLOSED, sequence(9)]]);
  return { neighbour, vector, refused: () => false };
}

/** Every 50 ms; what a way is asked for comes after its delay, if it is still the one that is asked. */
function cameAtMs(delayMs: ReadonlyMap<OriginId, number>, untilMs: number): number | undefined {
  let before: Routes = new Map();
  let asked: OriginId | undefined;
  let dueAtMs = Infinity;
  for (let nowMs = 0; nowMs < untilMs; nowMs += 50) {
    if (nowMs >= dueAtMs) return nowMs;
    before = routesOf({
      ...{ ways: [way(R1), way(R2)], origins: [CLOSED], applied: new Map(), before, nowMs },
      ...{ isHeld: () => false, progressed: () => false, stallMs: STALL_MS },
    });
    const route = before.get(CLOSED);
    if (route === undefined || (route.neighbour === asked && !route.again)) continue;
    asked = route.neighbour;
    dueAtMs = nowMs + (delayMs.get(asked) ?? Infinity);
  }
  return undefined;
}

test("a way that brings nothing is bypassed", () => {
  expect(cameAtMs(new Map([[R2, 100]]), 2 * STALL_MS)).toBeDefined();
});

test("where every way takes longer than a stall, one of them is waited for in the end", () => {
  const delays = new Map([
    [R1, 3 * STALL_MS],
    [R2, 7 * STALL_MS],
  ]);
  expect(cameAtMs(delays, 60_000)).toBeDefined();
});

test("patience ends again once nothing is lacked", () => {
  const slow = routesOf({
    ...{ ways: [way(R1)], origins: [CLOSED], applied: new Map(), nowMs: 10_000 },
    before: new Map([[CLOSED, { neighbour: R1, behindSinceMs: 0, again: false, stalls: 1 }]]),
    ...{ isHeld: () => false, progressed: () => false, stallMs: STALL_MS },
  });
  expect(slow.get(CLOSED)).toMatchObject({ stalls: 2, again: true });
  const caughtUp = routesOf({
    ...{ ways: [way(R1)], origins: [CLOSED], applied: way(R1).vector, nowMs: 10_050, before: slow },
    ...{ isHeld: () => false, progressed: () => true, stallMs: STALL_MS },
  });
  expect(caughtUp.get(CLOSED)).toMatchObject({ stalls: 0 });
});
