// Spans as people write them.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseDurationMs } from "./duration.ts";

test.each([
  ["50ms", 50],
  ["5s", 5_000],
  ["1m30s", 90_000],
  ["1.5s", 1_500],
  ["1.1s", 1_100],
  ["2h", 7_200_000],
  ["1000us", 1],
  ["1000000ns", 1],
  ["0s", 0],
  ["0", 0],
])("%s", (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

test.each(["", "5", "s", "5 s", "-5s", "5x", "1.5ms", "5s!", "1e3ms", "500us", "9999999999999h"])(
  "%s is no span of whole milliseconds",
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  },
);

test("a span is the sum of its parts", () => {
  const count = fc.nat({ max: 10_000 });
  fc.assert(
    fc.property(count, count, count, (minutes, seconds, ms) => {
      const sum = minutes * 60_000 + seconds * 1_000 + ms;
      expect(parseDurationMs(`${minutes}m${seconds}s${ms}ms`)).toBe(sum);
    }),
  );
});
