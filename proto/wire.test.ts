import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import protobuf from "protobufjs/minimal";
import {
  Reader,
  Writer,
  bigintOf,
  clampedNumberOf,
  etcdserverpb,
  exactNumberOf,
  unsigned64,
} from "./index.ts";

const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** A varint by the specification's own words: seven bits at a time, least significant first. */
function varintNaive(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    const byte = Number(rest & 127n);
    if (rest < 128n) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

describe("64-bit integers", () => {
  test("are written as the specification says, from numbers and bigints alike", () => {
    fc.assert(
      fc.property(fc.oneof(signed, unsigned), (value) => {
        const expected = varintNaive(value);
        expect([...new Writer().uint64(value).finish()]).toEqual(expected);
        const number = Number(value);
        if (Number.isSafeInteger(number)) {
          expect([...new Writer().int64(number).finish()]).toEqual(expected);
        }
      }),
    );
  });

  test("are read exactly: a number while safe, else a bigint", () => {
    fc.assert(
      fc.property(signed, unsigned, (left, right) => {
        const reader = new Reader(new Writer().int64(left).uint64(right).finish());
        const [first, second] = [reader.int64(), reader.uint64()];
        expect(BigInt(first)).toBe(left);
        expect(BigInt(second)).toBe(right);
        for (const value of [first, second]) {
          expect(typeof value).toBe(Number.isSafeInteger(Number(value)) ? "number" : "bigint");
        }
      }),
    );
  });

  test("of fixed width keep all 64 bits", () => {
    fc.assert(
      fc.property(unsigned, (value) => {
        expect(new Reader(new Writer().fixed64(value).finish()).fixed64()).toBe(value);
      }),
    );
  });

  test("agree with protobufjs's own reader below 2^53", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = protobuf.Writer.create().uint64(value).finish();
        expect(new Reader(bytes).uint64()).toBe(value);
      }),
    );
  });

  test("that never end, or end too early, are refused", () => {
    expect(() => new Reader(new Uint8Array(11).fill(255)).uint64()).toThrow("invalid varint");
    expect(() => new Reader(new Uint8Array(9).fill(255)).uint64()).toThrow("out of range");
    expect(() => new Reader(new Uint8Array([128])).int64()).toThrow("out of range");
  });
});

describe("what is made of them", () => {
  test("identities are bigints, quantities clamped or exact", () => {
    expect(bigintOf(7)).toBe(7n);
    expect(unsigned64(-1n)).toBe(2n ** 64n - 1n);
    expect(clampedNumberOf(2n ** 60n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(clampedNumberOf(-(2n ** 60n))).toBe(Number.MIN_SAFE_INTEGER);
    expect(clampedNumberOf(-5)).toBe(-5);
    expect(exactNumberOf(9, "term")).toBe(9);
    expect(() => exactNumberOf(2n ** 53n, "term")).toThrow("term 9007199254740992");
    expect(() => exactNumberOf(-1, "term")).toThrow("term -1");
  });
});

describe("the reader", () => {
  test("takes bytes and latin1 strings as views of their own length", () => {
    const bytes = new Writer().latin1("a\u00ff\u0000").bytes(Uint8Array.of(1, 2)).finish();
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const reader = new Reader(shifted.subarray(3));
    expect(reader.latin1()).toBe("a\u00ff\u0000");
    expect(reader.bytes()).toEqual(Uint8Array.of(1, 2));
    expect(reader.pos).toBe(bytes.length);
  });

  test("keeps a nested message inside its length", () => {
    const inner = new Writer().bytes(new Uint8Array(10)).finish();
    const outer = new Writer().bytes(inner.subarray(0, 5)).finish();
    const rest = new Uint8Array([...outer, ...new Uint8Array(20)]);
    expect(() => new Reader(rest).nested((reader) => reader.bytes())).toThrow("out of range");
    expect(() => new Reader(rest).nested(() => 0)).toThrow("nested message ends");
  });

  test("drops unknown fields", () => {
    const known = etcdserverpb.CompactionRequest.encode({ revision: 5 }).finish();
    const more = new Writer()
      .uint32((900 << 3) | 2)
      .string("later")
      .finish();
    const message = etcdserverpb.CompactionRequest.decode(new Uint8Array([...known, ...more]));
    expect({ ...message }).toEqual({ revision: 5 });
  });
});

describe("the generated codec", () => {
  test("carries 64-bit ids exactly and leaves zeros out", () => {
    fc.assert(
      fc.property(unsigned, signed, (cluster, revision) => {
        const bytes = etcdserverpb.ResponseHeader.encode({
          cluster_id: cluster,
          member_id: 0n,
          revision,
        }).finish();
        const header = etcdserverpb.ResponseHeader.decode(bytes);
        expect(BigInt(header.cluster_id)).toBe(cluster);
        expect(BigInt(header.revision)).toBe(revision);
        expect(Object.keys(header)).not.toContain("member_id");
        expect(header.member_id).toBe(0);
      }),
    );
  });
});
