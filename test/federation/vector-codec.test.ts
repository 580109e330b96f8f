// A vector as bytes: one form each; what is none is refused by name.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { vectors } from "./arbitrary.ts";
import { originId, sequence } from "../../federation/dot.ts";
import {
  VECTOR_ORIGINS_MAX,
  VectorError,
  decodeVector,
  encodeVector,
} from "../../federation/vector-codec.ts";

test("a vector is read back, and has one form", () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const bytes = encodeVector(vector);
      expect(decodeVector(bytes)).toEqual(vector);
      expect(encodeVector(new Map([...vector].reverse()))).toEqual(bytes);
    }),
  );
});

test("hostile bytes are refused, or are some vector's only form", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      try {
        expect(encodeVector(decodeVector(bytes))).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(VectorError);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("an origin that wrote a million transactions takes five bytes or fewer", () => {
  const vector = new Map([[originId(7), sequence(1_000_000)]]);
  expect(encodeVector(vector).length - 1).toBeLessThanOrEqual(5);
});

test.each([
  ["more origins than a federation has", [0xff, 0x7f], `expected 0 to ${VECTOR_ORIGINS_MAX}`],
  ["more origins than bytes", [9, 1, 1], "but 2 bytes are left"],
  ["an origin twice", [2, 1, 1, 0, 1], "expected 1 to"],
  ["a count of 0", [1, 1, 0], "expected 1 to"],
  ["a number not in its shortest form", [1, 1, 0x81, 0], "shortest form"],
  ["a number beyond 53 bits", [1, 1, ...Array<number>(8).fill(0xff), 1], "longer than 8 bytes"],
  ["bytes behind it", [0, 0], "1 bytes too many"],
])("%s", (_, bytes, message) => {
  expect(() => decodeVector(Uint8Array.from(bytes))).toThrow(message);
});
