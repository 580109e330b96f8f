import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { keyOf } from "../base/index.ts";
import { Digest } from "./digest.ts";

describe("the digest", () => {
  test("tells different inputs apart and equal ones alike", () => {
    const bytes = fc.uint8Array({ maxLength: 12 });
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const equal = keyOf(left) === keyOf(right);
        expect(new Digest().bytes(left).value() === new Digest().bytes(right).value()).toBe(equal);
      }),
      { numRuns: 2000 },
    );
  });

  test("is the same for a key and its bytes, and a safe integer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        const value = new Digest().bytes(bytes).value();
        expect(new Digest().text(keyOf(bytes)).value()).toBe(value);
        expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
      }),
    );
  });

  test("keeps the bounds of its parts: a boundary that moves changes it", () => {
    expect(new Digest().text("ab").text("c").value()).not.toBe(
      new Digest().text("a").text("bc").value(),
    );
  });

  test("tells numbers apart beyond 32 bits and by sign", () => {
    const values = [0, 1, -1, 2 ** 32, 2 ** 32 + 1, -(2 ** 32), 2 ** 52].map((count) =>
      new Digest().count(count).value(),
    );
    const wide = [1n, -1n, 1n << 63n, 1n << 32n].map((value) => new Digest().wide(value).value());
    expect(new Set([...values, ...wide.slice(2)]).size).toBe(values.length + 1);
    expect(new Set(wide).size).toBe(wide.length);
  });

  test("goes on from a value differently than from none", () => {
    const seed = new Digest().word(1).value();
    const gone = new Digest().restart(seed).word(2).value();
    expect(gone).not.toBe(new Digest().word(2).value());
    expect(gone).toBe(new Digest().restart(seed).word(2).value());
  });
});
