// What is kept of a key as bytes: as its row, with the hash that it was written with, and as a copy that another region
// sends for a repair, which holds every value (federation 2, 17). A row is trusted, a copy may be anything.
import type { Hlc, Key, LeaseId } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { compareDots, originId, sequence } from "./dot.ts";
import type { Dot } from "./dot.ts";
import { HASH128_BYTES, hash128Bytes, hash128Of } from "./hash128.ts";
import { IN_VERSION, withDigest } from "./kept-record.ts";
import type { KeptRecord } from "./kept-record.ts";
import { KindStateError, decodeKindState, encodeKindState } from "./kind-state-codec.ts";
import { readMadeView, writeMadeView } from "./made-view-codec.ts";
import type { RecordContent } from "./record-step.ts";
import type { Sibling } from "./sibling.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";

const FORM = { tombstone: 0, inRecord: 1, inVersion: 2 } as const;
const OWN_BIRTH = 0x10;
const HAS_LIFETIME = 0x20;
/** Flags, dot, stamp, epoch. */
const SIBLING_BYTES_MIN = 12;
const ORIGIN_MAX = 2 ** 32 - 1;
/** Far above what regions that write one key at the same time leave there. */
const SIBLINGS_READ_MAX = 65_536;
/** A key has one, and what is left of others before it. */
const KINDS_MAX = 6;

export function encodeRecord(record: KeptRecord): Uint8Array {
  const writer = new ByteWriter(64);
  writeContent(writer, record);
  writer.u8(record.digest === undefined ? 0 : 1);
  if (record.digest !== undefined) writer.raw(hash128Bytes(record.digest.hash));
  writer.u8(record.made === undefined ? 0 : 1);
  if (record.made !== undefined) writeMadeView(writer, record.made);
  return writer.written().slice();
}

/** @throws {Error} for what `encodeRecord` did not write. */
export function decodeRecord(key: Key, row: Uint8Array): KeptRecord {
  const reader = new ByteReader(row, (message) => new Error(`a row of a federation: ${message}`));
  const content = readContent(reader);
  const isHashed = reader.count("a hash's presence", 0, 1) === 1;
  const hash = isHashed ? hash128Of(reader.raw("a hash", HASH128_BYTES)) : undefined;
  const hasView = reader.count("what a handler made", 0, 1) === 1;
  const made = hasView ? { made: readMadeView(reader) } : {};
  reader.end();
  return { ...withDigest(key, content, hash), ...made };
}

/** @throws {AssertionError} unless all values are loaded. */
export function encodeContent(content: RecordContent): Uint8Array {
  const writer = new ByteWriter();
  writeContent(writer, content);
  return writer.written().slice();
}

/** Views into `bytes`; fails as the reader does. */
export function decodeContent(
  bytes: Uint8Array,
  failure: (message: string) => Error,
): RecordContent {
  const reader = new ByteReader(bytes, failure);
  const content = readContent(reader);
  reader.end();
  const flaw = flawOf(content);
  if (flaw !== undefined) throw reader.failure(flaw);
  return content;
}

function flawOf({ siblings, kinds }: RecordContent): string | undefined {
  if (siblings.some(({ value }) => value === IN_VERSION)) return "a value that is left out";
  const isAscending = siblings.every((one, at) => {
    const next = siblings[at + 1];
    return next === undefined || compareDots(one.dot, next.dot) < 0;
  });
  if (!isAscending) return "siblings that are out of order";
  const names = kinds.map(({ kind }) => kind);
  return new Set(names).size === names.length ? undefined : "two states of one kind";
}

function writeContent(writer: ByteWriter, { siblings, kinds }: RecordContent): void {
  writer.count(siblings.length);
  for (const sibling of siblings) writeSibling(writer, sibling);
  writer.count(kinds.length);
  for (const state of kinds) writer.bytes(encodeKindState(state));
}

function writeSibling(writer: ByteWriter, sibling: Sibling): void {
  const { dot, hlc, epoch, birth, value, lifetime } = sibling;
  const form = value === undefined ? "tombstone" : value === IN_VERSION ? "inVersion" : "inRecord";
  const isOwn = birth.dot.origin === dot.origin && birth.dot.sequence === dot.sequence;
  writer.u8(FORM[form] | (isOwn ? OWN_BIRTH : 0) | (lifetime === undefined ? 0 : HAS_LIFETIME));
  writeDot(writer, dot);
  writer.u64(hlc);
  writer.count(epoch);
  if (!isOwn) {
    writer.u64(birth.hlc);
    writeDot(writer, birth.dot);
  }
  if (lifetime !== undefined) {
    writer.i64(lifetime.lease);
    writer.count(lifetime.ttlMs);
  }
  if (form === "inRecord" && value !== undefined) writer.bytes(value);
}

function readContent(reader: ByteReader): RecordContent {
  const count = reader.length("siblings", SIBLINGS_READ_MAX, SIBLING_BYTES_MIN);
  const siblings = Array.from({ length: count }, () => readSibling(reader));
  const kindCount = reader.length("kinds", KINDS_MAX);
  const kinds = Array.from({ length: kindCount }, () => {
    const bytes = reader.bytes("a kind's state", TRANSACTION_LIMITS.bytesMax);
    try {
      return decodeKindState(bytes);
    } catch (error) {
      if (error instanceof KindStateError) throw reader.failure(error.message);
      throw error;
    }
  });
  return { siblings, kinds };
}

function readSibling(reader: ByteReader): Sibling {
  const flags = reader.count("a sibling", 0, OWN_BIRTH | HAS_LIFETIME | FORM.inVersion);
  const dot = readDot(reader);
  const hlc = reader.u64("a stamp") as Hlc;
  const epoch = reader.count("an epoch");
  const isOwn = (flags & OWN_BIRTH) !== 0;
  const birth = isOwn ? { hlc, dot } : { hlc: reader.u64("a birth") as Hlc, dot: readDot(reader) };
  const hasLifetime = (flags & HAS_LIFETIME) !== 0;
  const lifetime = hasLifetime
    ? { lease: reader.i64("a lease") as LeaseId, ttlMs: reader.count("a time to live", 1) }
    : undefined;
  const common = { dot, hlc, epoch, birth, ...(lifetime && { lifetime }) };
  const form = flags & ~(OWN_BIRTH | HAS_LIFETIME);
  if (form === FORM.tombstone) return common;
  if (form === FORM.inVersion) return { ...common, value: IN_VERSION };
  return { ...common, value: reader.bytes("a value", TRANSACTION_LIMITS.bytesMax) };
}

function writeDot(writer: ByteWriter, { origin, sequence: at }: Dot): void {
  writer.count(origin);
  writer.count(at);
}

function readDot(reader: ByteReader): Dot {
  const origin = originId(reader.count("an origin", 1, ORIGIN_MAX));
  return { origin, sequence: sequence(reader.count("a sequence", 1)) };
}
