// A transaction as the bytes that are shipped, logged, retained and hashed: the same bytes at every region, for ever
// (federation 3). Version, checksum, link to the chain before it, then the transaction. One form a transaction: what
// decodes is what its origin encoded.
import { assert, crc32c, unreachable } from "../base/index.ts";
import type { Hlc, LeaseId } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { LINK_BYTES } from "./chain.ts";
import { originId, sequence } from "./dot.ts";
import type { Dot } from "./dot.ts";
import { readKindOperation, writeKindOperation } from "./kind-codec.ts";
import { TRANSACTION_LIMITS, flawOf } from "./transaction-rules.ts";
import { LOST_VALUE_BYTES_MAX } from "./transaction.ts";
import type { Context, Lifetime, Lost, Operation, Stamp, Transaction } from "./transaction.ts";
import { readVector, writeVector } from "./vector-codec.ts";

/** Raised when an older release could not read it. */
export const TRANSACTION_VERSION = 1;

/** Version u8, CRC-32C of all that follows u32, link, origin, sequence, stamp, epoch, deps, operations. */
const CHECKSUM_AT = 1;
const BODY_AT = 5;
const ORIGIN_MAX = 2 ** 32 - 1;
/** Action, length of the key and one byte of it, flags. */
const OPERATION_BYTES_MIN = 4;
const DOT_BYTES_MIN = 2;
/** Dot, stamp, length. */
const LOST_BYTES_MIN = 11;

const ACTIONS = { put: 1, delete: 2, settle: 3, kind: 4, expire: 5 } as const;
/** Of a put's or a delete's flags. */
const HAS_DOTS = 1;
const HAS_BIRTH = 2;
const HAS_LOST = 4;
const HAS_LIFETIME = 8;

/** What stood where a transaction was expected. */
export class TransactionError extends Error {
  override readonly name = "TransactionError";
}

/** A transaction as it travels. `bytes` are what the chain hashes; keys and values are views into them. */
export interface Shipped {
  readonly transaction: Transaction;
  /** Of the hash of its origin's chain before it (chain.ts). */
  readonly link: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * @param link - of the origin's chain before this transaction.
 * @throws {AssertionError} for what `flawOf` finds, or beyond TRANSACTION_LIMITS.bytesMax: who mints refuses before.
 */
export function encodeTransaction(transaction: Transaction, link: Uint8Array): Uint8Array {
  const flaw = flawOf(transaction);
  assert(flaw === undefined, `a transaction that nobody would take: ${flaw}`);
  assert(link.length === LINK_BYTES, `a link of ${link.length} bytes`);
  const writer = new ByteWriter();
  writer.u8(TRANSACTION_VERSION);
  writer.u32(0);
  writer.raw(link);
  writer.count(transaction.origin);
  writer.count(transaction.sequence);
  writer.u64(transaction.hlc);
  writer.count(transaction.epoch);
  writeVector(writer, transaction.deps);
  writer.count(transaction.operations.length);
  for (const operation of transaction.operations) writeOperation(writer, operation);
  const bytes = writer.written().slice();
  assert(bytes.length <= TRANSACTION_LIMITS.bytesMax, `a transaction of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer);
  view.setUint32(CHECKSUM_AT, crc32c(bytes, 0, BODY_AT), true);
  return bytes;
}

/** @throws {TransactionError} naming what is wrong, whatever the bytes. */
export function decodeTransaction(bytes: Uint8Array): Shipped {
  const reader = new ByteReader(bytes, (message) => new TransactionError(message));
  if (bytes.length > TRANSACTION_LIMITS.bytesMax) {
    throw reader.failure(`${bytes.length} bytes, expected ${TRANSACTION_LIMITS.bytesMax} at most`);
  }
  const version = reader.u8("the version");
  if (version !== TRANSACTION_VERSION) {
    throw reader.failure(`version ${version}, expected ${TRANSACTION_VERSION}`);
  }
  if (reader.u32("the checksum") !== crc32c(bytes, 0, BODY_AT)) {
    throw reader.failure("the checksum does not match");
  }
  const link = reader.raw("the link", LINK_BYTES);
  const transaction: Transaction = {
    origin: originId(reader.count("the origin", 1, ORIGIN_MAX)),
    sequence: sequence(reader.count("the sequence", 1)),
    hlc: reader.u64("the stamp") as Hlc,
    epoch: reader.count("the epoch", 1),
    deps: readVector(reader, "deps"),
    operations: readOperations(reader),
  };
  reader.end();
  const flaw = flawOf(transaction);
  if (flaw !== undefined) throw reader.failure(flaw);
  return { transaction, link, bytes };
}

function writeOperation(writer: ByteWriter, operation: Operation): void {
  writer.u8(ACTIONS[operation.action]);
  writer.key(operation.key);
  switch (operation.action) {
    case "put":
      writeWrite(writer, operation);
      writer.bytes(operation.value);
      return;
    case "delete":
      writeWrite(writer, operation);
      return;
    case "settle":
      writeDot(writer, operation.kept);
      writeLost(writer, operation.lost);
      return;
    case "expire":
      writeDots(writer, operation.dots);
      return;
    case "kind":
      writeKindOperation(writer, operation.operation);
      return;
    default:
      unreachable(operation);
  }
}

function readOperations(reader: ByteReader): readonly Operation[] {
  const { operationsMax } = TRANSACTION_LIMITS;
  const count = reader.length("the count of operations", operationsMax, OPERATION_BYTES_MIN);
  const operations: Operation[] = [];
  for (let at = 0; at < count; at += 1) operations.push(readOperation(reader));
  return operations;
}

function readOperation(reader: ByteReader): Operation {
  const action = reader.u8("an action");
  const key = reader.key("a key", TRANSACTION_LIMITS.bytesMax);
  switch (action) {
    case ACTIONS.put: {
      const write = readWrite(reader, HAS_DOTS | HAS_LOST | HAS_BIRTH | HAS_LIFETIME);
      const value = reader.bytes("a value", TRANSACTION_LIMITS.bytesMax);
      return { action: "put", key, value, ...write };
    }
    case ACTIONS.delete: {
      const { context, lost } = readWrite(reader, HAS_DOTS | HAS_LOST);
      return { action: "delete", key, context, ...(lost && { lost }) };
    }
    case ACTIONS.settle: {
      const kept = readDot(reader);
      return { action: "settle", key, kept, lost: readLost(reader) };
    }
    case ACTIONS.expire:
      return { action: "expire", key, dots: readDots(reader) };
    case ACTIONS.kind:
      return { action: "kind", key, operation: readKindOperation(reader) };
    default:
      throw reader.failure(`action ${action} is none`);
  }
}

/** What a put and a delete have in common: flags say what of it follows. */
interface Write {
  readonly context: Context;
  readonly birth?: Stamp;
  readonly lost?: readonly Lost[];
  readonly lifetime?: Lifetime;
}

function writeWrite(writer: ByteWriter, { context, birth, lost, lifetime }: Write): void {
  const dots = context === "all-seen" ? 0 : HAS_DOTS;
  const more = (birth === undefined ? 0 : HAS_BIRTH) | (lost === undefined ? 0 : HAS_LOST);
  writer.u8(dots | more | (lifetime === undefined ? 0 : HAS_LIFETIME));
  if (context !== "all-seen") writeDots(writer, context);
  if (birth !== undefined) {
    writer.u64(birth.hlc);
    writeDot(writer, birth.dot);
  }
  if (lost !== undefined) writeLost(writer, lost);
  if (lifetime !== undefined) {
    writer.i64(lifetime.lease);
    writer.count(lifetime.ttlMs);
  }
}

function readWrite(reader: ByteReader, known: number): Write {
  const flags = reader.u8("flags");
  if ((flags & ~known) !== 0) throw reader.failure(`flags ${flags}, expected ${known} at most`);
  const context = (flags & HAS_DOTS) === 0 ? "all-seen" : readDots(reader);
  const birth = (flags & HAS_BIRTH) === 0 ? undefined : readStamp(reader);
  const lost = (flags & HAS_LOST) === 0 ? undefined : readLost(reader);
  const lifetime = (flags & HAS_LIFETIME) === 0 ? undefined : readLifetime(reader);
  return {
    context,
    ...(birth && { birth }),
    ...(lost && { lost }),
    ...(lifetime && { lifetime }),
  };
}

function readLifetime(reader: ByteReader): Lifetime {
  const lease = reader.i64("a lease") as LeaseId;
  return { lease, ttlMs: reader.count("a time to live", 1) };
}

function readStamp(reader: ByteReader): Stamp {
  const hlc = reader.u64("a birth's stamp") as Hlc;
  return { hlc, dot: readDot(reader) };
}

/** A tombstone has no value: 0; a value has its whole length and one more, then the bytes that are shown of it. */
function writeLost(writer: ByteWriter, lost: readonly Lost[]): void {
  writer.count(lost.length);
  for (const { dot, hlc, value, valueBytes } of lost) {
    writeDot(writer, dot);
    writer.u64(hlc);
    writer.count(value === undefined ? 0 : valueBytes + 1);
    if (value !== undefined) writer.raw(value);
  }
}

function readLost(reader: ByteReader): readonly Lost[] {
  const count = reader.length("the count of losers", TRANSACTION_LIMITS.dotsMax, LOST_BYTES_MIN);
  return Array.from({ length: count }, (): Lost => {
    const dot = readDot(reader);
    const hlc = reader.u64("a loser's stamp") as Hlc;
    const length = reader.count("a loser's length", 0, TRANSACTION_LIMITS.bytesMax);
    if (length === 0) return { dot, hlc, valueBytes: 0 };
    const valueBytes = length - 1;
    const value = reader.raw("a loser's value", Math.min(valueBytes, LOST_VALUE_BYTES_MAX));
    return { dot, hlc, value, valueBytes };
  });
}

function writeDots(writer: ByteWriter, dots: readonly Dot[]): void {
  writer.count(dots.length);
  for (const dot of dots) writeDot(writer, dot);
}

function readDots(reader: ByteReader): readonly Dot[] {
  const count = reader.length("the count of dots", TRANSACTION_LIMITS.dotsMax, DOT_BYTES_MIN);
  return Array.from({ length: count }, () => readDot(reader));
}

function writeDot(writer: ByteWriter, dot: Dot): void {
  writer.count(dot.origin);
  writer.count(dot.sequence);
}

function readDot(reader: ByteReader): Dot {
  const origin = originId(reader.count("a dot's origin", 1, ORIGIN_MAX));
  return { origin, sequence: sequence(reader.count("a dot's sequence", 1)) };
}
