// The frame of a command in the log: a fixed binary header, then the request's bytes as they came from the
// wire. The header is what the proposing leader adds: the kind, the log time, and who waits for the answer.
import { assert, present } from "../base/index.ts";
import type { BootNonce, LogTimeMs, NodeId } from "../base/index.ts";
import type { RequestKind } from "./request.ts";
import { putUint64, readUint64 } from "./rows.ts";

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

/** Codes in the log: never reused, only added to. */
const KIND_CODES: Readonly<Record<RequestKind, number>> = {
  put: 1,
  "delete-range": 2,
  txn: 3,
  compaction: 4,
  "session-open": 5,
  "session-close": 6,
  "lease-grant": 7,
  "lease-revoke": 8,
  "lease-renew": 9,
  "lease-expire": 10,
  alarm: 40,
  "alarm-finding": 41,
};

const KINDS: readonly (RequestKind | undefined)[] = (
  Object.entries(KIND_CODES) as [RequestKind, number][]
).reduce<(RequestKind | undefined)[]>((kinds, [kind, code]) => {
  kinds[code] = kind;
  return kinds;
}, []);

/**
 * @throws {AssertionError} if log time, node or counter is not a safe integer >= 0, or the boot nonce
 * has more than 64 bits.
 */
export function encodeCommand(command: Command): Uint8Array {
  const { kind, logTimeMs, origin, body } = command;
  assert(origin.boot >= 0n && origin.boot < 1n << 64n, `boot nonce ${origin.boot} is not 64 bits`);
  const frame = new Uint8Array(COMMAND_HEADER_BYTES + body.length);
  frame[0] = FORMAT;
  frame[1] = KIND_CODES[kind];
  writeCount(frame, LOG_TIME_AT, logTimeMs);
  writeCount(frame, NODE_AT, origin.node);
  new DataView(frame.buffer).setBigUint64(BOOT_AT, origin.boot);
  writeCount(frame, COUNTER_AT, origin.counter);
  frame.set(body, COMMAND_HEADER_BYTES);
  return frame;
}

/** What the state machine needs of a command: all but the origin. */
export type CommandBody = Pick<Command, "kind" | "logTimeMs" | "body">;

/** @throws {AssertionError} if the frame is not one that `encodeCommand` made: the log's checksums passed it. */
export function decodeCommand(frame: Uint8Array): CommandBody {
  checkFrame(frame);
  const code = frame[1] ?? 0;
  return {
    kind: present(KINDS[code], `the kind of command code ${code}`),
    logTimeMs: readUint64(frame, LOG_TIME_AT) as LogTimeMs,
    body: frame.subarray(COMMAND_HEADER_BYTES),
  };
}

/** For whoever asks whether the command is its own. */
export function commandOrigin(frame: Uint8Array): CommandOrigin {
  checkFrame(frame);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return {
    node: readUint64(frame, NODE_AT) as NodeId,
    boot: view.getBigUint64(BOOT_AT) as BootNonce,
    counter: readUint64(frame, COUNTER_AT),
  };
}

function checkFrame(frame: Uint8Array): void {
  assert(frame.length >= COMMAND_HEADER_BYTES, `a command of ${frame.length} bytes has no header`);
  assert(frame[0] === FORMAT, `command format ${frame[0] ?? "none"} is unknown`);
}

function writeCount(frame: Uint8Array, at: number, count: number): void {
  assert(Number.isSafeInteger(count) && count >= 0, `${count} is not a safe integer >= 0`);
  putUint64(frame, at, count);
}
