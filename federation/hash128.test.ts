// The hash against the value by which SMHasher verifies every port of it.
import { expect, test } from "@jest/globals";
import { hash128, hash128Bytes, sameHash128, xor128 } from "./hash128.ts";

test("it is MurmurHash3_x86_128: SMHasher's verification value is 0xb3ece62a", () => {
  const hashes = new Uint8Array(256 * 16);
  for (let length = 0; length < 256; length += 1) {
    const key = Uint8Array.from({ length }, (_, at) => at);
    hashes.set(hash128Bytes(hash128(key, 256 - length)), length * 16);
  }
  expect(hash128(hashes)[0]).toBe(0xb3ece62a);
});

test("what is xored in twice is out again", () => {
  const one = hash128(Uint8Array.of(1));
  const two = hash128(Uint8Array.of(2));
  expect(sameHash128(one, two)).toBe(false);
  expect(sameHash128(xor128(xor128(one, two), two), one)).toBe(true);
});
