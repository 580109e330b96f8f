// What a snapshot of a region's federated state is made of, as bytes: a head, what is kept of every key, and settled
// conflicts (federation 10, 11). Parts stand behind their lengths; where the stream is cut into chunks makes no
// difference. It comes from another region, so each part is read within bounds or refused by name.
import type { Hlc, Key } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CHAIN_HASH_BYTES } from "./chain.ts";
import type { Epoch, Identity } from "./config.ts";
import type { ConflictRecord } from "./conflict-record.ts";
import { decodeConflict } from "./region-rows.ts";
import type { Applied } from "./region-rows.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { decodeContent, encodeContent } from "./record-codec.ts";
import type { RecordContent } from "./record-step.ts";
import { VECTOR_ORIGINS_MAX } from "./vector-codec.ts";
import type { Vector } from "./vector.ts";

/** How far each origin is applied, with its chain's hash there. */
export type Positions = ReadonlyMap<OriginId, Applied>;

export interface BootstrapHead {
  readonly federationId: Identity;
  /** Of the configuration that the donor had applied. */
  readonly epoch: Epoch;
  /** Whose state it is, and the running hash of all that it had applied. */
  readonly donor: OriginId;
  readonly standing: number;
  readonly hlc: Hlc;
  readonly positions: Positions;
}

/** Values of siblings are in the records. */
export type BootstrapPart =
  | { readonly part: "head"; readonly head: BootstrapHead }
  | { readonly part: "records"; readonly records: readonly (readonly [Key, RecordContent])[] }
  | { readonly part: "conflicts"; readonly conflicts: readonly ConflictRecord[] };

/** What stood where a part of a snapshot was expected. */
export class BootstrapError extends Error {
  override readonly name = "BootstrapError";
}

export const BOOTSTRAP_LIMITS = {
  /** Of the whole: it is in memory while it takes the place of what was there. */
  bytesMax: 1024 * 1024 * 1024,
  /** Of one part: a key of many siblings, each as large as a transaction may make it. */
  partBytesMax: 256 * 1024 * 1024,
  /** Of one chunk; with its entry it stays below the smallest bound of a request. */
  chunkBytesMax: 512 * 1024,
  /** Transactions beyond the snapshot that are applied again in the entry that installs it. */
  replayBytesMax: 64 * 1024 * 1024,
} as const;

const VERSION = 1;
const CODES = { head: 1, records: 2, conflicts: 3 } as const;
const FRAME_BYTES = 4;
const ORIGIN_MAX = 2 ** 32 - 1;
const POSITION_BYTES_MIN = 2 + CHAIN_HASH_BYTES;
const IDENTITY = /^[0-9a-f]{32}$/;

export function headPart(head: BootstrapHead): Uint8Array {
  return framed(CODES.head, (writer) => {
    writer.u8(VERSION);
    writer.key(head.federationId as string as Key);
    writer.count(head.epoch);
    writer.count(head.donor);
    writer.count(head.standing);
    writer.u64(head.hlc);
    const positions = [...head.positions].sort(([left], [right]) => left - right);
    writer.count(positions.length);
    for (const [origin, position] of positions) {
      writer.count(origin);
      writer.count(position.sequence);
      writer.raw(position.hash);
    }
  });
}

/** Every sibling with its value. */
export function recordsPart(records: readonly (readonly [Key, RecordContent])[]): Uint8Array {
  return framed(CODES.records, (writer) => {
    writer.count(records.length);
    for (const [key, record] of records) {
      writer.key(key);
      writer.bytes(encodeContent(record));
    }
  });
}

/** `rows` as the conflicts' rows have them. */
export function conflictsPart(rows: readonly Uint8Array[]): Uint8Array {
  return framed(CODES.conflicts, (writer) => {
    writer.count(rows.length);
    for (const row of rows) writer.bytes(row);
  });
}

export function vectorOf(positions: Positions): Vector {
  return new Map<OriginId, Sequence>(
    [...positions].map(([origin, { sequence: at }]) => [origin, at] as const),
  );
}

function framed(code: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64 * 1024);
  writer.u32(0);
  writer.u8(code);
  write(writer);
  const bytes = writer.written().slice();
  new DataView(bytes.buffer).setUint32(0, bytes.length - FRAME_BYTES, true);
  return bytes;
}

/** Puts chunks together into parts again. */
export class PartsReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** The parts that are whole with this chunk. @throws {BootstrapError} naming what is wrong, whatever the bytes. */
  push(chunk: Uint8Array): readonly BootstrapPart[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const parts: BootstrapPart[] = [];
    for (;;) {
      const length = this.#lengthNext();
      if (length === undefined || this.#bytes < FRAME_BYTES + length) return parts;
      const all = this.#whole();
      parts.push(readPart(all.subarray(FRAME_BYTES, FRAME_BYTES + length)));
      const rest = all.subarray(FRAME_BYTES + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#bytes = rest.length;
    }
  }

  /** @throws {BootstrapError} if a part is cut off. */
  end(): void {
    if (this.#bytes > 0) throw new BootstrapError(`${this.#bytes} bytes of a part that is cut off`);
  }

  #lengthNext(): number | undefined {
    if (this.#bytes < FRAME_BYTES) return undefined;
    const [first] = this.#chunks;
    const all = first !== undefined && first.length >= FRAME_BYTES ? first : this.#whole();
    const length = new DataView(all.buffer, all.byteOffset).getUint32(0, true);
    if (length <= BOOTSTRAP_LIMITS.partBytesMax) return length;
    const most = BOOTSTRAP_LIMITS.partBytesMax;
    throw new BootstrapError(`a part of ${length} bytes, expected at most ${most}`);
  }

  #whole(): Uint8Array {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && only !== undefined) return only;
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [all];
    return all;
  }
}

const failure = (message: string): Error => new BootstrapError(message);

function readPart(bytes: Uint8Array): BootstrapPart {
  const reader = new ByteReader(bytes, failure);
  const code = reader.u8("a part");
  const part = partOf(code, reader);
  reader.end();
  return part;
}

function partOf(code: number, reader: ByteReader): BootstrapPart {
  switch (code) {
    case CODES.head:
      return { part: "head", head: readHead(reader) };
    case CODES.records: {
      const count = reader.length("the count of records", Number.MAX_SAFE_INTEGER, 3);
      const records = Array.from({ length: count }, (): readonly [Key, RecordContent] => {
        const key = reader.key("a record's key", BOOTSTRAP_LIMITS.partBytesMax);
        const row = reader.bytes("a record", BOOTSTRAP_LIMITS.partBytesMax);
        // A copy: what is kept of it would hold the whole chunk.
        return [key, decodeContent(row.slice(), failure)];
      });
      return { part: "records", records };
    }
    case CODES.conflicts: {
      const count = reader.length("the count of conflicts", Number.MAX_SAFE_INTEGER, 3);
      const conflicts = Array.from({ length: count }, () =>
        decodeConflict(reader.bytes("a conflict", BOOTSTRAP_LIMITS.partBytesMax), failure),
      );
      return { part: "conflicts", conflicts };
    }
    default:
      throw reader.failure(`part ${code} is none`);
  }
}

function readHead(reader: ByteReader): BootstrapHead {
  const version = reader.u8("the version");
  if (version !== VERSION) throw reader.failure(`version ${version}, expected ${VERSION}`);
  const federationId = reader.key("the federation", 64) as string;
  if (!IDENTITY.test(federationId)) throw reader.failure("the federation is no identity");
  const epoch = reader.count("the epoch", 1);
  const donor = readOrigin(reader);
  const standing = reader.count("the running hash");
  const hlc = reader.u64("the clock") as Hlc;
  const count = reader.length("the count of origins", VECTOR_ORIGINS_MAX, POSITION_BYTES_MIN);
  const positions = new Map<OriginId, Applied>();
  for (let read = 0; read < count; read += 1) {
    const origin = readOrigin(reader);
    const at = sequence(reader.count("a sequence", 1));
    positions.set(origin, { sequence: at, hash: reader.raw("a hash", CHAIN_HASH_BYTES).slice() });
  }
  if (positions.size !== count) throw reader.failure("an origin stands there twice");
  return { federationId: federationId as Identity, epoch, donor, standing, hlc, positions };
}

function readOrigin(reader: ByteReader): OriginId {
  return originId(reader.count("an origin", 1, ORIGIN_MAX));
}
