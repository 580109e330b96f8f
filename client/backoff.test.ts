// Full jitter: uniform below an edge that doubles and stops growing.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { BACKOFF_DEFAULT, backoffMs } from "./backoff.ts";

test("a wait lies in [0, min(maxMs, firstMs * 2^(attempt - 1)))", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), chance, (attempt, draw) => {
      const edge = Math.min(BACKOFF_DEFAULT.maxMs, BACKOFF_DEFAULT.firstMs * 2 ** (attempt - 1));
      const waitMs = backoffMs(BACKOFF_DEFAULT, attempt, () => draw);
      expect(waitMs).toBeGreaterThanOrEqual(0);
      expect(waitMs).toBeLessThan(edge);
      expect(waitMs).toBeCloseTo(draw * edge);
    }),
  );
});
