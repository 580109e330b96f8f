// What the codecs of all consensus messages are made of: a table of kinds, and readers of common shapes.
import type { LogIndex } from "../base/index.ts";
import type { Entry, WireId } from "../consensus/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import { indexOf, readWireId, writeEntry } from "./entry-codec.ts";

/** Reads and writes the fields of one kind; `field` is its number in Consensus.body. */
export interface BodyCodec<B> {
  readonly field: number;
  write(writer: Writer, body: B): void;
  readonly read: (reader: Reader) => B;
}

/** One codec for each kind of message. */
export type BodyCodecs<M extends { readonly kind: string }> = {
  readonly [K in M["kind"]]: BodyCodec<Extract<M, { kind: K }>>;
};

export type BodyReader<M> = (reader: Reader) => M;

/** By the tag of the body's field. */
export function bodyReaders<M extends { readonly kind: string }>(
  codecs: BodyCodecs<M>,
): ReadonlyMap<number, BodyReader<M>> {
  const all: readonly BodyCodec<M>[] = Object.values(codecs);
  return new Map(all.map((codec) => [(codec.field << 3) | 2, codec.read]));
}

/** A part that the message cannot do without. */
export function needed<T>(part: T | null | undefined, what: string): T {
  if (part === null || part === undefined) throw new RangeError(`${what} is missing`);
  return part;
}

/** Reads a message of ids and numbers: `take` handles the fields it knows. */
export function eachField(reader: Reader, take: (tag: number) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (!take(tag)) reader.pass(tag);
  }
}

export function length(reader: Reader): number {
  return reader.len - reader.pos;
}

export function readOneIndex(reader: Reader, what: string): LogIndex {
  let index = 0 as LogIndex;
  eachField(reader, (tag) => {
    if (tag !== 1 << 3) return false;
    index = indexOf(reader.uint64(), what);
    return true;
  });
  return index;
}

/** An id in field 1 and a small number in field 2. */
export function readIdAnd(
  reader: Reader,
  what: string,
): { readonly id: WireId; readonly flag: number } {
  let id: WireId | undefined;
  let flag = 0;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) id = reader.nested(readWireId);
    else if (tag === 2 << 3) flag = reader.uint32();
    else return false;
    return true;
  });
  return { id: needed<WireId>(id, what), flag };
}

/** Entries in field `field`, each a message of its own. */
export function writeEntries(writer: Writer, field: number, entries: readonly Entry[]): void {
  for (const entry of entries) {
    writer.uint32((field << 3) | 2).fork();
    writeEntry(writer, entry);
    writer.ldelim();
  }
}

/** @throws {RangeError} unless each entry has the index after the one before it. */
export function checkConsecutive(entries: readonly Entry[]): void {
  let expected = entries[0]?.index ?? 0;
  for (const { index } of entries) {
    if (index !== expected) throw new RangeError(`entry ${index} stands where ${expected} belongs`);
    expected = expected + 1;
  }
}
