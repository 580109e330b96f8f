import { expect, test } from "@jest/globals";
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import { ApplyPace } from "./apply-pace.ts";

test("slow commands are counted each, and told once a second with what was not told since", () => {
  let nowMs = 0;
  const lines: unknown[] = [];
  const pace = new ApplyPace({
    warnMs: 100,
    now: () => nowMs as MonotonicMs,
    journal: { warn: (_, fields) => lines.push(fields) },
  });
  const apply = (index: number, tookMs: number): void => {
    pace.began(index as LogIndex);
    nowMs += tookMs / 2;
    // It waits for a value, and its turn comes again.
    pace.began(index as LogIndex);
    nowMs += tookMs / 2;
    pace.ended();
  };
  for (const [at, tookMs] of [99, 100, 250, 400, 700].entries()) apply(at + 1, tookMs);
  expect(pace.slowCount).toBe(4);
  expect(lines).toEqual([
    { index: 2, tookMs: 100, expectedMs: 100, slowSinceLastLine: 1 },
    { index: 5, tookMs: 700, expectedMs: 100, slowSinceLastLine: 3 },
  ]);
});
