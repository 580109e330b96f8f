import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ValueCache } from "./value-cache.ts";
import { NO_LEASE, PINNED, Version } from "./version.ts";

const ROW_BYTES = 100;
/** A row and what is charged for its object. */
const CHARGED_BYTES = ROW_BYTES + 160;

function version(mod: number): Version {
  return new Version(mod, 0, mod, 1, NO_LEASE, undefined);
}

function row(): Uint8Array {
  return new Uint8Array(ROW_BYTES);
}

function kept(cache: ValueCache, mod: number): Version {
  const loaded = version(mod);
  cache.keep(loaded, row());
  return loaded;
}

describe("the value cache", () => {
  test("holds as many rows as fit, and drops the oldest unread first", () => {
    const cache = new ValueCache(3 * CHARGED_BYTES);
    const versions = [1, 2, 3].map((mod) => kept(cache, mod));
    const [first, second, third] = versions;
    if (!first || !second || !third) throw new Error("three were kept");
    cache.read(first);
    const fourth = kept(cache, 4);
    expect([first, second, third, fourth].map(({ row: held }) => held !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(cache.bytes).toBe(3 * CHARGED_BYTES);
  });

  test("of no bytes holds nothing but what is pinned", () => {
    const cache = new ValueCache(0);
    expect(kept(cache, 1).row).toBeUndefined();
    const written = version(2);
    cache.pin(written, row());
    kept(cache, 3);
    expect(cache.read(written)?.length).toBe(ROW_BYTES);
    expect(written.residence).toBe(PINNED);
    cache.unpin(written);
    expect(written.row).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  test("forgets a dropped version, pinned or cached, and counts it once", () => {
    const cache = new ValueCache(10 * CHARGED_BYTES);
    const cached = kept(cache, 1);
    const pinned = version(2);
    cache.pin(pinned, row());
    cache.drop(cached);
    cache.drop(pinned);
    cache.unpin(pinned);
    expect(cache.bytes).toBe(0);
    expect(cache.read(cached)).toBeUndefined();
    expect(cache.read(pinned)).toBeUndefined();
  });

  test("keeps the row it has when it is loaded twice", () => {
    const cache = new ValueCache(10 * CHARGED_BYTES);
    const loaded = kept(cache, 1);
    const held = loaded.row;
    cache.keep(loaded, row());
    expect(loaded.row).toBe(held);
    expect(cache.bytes).toBe(CHARGED_BYTES);
  });

  test("a key that is written and compacted without end costs neither places nor its neighbours' memory", () => {
    const cache = new ValueCache(1e9);
    const staying: Version[] = [];
    for (let mod = 1; mod <= 50_000; mod += 1) {
      const one = kept(cache, mod);
      if (mod % 500 === 0) staying.push(one);
      else cache.drop(one);
    }
    expect(cache.bytes).toBe(staying.length * CHARGED_BYTES);
    expect(cache.places).toBeLessThan(2_000);
    const buffers = new Set(staying.map(({ row: held }) => held?.buffer));
    // Each buffer takes 163 of them.
    expect(buffers.size).toBeLessThan(20);
  });

  test("counts exactly what it holds, and never beyond its bound", () => {
    const steps = fc.array(
      fc.record({ what: fc.constantFrom("pin", "unpin", "keep", "read", "drop"), at: fc.nat(7) }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 5 }), (script, rowsMax) => {
        const cache = new ValueCache(rowsMax * CHARGED_BYTES);
        const versions = Array.from({ length: 8 }, (_, at) => version(at + 1));
        for (const { what, at } of script) {
          const one = versions[at];
          if (one === undefined) continue;
          // A version is written once: it is pinned before anything else happens to it.
          if (what === "pin" && one.residence === 0 && one.row === undefined) cache.pin(one, row());
          if (what === "unpin") cache.unpin(one);
          if (what === "keep") cache.keep(one, row());
          if (what === "read") cache.read(one);
          if (what === "drop" && one.residence === PINNED) cache.drop(one);
          const cached = versions.filter(
            ({ row: held, residence }) => held !== undefined && residence !== PINNED,
          );
          expect(cache.bytes).toBe(cached.length * CHARGED_BYTES);
          expect(cache.bytes).toBeLessThanOrEqual(rowsMax * CHARGED_BYTES);
        }
      }),
    );
  });
});
