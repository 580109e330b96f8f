// The rows of a region's federation: their keys, and what stands in them (federation 2). All begin with the store's
// byte for the family; the next says what it is. Written by the state machine alone, so what is read is trusted.
import { FEDERATION_ROW_PREFIX } from "../store/index.ts";
import { assert, bytesOf, keyOf } from "../base/index.ts";
import type { Hlc, Key, LogTimeMs, WallMs } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CHAIN_HASH_BYTES } from "./chain.ts";
import type { Identity } from "./config.ts";
import type { ConflictRecord } from "./conflict-record.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { readDots, writeDots } from "./dot-codec.ts";
import type { Lost } from "./transaction.ts";

export type RegionRow =
  "bootstrap" | "chunk" | "config" | "head" | "key" | "record" | "transaction" | "vector";

/**
 * 'b' offset(8): a staged chunk. 'c': the configuration's document. 'h': head. 'k' key: what is kept of a key. 'r' number(8): a settled conflict.
 * 's' number(8): a chunk of a snapshot that is staged. 't' origin(8) sequence(8): a retained transaction. 'v' origin(8): how far an origin is applied.
 */
const TAGS: Readonly<Record<RegionRow, number>> = {
  bootstrap: 0x73,
  chunk: 0x62,
  config: 0x63,
  head: 0x68,
  key: 0x6b,
  record: 0x72,
  transaction: 0x74,
  vector: 0x76,
};

const ROWS: ReadonlyMap<number, RegionRow> = new Map(
  (Object.keys(TAGS) as RegionRow[]).map((row) => [TAGS[row], row]),
);

const PREFIX_BYTES = FEDERATION_ROW_PREFIX.length + 1;

export const CONFIG_ROW: Uint8Array = rowKey("config", new Uint8Array(0));
export const HEAD_ROW: Uint8Array = rowKey("head", new Uint8Array(0));

/** @throws {AssertionError} for a key that no federation wrote. */
export function regionRowOf(key: Uint8Array): RegionRow {
  const row = ROWS.get(key[PREFIX_BYTES - 1] ?? 0);
  assert(row !== undefined, `a row of byte ${key[PREFIX_BYTES - 1] ?? "none"} in a federation`);
  return row;
}

export function keyRowKey(key: Key): Uint8Array {
  return rowKey("key", bytesOf(key));
}

export function keyOfRowKey(rowKeyBytes: Uint8Array): Key {
  return keyOf(rowKeyBytes.subarray(PREFIX_BYTES));
}

/** Numbers are this region's own, from 1. */
export function conflictRowKey(number: number): Uint8Array {
  return rowKey("record", numbers(number));
}

export function chunkRowKey(offset: number): Uint8Array {
  return rowKey("chunk", numbers(offset));
}

export function bootstrapRowKey(number: number): Uint8Array {
  return rowKey("bootstrap", numbers(number));
}

/** In key order an origin's transactions stand in the order of their sequence. */
export function transactionRowKey(origin: OriginId, at: number): Uint8Array {
  return rowKey("transaction", numbers(origin, at));
}

export function vectorRowKey(origin: OriginId): Uint8Array {
  return rowKey("vector", numbers(origin));
}

/** The `at`-th number of a row's key. */
export function numberOfRowKey(key: Uint8Array, at: number): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const value = Number(view.getBigUint64(PREFIX_BYTES + 8 * at));
  assert(Number.isSafeInteger(value), `a row is numbered ${value}`);
  return value;
}

function rowKey(row: RegionRow, rest: Uint8Array): Uint8Array {
  const key = new Uint8Array(PREFIX_BYTES + rest.length);
  key.set(FEDERATION_ROW_PREFIX);
  key[PREFIX_BYTES - 1] = TAGS[row];
  key.set(rest, PREFIX_BYTES);
  return key;
}

function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => {
    view.setBigUint64(8 * at, BigInt(value));
  });
  return bytes;
}

/** What is written once a batch, with whatever changed it. */
export interface Head {
  readonly self?: { readonly origin: OriginId; readonly incarnation: Identity };
  readonly hlc: Hlc;
  readonly anchor: { readonly wallMs: WallMs; readonly atMs: LogTimeMs };
  readonly forked: readonly OriginId[];
  /** Under which this state minted before it began another cluster: never again (trap 1). */
  readonly disowned: readonly OriginId[];
  /** Incarnations that this region's own log drew. */
  readonly drawn: readonly Identity[];
  /** Closed origins of which what is retained is of another history than the one that counts. */
  readonly aside: readonly OriginId[];
  /** At the retention bound: federated writes are refused. */
  readonly full: boolean;
  /** Of the next conflict's record. */
  readonly conflictNext: number;
  /** Of the next id. */
  readonly idNext: number;
  /** A running hash of all that was applied. */
  readonly standing: number;
}

const HEAD_VERSION = 2;

export function encodeHead(head: Head): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(HEAD_VERSION);
  writer.count(head.self?.origin ?? 0);
  if (head.self !== undefined) writer.bytes(bytesOf(head.self.incarnation as string as Key));
  writer.u64(head.hlc);
  writer.count(head.anchor.wallMs);
  writer.count(head.anchor.atMs);
  writeOrigins(writer, head.forked);
  writeOrigins(writer, head.disowned);
  writer.count(head.drawn.length);
  for (const incarnation of head.drawn) writer.bytes(bytesOf(incarnation as string as Key));
  writeOrigins(writer, head.aside);
  writer.u8(head.full ? 1 : 0);
  writer.count(head.conflictNext);
  writer.count(head.idNext);
  writer.count(head.standing);
  return writer.written().slice();
}

export function decodeHead(row: Uint8Array): Head {
  const reader = trusted(row);
  const version = reader.u8("the version");
  assert(version === HEAD_VERSION, `a federation's head of version ${version}`);
  const origin = reader.count("the origin");
  const self = origin === 0 ? undefined : { origin: originId(origin), incarnation: text(reader) };
  const head: Head = {
    ...(self && { self }),
    hlc: reader.u64("the clock") as Hlc,
    anchor: {
      wallMs: reader.count("the anchor") as WallMs,
      atMs: reader.count("the anchor's log time") as LogTimeMs,
    },
    forked: readOrigins(reader),
    disowned: readOrigins(reader),
    drawn: Array.from({ length: reader.count("drawn incarnations") }, () => text(reader)),
    aside: readOrigins(reader),
    full: reader.u8("full") === 1,
    conflictNext: reader.count("the next record"),
    idNext: reader.count("the next id"),
    standing: reader.count("the running hash"),
  };
  reader.end();
  return head;
}

function writeOrigins(writer: ByteWriter, origins: readonly OriginId[]): void {
  writer.count(origins.length);
  for (const origin of origins) writer.count(origin);
}

function readOrigins(reader: ByteReader): readonly OriginId[] {
  const count = reader.count("the count of origins");
  return Array.from({ length: count }, () => originId(reader.count("an origin")));
}

function text(reader: ByteReader): Identity {
  return keyOf(reader.bytes("an incarnation", 64)) as string as Identity;
}

/** How far an origin is applied, with the chain's hash there. */
export interface Applied {
  readonly sequence: Sequence;
  readonly hash: Uint8Array;
}

export function encodeApplied({ sequence: at, hash }: Applied): Uint8Array {
  const writer = new ByteWriter(8 + CHAIN_HASH_BYTES);
  writer.count(at);
  writer.raw(hash);
  return writer.written().slice();
}

export function decodeApplied(row: Uint8Array): Applied {
  const reader = trusted(row);
  const at = sequence(reader.count("a sequence", 1));
  const hash = reader.raw("a hash", CHAIN_HASH_BYTES);
  reader.end();
  return { sequence: at, hash };
}

/** The chain's hash behind the transaction, then the transaction. */
export function encodeRetained(hash: Uint8Array, bytes: Uint8Array): Uint8Array {
  const row = new Uint8Array(CHAIN_HASH_BYTES + bytes.length);
  row.set(hash);
  row.set(bytes, CHAIN_HASH_BYTES);
  return row;
}

export function decodeRetained(row: Uint8Array): {
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
} {
  assert(row.length > CHAIN_HASH_BYTES, `a retained transaction of ${row.length} bytes`);
  return { hash: row.subarray(0, CHAIN_HASH_BYTES), bytes: row.subarray(CHAIN_HASH_BYTES) };
}

const DECIDERS = ["put", "delete", "settle"] as const;
/** A dot, its stamp, a size, whether there is a value. */
const LOST_BYTES_MIN = 13;

export function encodeConflict(record: ConflictRecord): Uint8Array {
  const { key, dot, hlc, decidedBy, kept, lost } = record;
  const writer = new ByteWriter();
  writer.key(key);
  writeDots(writer, [dot, kept]);
  writer.u64(hlc);
  writer.u8(DECIDERS.indexOf(decidedBy));
  writer.count(lost.length);
  for (const one of lost) {
    writeDots(writer, [one.dot]);
    writer.u64(one.hlc);
    writer.count(one.valueBytes);
    writer.u8(one.value === undefined ? 0 : 1);
    if (one.value !== undefined) writer.bytes(one.value);
  }
  return writer.written().slice();
}

/** Fails as `failure` makes it of bytes that are none: a donor's copy may be anything. */
export function decodeConflict(
  row: Uint8Array,
  failure: (message: string) => Error = rowFailure,
): ConflictRecord {
  const reader = new ByteReader(row, failure);
  const key = reader.key("a key", row.length);
  const [dot, kept] = readDots(reader);
  const hlc = reader.u64("a stamp") as Hlc;
  const decidedBy = DECIDERS[reader.u8("who decided")];
  if (dot === undefined || kept === undefined || decidedBy === undefined) {
    throw reader.failure("a conflict without its head");
  }
  const count = reader.length("losers", row.length, LOST_BYTES_MIN);
  const lost = Array.from({ length: count }, () => readLost(reader, row.length));
  reader.end();
  return { key, dot, hlc, decidedBy, kept, lost };
}

function readLost(reader: ByteReader, most: number): Lost {
  const [dot] = readDots(reader);
  if (dot === undefined) throw reader.failure("a loser without a dot");
  const hlc = reader.u64("a stamp") as Hlc;
  const valueBytes = reader.count("a size");
  if (reader.u8("a value's presence") === 0) return { dot, hlc, valueBytes };
  return { dot, hlc, valueBytes, value: reader.bytes("a value", most) };
}

const rowFailure = (message: string): Error => new Error(`a row of a federation: ${message}`);

function trusted(row: Uint8Array): ByteReader {
  return new ByteReader(row, rowFailure);
}
