// The engine's key layout, and the mvccpb.KeyValue codec. Prefixes are the families; numbers in keys are
// big-endian, so key order is number order.
import { assert, keyOf } from "../base/index.ts";
import type { Key, LeaseId, MemberId } from "../base/index.ts";
import { Slab } from "./slab.ts";
import { NO_LEASE } from "./version.ts";
import type { Version } from "./version.ts";

/** Where keys and rows are written. */
const slab = new Slab();

export type RowFamily =
  "base" | "lease" | "federation" | "chain" | "alarm" | "session" | "answer" | "auth" | "version";

/**
 * 'a' base: applied index of the last checkpoint. 'e' id: a lease. 'f': what a federation keeps. 'l' batch: chain of batches. 'm' member(8) type(1):
 * an alarm. 's' session: head of a session. 't' session, sequence: a kept answer. 'u' kind(1) name: users, roles and
 * tokens (auth-rows.ts). 'v' main(8) sub(4): one version of one key, as protobuf.
 */
const PREFIXES: Readonly<Record<RowFamily, number>> = {
  base: 0x61,
  lease: 0x65,
  federation: 0x66,
  chain: 0x6c,
  alarm: 0x6d,
  session: 0x73,
  answer: 0x74,
  auth: 0x75,
  version: 0x76,
};

const FAMILIES: ReadonlyMap<number, RowFamily> = new Map(
  (Object.keys(PREFIXES) as RowFamily[]).map((family) => [PREFIXES[family], family]),
);

/** undefined: not a row of the state machine. */
export function familyOf(key: Uint8Array): RowFamily | undefined {
  return FAMILIES.get(key[0] ?? 0);
}

export const BASE_ROW: Uint8Array = Uint8Array.of(PREFIXES.base);

const VERSION_KEY_BYTES = 13;

export function versionRowKey(mod: number, sub: number): Uint8Array {
  const key = slab.take(VERSION_KEY_BYTES);
  key[0] = PREFIXES.version;
  putUint64(key, 1, mod);
  putUint32(key, 9, sub);
  return key;
}

export function versionOfRowKey(key: Uint8Array): { readonly mod: number; readonly sub: number } {
  assert(key.length === VERSION_KEY_BYTES, `a version's key has ${key.length} bytes`);
  return { mod: readUint64(key, 1), sub: readUint32(key, 9) };
}

/** `family` and its numbers. */
export function numberedRowKey(family: RowFamily, ...numbers: readonly number[]): Uint8Array {
  const key = slab.take(1 + 8 * numbers.length);
  key[0] = PREFIXES[family];
  numbers.forEach((number, at) => putUint64(key, 1 + 8 * at, number));
  return key;
}

/** The `at`-th number of a key that `numberedRowKey` made. */
export function numberInRowKey(key: Uint8Array, at: number): number {
  assert(key.length >= 9 + 8 * at, `a row key of ${key.length} bytes has no number ${at}`);
  return readUint64(key, 1 + 8 * at);
}

const LEASE_KEY_BYTES = 9;

export function leaseRowKey(id: LeaseId): Uint8Array {
  const key = slab.take(LEASE_KEY_BYTES);
  key[0] = PREFIXES.lease;
  new DataView(key.buffer, key.byteOffset, key.byteLength).setBigInt64(1, id);
  return key;
}

export function leaseOfRowKey(key: Uint8Array): LeaseId {
  assert(key.length === LEASE_KEY_BYTES, `a lease's key has ${key.length} bytes`);
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getBigInt64(1) as LeaseId;
}

const LEASE_ROW_BYTES = 16;

export function leaseRow(ttlMs: number, dueAtMs: number): Uint8Array {
  const row = slab.take(LEASE_ROW_BYTES);
  putUint64(row, 0, ttlMs);
  putUint64(row, 8, dueAtMs);
  return row;
}

export function readLeaseRow(row: Uint8Array): {
  readonly ttlMs: number;
  readonly dueAtMs: number;
} {
  assert(row.length === LEASE_ROW_BYTES, `a lease has a row of ${row.length} bytes`);
  return { ttlMs: readUint64(row, 0), dueAtMs: readUint64(row, 8) };
}

const ALARM_KEY_BYTES = 10;

export function alarmRowKey(member: MemberId, code: number): Uint8Array {
  const key = new Uint8Array(ALARM_KEY_BYTES);
  key[0] = PREFIXES.alarm;
  new DataView(key.buffer).setBigUint64(1, member);
  key[9] = code;
  return key;
}

export function alarmOfRowKey(key: Uint8Array): {
  readonly member: MemberId;
  readonly code: number;
} {
  assert(key.length === ALARM_KEY_BYTES, `an alarm's key has ${key.length} bytes`);
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return { member: view.getBigUint64(1) as MemberId, code: view.getUint8(9) };
}

export function authRowKey(kind: number, name: Uint8Array): Uint8Array {
  const key = new Uint8Array(2 + name.length);
  key[0] = PREFIXES.auth;
  key[1] = kind;
  key.set(name, 2);
  return key;
}

/** The first bytes of a federation's rows; what follows them is federation/'s own. */
export const FEDERATION_ROW_PREFIX: Uint8Array = Uint8Array.of(PREFIXES.federation);

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x10000 + low;
}

/** `value` is a safe integer >= 0. */
export function putUint64(bytes: Uint8Array, at: number, value: number): void {
  putUint32(bytes, at, Math.floor(value / 2 ** 32));
  putUint32(bytes, at + 4, value);
}

/** @throws {AssertionError} above 2^53 - 1. */
export function readUint64(bytes: Uint8Array, at: number): number {
  const value = readUint32(bytes, at) * 2 ** 32 + readUint32(bytes, at + 4);
  assert(Number.isSafeInteger(value), `stored number ${value} is not a safe integer`);
  return value;
}

const KEY_TAG = 0x0a;
const CREATE_TAG = 0x10;
const MOD_TAG = 0x18;
const VERSION_TAG = 0x20;
const VALUE_TAG = 0x2a;
const LEASE_TAG = 0x30;

/** mvccpb.KeyValue, fields in order, zero fields left out, as protobuf encoders of proto3 write it. */
export function encodeKeyValue(key: Key, version: Version, value: Uint8Array): Uint8Array {
  const { create, mod, count, lease } = version;
  const leaseBits = lease === NO_LEASE ? 0n : BigInt.asUintN(64, lease);
  let size = 1 + varintBytes(key.length) + key.length + 1 + varintBytes(mod);
  if (create !== 0) size += 1 + varintBytes(create);
  if (count !== 0) size += 1 + varintBytes(count);
  if (value.length !== 0) size += 1 + varintBytes(value.length) + value.length;
  if (leaseBits !== 0n) size += 1 + wideVarintBytes(leaseBits);
  const row = slab.take(size);
  row[0] = KEY_TAG;
  let at = putVarint(row, 1, key.length);
  for (let from = 0; from < key.length; from += 1) row[at + from] = key.charCodeAt(from);
  at += key.length;
  if (create !== 0) at = putField(row, at, CREATE_TAG, create);
  at = putField(row, at, MOD_TAG, mod);
  if (count !== 0) at = putField(row, at, VERSION_TAG, count);
  if (value.length !== 0) {
    at = putField(row, at, VALUE_TAG, value.length);
    row.set(value, at);
    at += value.length;
  }
  if (leaseBits !== 0n) {
    row[at] = LEASE_TAG;
    at = putWideVarint(row, at + 1, leaseBits);
  }
  assert(at === size, `a row of ${size} bytes was filled to ${at}`);
  return row;
}

/** What a row says, but for the value. `count` 0: a tombstone. */
export interface RowFields {
  readonly key: Key;
  readonly create: number;
  readonly mod: number;
  readonly count: number;
  readonly lease: LeaseId;
}

/** @throws {AssertionError} if the row is not one that `encodeKeyValue` made: nothing else writes them. */
export function decodeRow(row: Uint8Array): RowFields {
  const reader = new RowReader(row);
  const key = reader.text(KEY_TAG);
  const create = reader.number(CREATE_TAG);
  const mod = reader.number(MOD_TAG);
  const count = reader.number(VERSION_TAG);
  reader.bytes(VALUE_TAG);
  const lease = reader.wide(LEASE_TAG);
  assert(reader.atEnd && mod > 0, "a version's row holds no KeyValue");
  return { key, create, mod, count, lease };
}

/** The key in a row with the tag and length before it: all of a KeyValue that says nothing but its key. */
export function keyFieldOf(row: Uint8Array): Uint8Array {
  let keyBytes = 0;
  let at = 1;
  for (let unit = 1; ; unit *= 128) {
    const byte = row[at] ?? 0;
    at += 1;
    keyBytes += (byte & 0x7f) * unit;
    if (byte < 0x80) break;
  }
  assert(at + keyBytes <= row.length, "a version's row is cut off");
  return row.subarray(0, at + keyBytes);
}

/** The value in a row, as a view into it. On the path of every read, hence without a reader. */
export function valueInRow(row: Uint8Array): Uint8Array {
  let at = 1;
  let keyBytes = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = row[at] ?? 0;
    at += 1;
    keyBytes += (byte & 0x7f) * unit;
    if (byte < 0x80) break;
  }
  at += keyBytes;
  while (row[at] === CREATE_TAG || row[at] === MOD_TAG || row[at] === VERSION_TAG) {
    at += 1;
    while ((row[at] ?? 0) >= 0x80) at += 1;
    at += 1;
  }
  if (row[at] !== VALUE_TAG) return EMPTY;
  at += 1;
  let valueBytes = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = row[at] ?? 0;
    at += 1;
    valueBytes += (byte & 0x7f) * unit;
    if (byte < 0x80) break;
  }
  assert(at + valueBytes <= row.length, "a version's row is cut off");
  return row.subarray(at, at + valueBytes);
}

const EMPTY = new Uint8Array(0);

/** Reads fields in their order; one that is absent reads as zero or empty. */
class RowReader {
  readonly #row: Uint8Array;
  #at = 0;

  constructor(row: Uint8Array) {
    this.#row = row;
  }

  get atEnd(): boolean {
    return this.#at === this.#row.length;
  }

  text(tag: number): Key {
    return keyOf(this.bytes(tag));
  }

  bytes(tag: number): Uint8Array {
    const length = this.number(tag);
    if (length === 0) return EMPTY;
    const from = this.#at;
    this.#at += length;
    assert(this.#at <= this.#row.length, "a version's row is cut off");
    return this.#row.subarray(from, this.#at);
  }

  number(tag: number): number {
    if (this.#row[this.#at] !== tag) return 0;
    this.#at += 1;
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#row[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  wide(tag: number): LeaseId {
    if (this.#row[this.#at] !== tag) return NO_LEASE;
    this.#at += 1;
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#row[this.#at] ?? 0;
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value) as LeaseId;
    }
  }
}

function putField(bytes: Uint8Array, at: number, tag: number, value: number): number {
  bytes[at] = tag;
  return putVarint(bytes, at + 1, value);
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    bytes[next] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
    next += 1;
  }
  bytes[next] = rest;
  return next + 1;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

function putWideVarint(bytes: Uint8Array, at: number, value: bigint): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80n) {
    bytes[next] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
    next += 1;
  }
  bytes[next] = Number(rest);
  return next + 1;
}

function wideVarintBytes(value: bigint): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80n; rest >>= 7n) bytes += 1;
  return bytes;
}
