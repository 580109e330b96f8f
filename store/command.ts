// The frame of a command in the log: a fixed binary header, then the request's bytes as they came from the
// wire. The header is what the proposing leader adds: the kind, the log time, and who waits for the answer.
import { assert, present } from "../base/index.ts";
import type { BootNonce, LogTimeMs, NodeId } from "../base/index.ts";
import type { RequestKind } from "./request.ts";

/** Who submitted the command: that node, in that boot, finds its waiting client by `counter` (R16). */
export interface CommandOrigin {
  readonly node: NodeId;
  readonly boot: BootNonce;
  readonly counter: number;
}

export interface Command {
  readonly kind: RequestKind;
  /** The proposer's log time; apply takes the larger of it and the log time before (R9). */
  readonly logTimeMs: LogTimeMs;
  readonly origin: CommandOrigin;
  /** The request as it came from the wire. A view into the frame when decoded. */
  readonly body: Uint8Array;
}

const FORMAT = 1;
const LOG_TIME_AT = 2;
const NODE_AT = 10;
const BOOT_AT = 18;
const COUNTER_AT = 26;
/** Bytes that the frame adds to a request. */
export const COMMAND_HEADER_BYTES = 34;

/** Codes on disk: never reused, only added to. */
const KIND_CODES: Readonly<Record<RequestKind, number>> = {
  put: 1,
  "delete-range": 2,
  txn: 3,
  compaction: 4,
  "session-open": 5,
  "session-close": 6,
};

const KINDS: ReadonlyMap<number, RequestKind> = new Map(
  (Object.keys(KIND_CODES) as RequestKind[]).map((kind) => [KIND_CODES[kind], kind]),
);

/**
 * @throws {AssertionError} if log time, node or counter is not a safe integer >= 0, or the boot nonce
 * has more than 64 bits.
 */
export function encodeCommand(command: Command): Uint8Array {
  const { kind, logTimeMs, origin, body } = command;
  assert(origin.boot >= 0n && origin.boot < 1n << 64n, `boot nonce ${origin.boot} is not 64 bits`);
  const frame = new Uint8Array(COMMAND_HEADER_BYTES + body.length);
  const view = new DataView(frame.buffer);
  frame[0] = FORMAT;
  frame[1] = KIND_CODES[kind];
  writeCount(view, LOG_TIME_AT, logTimeMs);
  writeCount(view, NODE_AT, origin.node);
  view.setBigUint64(BOOT_AT, origin.boot);
  writeCount(view, COUNTER_AT, origin.counter);
  frame.set(body, COMMAND_HEADER_BYTES);
  return frame;
}

/** @throws {AssertionError} if the frame is not one that `encodeCommand` made: the log's checksums passed it. */
export function decodeCommand(frame: Uint8Array): Command {
  const view = viewOf(frame);
  const code = view.getUint8(1);
  return {
    kind: present(KINDS.get(code), `the kind of command code ${code}`),
    logTimeMs: readCount(view, LOG_TIME_AT) as LogTimeMs,
    origin: originIn(view),
    body: frame.subarray(COMMAND_HEADER_BYTES),
  };
}

/** The origin alone, for whoever only asks whether the command is its own. */
export function commandOrigin(frame: Uint8Array): CommandOrigin {
  return originIn(viewOf(frame));
}

function originIn(view: DataView): CommandOrigin {
  return {
    node: readCount(view, NODE_AT) as NodeId,
    boot: view.getBigUint64(BOOT_AT) as BootNonce,
    counter: readCount(view, COUNTER_AT),
  };
}

function viewOf(frame: Uint8Array): DataView {
  assert(frame.length >= COMMAND_HEADER_BYTES, `a command of ${frame.length} bytes has no header`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  assert(view.getUint8(0) === FORMAT, `command format ${view.getUint8(0)} is unknown`);
  return view;
}

function writeCount(view: DataView, at: number, count: number): void {
  assert(Number.isSafeInteger(count) && count >= 0, `${count} is not a safe integer >= 0`);
  view.setUint32(at, Math.floor(count / 2 ** 32));
  view.setUint32(at + 4, count >>> 0);
}

function readCount(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
