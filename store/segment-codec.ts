// Bytes of the small structures that a log keeps: epochs, configurations, snapshot marks, positions.
// Little-endian; integers up to 2^53 - 1 in eight bytes. A reader past the end, or a number that is none,
// makes the whole structure unreadable: the caller then treats the bytes as damaged.
import { assert, logIndex, nodeId } from "../base/index.ts";
import type { MemberId, NodeId } from "../base/index.ts";
import type { Epoch, MemberRow, Membership, Roster, SnapshotMeta } from "../consensus/index.ts";

const U32 = 2 ** 32;
/** Of one row of a member table: ordinal, id, incarnation, flag, and four empty lengths. */
const MEMBER_BYTES_MIN = 40;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  count(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is not a safe integer >= 0`);
    const at = this.#grow(8);
    setCount(this.#view, at, value);
  }

  real(value: number): void {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value, true);
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
    this.#roster(config.roster);
  }

  meta(meta: SnapshotMeta): void {
    this.count(meta.index);
    this.epoch(meta.epoch);
    this.membership(meta.config);
  }

  /** Absent: no ordinal was ever allotted. */
  #roster(roster: Roster | undefined): void {
    this.count(roster?.nodeLast ?? 0);
    if (roster === undefined) return;
    this.u32(roster.members.length);
    for (const member of roster.members) {
      this.count(member.node);
      this.#id(member.id);
      this.#id(member.incarnation);
      this.u32(member.votesNext ? 1 : 0);
      this.#text(member.name);
      this.#texts(member.peerUrls);
      this.#texts(member.clientUrls);
    }
  }

  #id(id: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, id, true);
  }

  #texts(texts: readonly string[]): void {
    this.u32(texts.length);
    for (const text of texts) this.#text(text);
  }

  #text(text: string): void {
    const bytes = encoder.encode(text);
    this.u32(bytes.length);
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Absent and empty are two things: a count of 0 is absent. */
  #nodes(nodes: readonly NodeId[] | undefined): void {
    this.u32(nodes === undefined ? 0 : nodes.length + 1);
    for (const node of nodes ?? []) this.count(node);
  }

  /** Where the next `bytes` go. It may replace the view, so it is asked before the view is. */
  #grow(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
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
    const roster = this.#roster();
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
      ...(roster === undefined ? {} : { roster }),
    };
  }

  #roster(): Roster | undefined {
    const nodeLast = this.node();
    if (nodeLast === 0) return undefined;
    return { nodeLast, members: this.#list(MEMBER_BYTES_MIN, () => this.#member()) };
  }

  #member(): MemberRow {
    return {
      node: nodeId(this.count()),
      id: this.#id() as MemberId,
      incarnation: this.#id(),
      votesNext: this.u32() === 1,
      name: this.#text(),
      peerUrls: this.#list(4, () => this.#text()),
      clientUrls: this.#list(4, () => this.#text()),
    };
  }

  #id(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  #text(): string {
    const length = this.u32();
    const at = this.#take(length);
    const { buffer, byteOffset } = this.#view;
    return decoder.decode(new Uint8Array(buffer, byteOffset + at, length));
  }

  /** `bytesMin`: of one element; a damaged length must not make a huge list. */
  #list<T>(bytesMin: number, read: () => T): readonly T[] {
    const length = this.u32();
    if (length * bytesMin > this.#view.byteLength - this.#at) {
      throw new StructureError("a list is cut");
    }
    return Array.from({ length }, read);
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
