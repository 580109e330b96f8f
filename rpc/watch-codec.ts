// etcdserverpb.Watch's messages: requests from their bytes, responses to them. Events that several watches are
// told alike are made into bytes once.
import { KvError } from "../base/index.ts";
import type { Key, Revision } from "../base/index.ts";
import { Writer, clampedNumberOf } from "../proto/index.ts";
import type { Int64, Reader } from "../proto/index.ts";
import type { WatchEvent, WatchRequest } from "../store/index.ts";
import type { Header, ReadProof } from "./backend.ts";
import { writeHeader, writeProof } from "./header.ts";

/** What a client may say on a stream of watches; undefined: nothing that is known. */
export type WatchCall =
  | { readonly kind: "create"; readonly create: WatchCreate }
  | { readonly kind: "cancel"; readonly id: Int64 }
  | { readonly kind: "progress" };

export interface WatchCreate {
  readonly request: WatchRequest;
  /** 0: the server picks one. */
  readonly id: Int64;
  /** As the client gave it, below 0 too. */
  readonly startRevision: number;
  readonly progressNotify: boolean;
  readonly fragment: boolean;
  readonly withProof: boolean;
  /** 0: the server's. */
  readonly progressIntervalMs: number;
}

const NO_KEY = "" as Key;
/** etcd's: an empty key stands for the first there can be. */
const FIRST_KEY = "\0" as Key;
const NO_PUT = 0;
const NO_DELETE = 1;

export function readWatchCall(reader: Reader): WatchCall | undefined {
  let call: WatchCall | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        call = { kind: "create", create: reader.nested(readCreate) };
        break;
      case (2 << 3) | 2:
        call = { kind: "cancel", id: reader.nested(readCancel) };
        break;
      case (3 << 3) | 2:
        reader.bytes();
        call = { kind: "progress" };
        break;
      default:
        reader.pass(tag);
    }
  }
  return call;
}

function readCancel(reader: Reader): Int64 {
  let id: Int64 = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) id = reader.int64();
    else reader.pass(tag);
  }
  return id;
}

function readCreate(reader: Reader): WatchCreate {
  let key = NO_KEY;
  let end = NO_KEY;
  let startRevision = 0;
  let progressNotify = false;
  let prevKv = false;
  let id: Int64 = 0;
  let fragment = false;
  let withProof = false;
  let progressIntervalMs = 0;
  const filters = new Set<number>();
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        key = reader.latin1() as Key;
        break;
      case (2 << 3) | 2:
        end = reader.latin1() as Key;
        break;
      case 3 << 3:
        startRevision = clampedNumberOf(reader.int64());
        break;
      case 4 << 3:
        progressNotify = reader.bool();
        break;
      case 5 << 3:
        filters.add(reader.int32());
        break;
      case (5 << 3) | 2:
        for (const filter of reader.nested(readFilters)) filters.add(filter);
        break;
      case 6 << 3:
        prevKv = reader.bool();
        break;
      case 7 << 3:
        id = reader.int64();
        break;
      case 8 << 3:
        fragment = reader.bool();
        break;
      case 1001 << 3:
        withProof = reader.bool();
        break;
      case 1002 << 3:
        progressIntervalMs = clampedNumberOf(reader.int64());
        break;
      default:
        reader.pass(tag);
    }
  }
  if (progressIntervalMs < 0) {
    throw new KvError("invalid-argument", "not-applied", "hansa: progress_interval_ms is negative");
  }
  const request = {
    key: key === NO_KEY ? FIRST_KEY : key,
    ...(end === NO_KEY ? undefined : { end }),
    startRevision: Math.max(0, startRevision) as Revision,
    prevKv,
    puts: !filters.has(NO_PUT),
    deletes: !filters.has(NO_DELETE),
  };
  return { request, id, startRevision, progressNotify, fragment, withProof, progressIntervalMs };
}

/** Packed, as proto3 writes them. */
function readFilters(reader: Reader): number[] {
  const filters: number[] = [];
  while (reader.pos < reader.len) filters.push(reader.int32());
  return filters;
}

export interface WatchAnswer {
  readonly header: Header;
  /** Everything up to it was told. */
  readonly revision: Revision;
  readonly id: Int64;
  readonly created?: true;
  readonly canceled?: true;
  readonly compactRevision?: Revision;
  readonly cancelReason?: string;
  readonly proof?: ReadProof;
}

/** A response; `events` as `eventBytes` made them. `isFragment`: more of the same revisions follow. */
export function watchAnswerBytes(
  answer: WatchAnswer,
  events: readonly Uint8Array[] = [],
  isFragment = false,
): Uint8Array {
  const { header, revision, id, compactRevision, cancelReason, proof } = answer;
  const writer = new Writer().reserve(sizeOf(events));
  writeHeader(writer, header, revision);
  if (id !== 0) writer.uint32(2 << 3).int64(id);
  if (answer.created === true) writer.uint32(3 << 3).bool(true);
  if (answer.canceled === true) writer.uint32(4 << 3).bool(true);
  if (compactRevision !== undefined) writer.uint32(5 << 3).int64(compactRevision);
  if (cancelReason !== undefined) writer.uint32((6 << 3) | 2).string(cancelReason);
  if (isFragment) writer.uint32(7 << 3).bool(true);
  for (const event of events) writer.raw(event);
  if (proof !== undefined) writeProof(writer, proof);
  return writer.finish(true);
}

/** Of a response beyond its events. */
const OVERHEAD_BYTES = 256;

function sizeOf(events: readonly Uint8Array[]): number {
  let bytes = OVERHEAD_BYTES;
  for (const { length } of events) bytes += length;
  return bytes;
}

/** By the array that watches share. */
const encodedEvents = new WeakMap<readonly WatchEvent[], Uint8Array>();

/** All of `events`, as field 11 of the response. */
export function eventBytes(events: readonly WatchEvent[]): Uint8Array {
  const known = encodedEvents.get(events);
  if (known !== undefined) return known;
  const writer = new Writer();
  for (const event of events) writeEvent(writer, event);
  const bytes = writer.finish(true);
  encodedEvents.set(events, bytes);
  return bytes;
}

/** The same in parts of about `bytesMax`, at least one event each. */
export function eventParts(events: readonly WatchEvent[], bytesMax: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let writer = new Writer();
  let bytes = 0;
  for (const event of events) {
    const added = event.kv.length + (event.prevKv?.length ?? 0) + EVENT_OVERHEAD_BYTES;
    if (bytes > 0 && bytes + added > bytesMax) {
      parts.push(writer.finish());
      writer = new Writer();
      bytes = 0;
    }
    writeEvent(writer, event);
    bytes += added;
  }
  parts.push(writer.finish());
  return parts;
}

/** Tags and lengths. */
const EVENT_OVERHEAD_BYTES = 24;

function writeEvent(writer: Writer, { kind, kv, prevKv }: WatchEvent): void {
  writer.uint32((11 << 3) | 2).fork();
  if (kind === "delete") writer.uint32(1 << 3).uint32(1);
  writer.uint32((2 << 3) | 2).bytes(kv);
  if (prevKv !== undefined) writer.uint32((3 << 3) | 2).bytes(prevKv);
  writer.ldelim();
}
