import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { bytesOf, compareBytes, keyOf } from "../base/index.ts";
import type { LeaseId } from "../base/index.ts";
import { mvccpb } from "../proto/index.ts";
import {
  BASE_ROW,
  decodeRow,
  encodeKeyValue,
  familyOf,
  numberInRowKey,
  numberedRowKey,
  valueInRow,
  versionOfRowKey,
  versionRowKey,
} from "./rows.ts";
import { Version } from "./version.ts";

const numbers = fc
  .oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.maxSafeNat().map((n) => n + 1 || 1),
  )
  .filter((n) => Number.isSafeInteger(n));
const leases = fc
  .oneof(fc.constant(0n), fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }))
  .map((lease) => lease as LeaseId);
const keys = fc.uint8Array({ minLength: 1, maxLength: 300 }).map(keyOf);
const values = fc.uint8Array({ maxLength: 300 });

describe("a version's row", () => {
  test("is what protobuf's own encoder makes of the KeyValue", () => {
    fc.assert(
      fc.property(
        keys,
        values,
        numbers,
        numbers,
        numbers,
        leases,
        (key, value, mod, create, count, lease) => {
          const row = encodeKeyValue(
            key,
            new Version(mod, 0, create, count, lease, undefined),
            value,
          );
          const message = {
            key: bytesOf(key),
            create_revision: create,
            mod_revision: mod,
            version: count,
            ...(value.length === 0 ? {} : { value }),
            ...(lease === 0n ? {} : { lease }),
          };
          expect([...row]).toEqual([...mvccpb.KeyValue.encode(message).finish()]);
        },
      ),
    );
  });

  test("gives back what went in", () => {
    fc.assert(
      fc.property(
        keys,
        values,
        numbers,
        numbers,
        numbers,
        leases,
        (key, value, mod, create, count, lease) => {
          const row = encodeKeyValue(
            key,
            new Version(mod, 0, create, count, lease, undefined),
            value,
          );
          expect(decodeRow(row)).toEqual({ key, mod, create, count, lease });
          expect([...valueInRow(row)]).toEqual([...value]);
        },
      ),
    );
  });

  test("of a delete holds key and mod revision alone", () => {
    const row = encodeKeyValue(
      keyOf(Uint8Array.of(97)),
      new Version(7, 1, 0, 0, 0n as LeaseId, undefined),
      new Uint8Array(0),
    );
    expect([...row]).toEqual([0x0a, 1, 97, 0x18, 7]);
    expect(decodeRow(row)).toMatchObject({ mod: 7, count: 0, create: 0 });
  });

  test("that is cut off is no row", () => {
    const row = encodeKeyValue(
      keyOf(Uint8Array.of(97)),
      new Version(7, 1, 7, 1, 0n as LeaseId, undefined),
      Uint8Array.of(1, 2, 3),
    );
    expect(() => decodeRow(row.subarray(0, row.length - 1))).toThrow("cut off");
    expect(() => valueInRow(row.subarray(0, row.length - 1))).toThrow("cut off");
  });
});

describe("the engine's keys", () => {
  test("sort as their revisions do", () => {
    const revisions = fc.tuple(fc.maxSafeNat(), fc.nat({ max: 2 ** 29 - 1 }));
    fc.assert(
      fc.property(revisions, revisions, ([mod, sub], [otherMod, otherSub]) => {
        const order = Math.sign(mod - otherMod || sub - otherSub);
        expect(compareBytes(versionRowKey(mod, sub), versionRowKey(otherMod, otherSub))).toBe(
          order,
        );
        expect(versionOfRowKey(versionRowKey(mod, sub))).toEqual({ mod, sub });
      }),
    );
  });

  test("name their family and numbers", () => {
    expect(familyOf(versionRowKey(2, 0))).toBe("version");
    expect(familyOf(BASE_ROW)).toBe("base");
    expect(familyOf(Uint8Array.of(0))).toBeUndefined();
    const key = numberedRowKey("answer", 300, 2 ** 40);
    expect(familyOf(key)).toBe("answer");
    expect([numberInRowKey(key, 0), numberInRowKey(key, 1)]).toEqual([300, 2 ** 40]);
    expect(() => numberInRowKey(key, 2)).toThrow("has no number 2");
  });
});
