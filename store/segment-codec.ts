// Bytes of the small structures that a log keeps: epochs, configurations, snapshot marks, positions.
// Little-endian; integers up to 2^53 - 1 in eight bytes. A reader past the end, or a number that is none,
// makes the whole structure unreadable: the caller then treats the bytes as damaged.
import { assert, logIndex, nodeId } from "../base/index.ts";
import type { NodeId } from "../base/index.ts";
import type { Epoch, Membership, SnapshotMeta } from "../consensus/index.ts";

const U32 = 2 ** 32;

/** Where in the log: a byte of a segment. `sequence` counts segments from 1. */
export interface LogPosition {
  readonly sequence: number;
  readonly offsetBytes: number;
}

/** Negative, zero or positive as `left` is before, at or after `right`. */
export function comparePositions(left: LogPosition, right: LogPosition): number {
  return left.sequence - right.sequence || left.offsetBytes - right.offsetBytes;
}

/** A safe integer >= 0 in eight bytes at `at`. */
export function setCount(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / U32), true);
}

/** What setCount wrote; not a safe integer if other bytes stand there. */
export function countAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * U32 + view.getUint32(at, true);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Appends; grows by doubling. */
export class StructureWriter {
  #bytes = new Uint8Array(256);
  #view = viewOf(this.#bytes);
  #length = 0;

  u32(value: number): void {
    this.#view.setUint32(this.#grow(4), value, true);
  }

  count(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is not a safe integer >= 0`);
    setCount(this.#view, this.#grow(8), value);
  }

  real(value: number): void {
    this.#view.setFloat64(this.#grow(8), value, true);
  }

  epoch(epoch: Epoch): void {
    this.count(epoch.config);
    this.count(epoch.round);
    this.count(epoch.node);
  }

  position(position: LogPosition): void {
    this.count(position.sequence);
    this.count(position.offsetBytes);
  }

  membership(config: Membership): void {
    this.count(config.index);
    this.real(config.leaseMs);
    this.#nodes(config.incoming);
    this.#nodes(config.outgoing);
    this.#nodes(config.learners);
    this.#nodes(config.learnersNext);
  }

  meta(meta: SnapshotMeta): void {
    this.count(meta.index);
    this.epoch(meta.epoch);
    this.membership(meta.config);
  }

  /** Absent and empty are two things: a count of 0 is absent. */
  #nodes(nodes: readonly NodeId[] | undefined): void {
    this.u32(nodes === undefined ? 0 : nodes.length + 1);
    for (const node of nodes ?? []) this.count(node);
  }

  #grow(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = viewOf(grown);
    }
    return at;
  }

  /** A copy of what was appended. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Thrown by a StructureReader; parsers of this folder turn it into "damaged". */
class StructureError extends Error {
  override readonly name = "StructureError";
}

/** Reads what a StructureWriter appended. @throws {StructureError} where the bytes are not that. */
export class StructureReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = viewOf(bytes);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  count(): number {
    const value = countAt(this.#view, this.#take(8));
    if (!Number.isSafeInteger(value)) throw new StructureError("a count is not a safe integer");
    return value;
  }

  real(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  epoch(): Epoch {
    return { config: this.count(), round: this.count(), node: this.node() };
  }

  node(): NodeId | 0 {
    const value = this.count();
    return value === 0 ? 0 : nodeId(value);
  }

  position(): LogPosition {
    return { sequence: this.count(), offsetBytes: this.count() };
  }

  membership(): Membership {
    const index = logIndex(this.count());
    const leaseMs = this.real();
    const incoming = this.#nodes();
    const outgoing = this.#nodes();
    const learners = this.#nodes();
    const learnersNext = this.#nodes();
    if (incoming === undefined || learners === undefined) {
      throw new StructureError("a configuration lacks its voters or learners");
    }
    return {
      index,
      incoming,
      ...(outgoing === undefined ? {} : { outgoing }),
      learners,
      ...(learnersNext === undefined ? {} : { learnersNext }),
      leaseMs,
    };
  }

  meta(): SnapshotMeta {
    return { index: logIndex(this.count()), epoch: this.epoch(), config: this.membership() };
  }

  /** @throws {StructureError} unless every byte was read. */
  end(): void {
    if (this.#at !== this.#view.byteLength) throw new StructureError("bytes are left over");
  }

  #nodes(): readonly NodeId[] | undefined {
    const length = this.u32() - 1;
    if (length < 0) return undefined;
    if (length * 8 > this.#view.byteLength - this.#at) throw new StructureError("a list is cut");
    return Array.from({ length }, () => {
      const node = this.node();
      if (node === 0) throw new StructureError("0 is no node");
      return node;
    });
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#view.byteLength) throw new StructureError("the structure is cut");
    return at;
  }
}

/** The structure, or undefined if the bytes are not one. */
export function parseStructure<T>(
  bytes: Uint8Array,
  read: (reader: StructureReader) => T,
): T | undefined {
  const reader = new StructureReader(bytes);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof StructureError) return undefined;
    throw error;
  }
}
