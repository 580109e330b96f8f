import { describe, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../../base/index.ts";
import { PingMeter } from "./ping-meter.ts";

const QUIET = { answered: false, calls: 1 };

function pings(
  meter: PingMeter,
  everyMs: number,
  count: number,
  facts: { readonly answered: boolean; readonly calls: number } = QUIET,
): number | undefined {
  for (let ping = 1; ping <= count; ping += 1) {
    if (meter.onPing((ping * everyMs) as MonotonicMs, facts)) return ping;
  }
  return undefined;
}

describe("the pace of pings", () => {
  test("is let be at the least span and slower, and while answers go out", () => {
    expect(pings(new PingMeter(5_000), 5_000, 100)).toBeUndefined();
    expect(pings(new PingMeter(5_000), 10, 100, { answered: true, calls: 1 })).toBeUndefined();
    expect(pings(new PingMeter(0), 10, 100)).toBeUndefined();
  });

  test("is too fast at the third that comes early, and of an idle connection sooner", () => {
    expect(pings(new PingMeter(5_000), 4_000, 100)).toBe(4);
    expect(pings(new PingMeter(5_000), 10_000, 100, { answered: false, calls: 0 })).toBe(4);
  });

  test("is forgiven by an answer", () => {
    const meter = new PingMeter(5_000);
    expect(pings(meter, 10, 3)).toBeUndefined();
    expect(meter.onPing(40 as MonotonicMs, { answered: true, calls: 1 })).toBe(false);
    expect(meter.onPing(50 as MonotonicMs, QUIET)).toBe(false);
  });
});
