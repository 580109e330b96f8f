// What a puller counts as taken on one stream: applied here, and not stated yet (federation 4).
import { expect, test } from "@jest/globals";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import type { Position } from "./exchange-message.ts";
import { ExchangePulling } from "./exchange-pulling.ts";
import type { Vector } from "./vector.ts";

const OTHER = originId(2);
const NONE: ReadonlySet<OriginId> = new Set();
const SIZES = [5, 7, 3];

/** A chain that counts bytes. */
const next = (hash: Uint8Array, { length }: Uint8Array): Uint8Array =>
  Uint8Array.of((hash[0] ?? 0) + length);

function hashAt(count: number): Uint8Array {
  return Uint8Array.of(SIZES.slice(0, count).reduce((sum, size) => sum + size, 0));
}

function at(count: number): Position {
  return { origin: OTHER, sequence: count, hash: hashAt(count) };
}

function applied(count: number): Vector {
  return count === 0 ? new Map() : new Map([[OTHER, sequence(count)]]);
}

test("what is applied counts until it is stated as taken, and not again", () => {
  const pulling = new ExchangePulling(next);
  const comes = (from: number, until: number): void => {
    const transactions = SIZES.slice(from - 1, until - 1).map((size) => new Uint8Array(size));
    const batch = { origin: OTHER, from, transactions, hash: hashAt(until - 1) };
    expect(pulling.onBatch(batch)).toMatchObject({ ok: true });
  };
  pulling.want([at(0)], NONE);
  comes(1, 3);
  expect([0, 1, 2].map((count) => pulling.takenBytes(applied(count)))).toEqual([0, 5, 12]);
  pulling.want([at(2)], NONE);
  expect(pulling.takenBytes(applied(2))).toBe(0);
  comes(3, 4);
  expect([2, 3].map((count) => pulling.takenBytes(applied(count)))).toEqual([0, 3]);
});
