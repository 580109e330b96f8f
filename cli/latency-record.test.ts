// Percentiles of a bounded record beside those of the whole list, sorted.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { LatencyRecord } from "./latency-record.ts";

test("a quantile is that of the sorted list, at most 2 % too high", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.002, max: 1_000_000, noNaN: true }), { minLength: 1 }),
      fc.constantFrom(0, 0.5, 0.9, 0.99, 1),
      (latencies, share) => {
        const record = new LatencyRecord();
        for (const ms of latencies) record.add(ms);
        const sorted = [...latencies].sort((left, right) => left - right);
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
        const told = record.quantileMs(share);
        expect(told).toBeGreaterThanOrEqual(exact * 0.999_999);
        expect(told).toBeLessThanOrEqual(exact * 1.021);
        expect(record.maxMs).toBe(sorted.at(-1));
      },
    ),
  );
});

test("nothing is 0", () => {
  expect(new LatencyRecord().quantileMs(0.5)).toBe(0);
});
