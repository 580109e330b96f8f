import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { crc32c } from "./crc32c.ts";

/** One bit a step, straight from the definition. */
function crc32cNaive(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

test("crc32c gives the vectors of RFC 3720 B.4", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => 31 - at))).toBe(0x113fdb5c);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test("crc32c agrees with its definition, in parts and in windows", () => {
  const cases = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 100 }));
  fc.assert(
    fc.property(cases, ([bytes, cut]) => {
      const split = Math.min(cut, bytes.length);
      expect(crc32c(bytes)).toBe(crc32cNaive(bytes));
      expect(crc32c(bytes.subarray(split), crc32c(bytes.subarray(0, split)))).toBe(crc32c(bytes));
      expect(crc32c(bytes, 0, split)).toBe(crc32cNaive(bytes.subarray(split)));
    }),
  );
});
