// The frame of a command in the log: a fixed binary header, then the request's bytes as they came from the
// wire. The header is what the proposing leader adds: the kind, its stamp, and who waits for the answer; and
// in whose name it was asked, which is judged where it is applied.
import { assert, present } from "../base/index.ts";
import type { BootNonce, LogTimeMs, NodeId } from "../base/index.ts";
import { NOBODY, OWN_AUTHORITY } from "./caller.ts";
import type { Caller } from "./caller.ts";
import type { LogStamp } from "./log-time.ts";
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
  /** Of the leader that proposed it first (R9). */
  readonly stamp: LogStamp;
  readonly origin: CommandOrigin;
  readonly caller: Caller;
  /** The request as it came from the wire. A view into the frame when decoded. */
  readonly body: Uint8Array;
}

/** The format says in whose name; of a user, revision and name follow the header. */
const FORMATS: Readonly<Record<Caller["kind"], number>> = { nobody: 4, user: 5, server: 6 };
const LOG_TIME_AT = 2;
const EPOCH_AT = 10;
const NODE_AT = 34;
const BOOT_AT = 42;
const COUNTER_AT = 50;
/** Bytes that the frame adds to a request; of a user's, CALLER_BYTES and the name in UTF-8 more. */
export const COMMAND_HEADER_BYTES = 58;
const CALLER_BYTES = 10;
const CALLER_NAME_BYTES_MAX = 0xffff;

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
  auth: 20,
  alarm: 40,
  "alarm-finding": 41,
  federation: 50,
};

const KINDS: readonly (RequestKind | undefined)[] = (
  Object.entries(KIND_CODES) as [RequestKind, number][]
).reduce<(RequestKind | undefined)[]>((kinds, [kind, code]) => {
  kinds[code] = kind;
  return kinds;
}, []);

/**
 * @throws {AssertionError} if a number of the stamp or the origin is not a safe integer >= 0, or the boot nonce
 * has more than 64 bits.
 */
export function encodeCommand(command: Command): Uint8Array {
  const { kind, stamp, origin, caller, body } = command;
  const own = callerBytes(caller);
  const bodyAt = COMMAND_HEADER_BYTES + own.length;
  assert(origin.boot >= 0n && origin.boot < 1n << 64n, `boot nonce ${origin.boot} is not 64 bits`);
  const frame = new Uint8Array(bodyAt + body.length);
  frame[0] = FORMATS[caller.kind];
  frame[1] = KIND_CODES[kind];
  writeCount(frame, LOG_TIME_AT, stamp.logTimeMs);
  writeCount(frame, EPOCH_AT, stamp.epoch.config);
  writeCount(frame, EPOCH_AT + 8, stamp.epoch.round);
  writeCount(frame, EPOCH_AT + 16, stamp.epoch.node);
  writeCount(frame, NODE_AT, origin.node);
  new DataView(frame.buffer).setBigUint64(BOOT_AT, origin.boot);
  writeCount(frame, COUNTER_AT, origin.counter);
  frame.set(own, COMMAND_HEADER_BYTES);
  frame.set(body, bodyAt);
  return frame;
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function callerBytes(caller: Caller): Uint8Array {
  if (caller.kind !== "user") return NO_BYTES;
  const name = encoder.encode(caller.name);
  assert(name.length <= CALLER_NAME_BYTES_MAX, `a name of ${name.length} bytes is no user's`);
  const bytes = new Uint8Array(CALLER_BYTES + name.length);
  putUint64(bytes, 0, caller.authRevision);
  new DataView(bytes.buffer).setUint16(8, name.length);
  bytes.set(name, CALLER_BYTES);
  return bytes;
}

/** What the state machine needs of a command: all but the origin. */
export type CommandBody = Pick<Command, "kind" | "stamp" | "caller" | "body">;

/** @throws {AssertionError} if the frame is not one that `encodeCommand` made: the log's checksums passed it. */
export function decodeCommand(frame: Uint8Array): CommandBody {
  checkFrame(frame);
  const code = frame[1] ?? 0;
  const { caller, bodyAt } = callerIn(frame);
  return {
    kind: present(KINDS[code], `the kind of command code ${code}`),
    stamp: stampIn(frame),
    caller,
    body: frame.subarray(bodyAt),
  };
}

function stampIn(frame: Uint8Array): LogStamp {
  const config = readUint64(frame, EPOCH_AT);
  const round = readUint64(frame, EPOCH_AT + 8);
  const node = readUint64(frame, EPOCH_AT + 16) as NodeId | 0;
  return {
    epoch: { config, round, node },
    logTimeMs: readUint64(frame, LOG_TIME_AT) as LogTimeMs,
  };
}

function callerIn(frame: Uint8Array): { readonly caller: Caller; readonly bodyAt: number } {
  const nameAt = COMMAND_HEADER_BYTES + CALLER_BYTES;
  if (frame[0] !== FORMATS.user) {
    const caller = frame[0] === FORMATS.server ? OWN_AUTHORITY : NOBODY;
    return { caller, bodyAt: COMMAND_HEADER_BYTES };
  }
  assert(frame.length >= nameAt, `a user's command of ${frame.length} bytes names nobody`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const bodyAt = nameAt + view.getUint16(COMMAND_HEADER_BYTES + 8);
  assert(bodyAt <= frame.length, "a user's command is cut off in his name");
  const name = decoder.decode(frame.subarray(nameAt, bodyAt));
  const authRevision = readUint64(frame, COMMAND_HEADER_BYTES);
  return { caller: { kind: "user", name, authRevision }, bodyAt };
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
  const format = frame[0] ?? 0;
  assert(
    format >= FORMATS.nobody && format <= FORMATS.server,
    `command format ${format} is unknown`,
  );
}

function writeCount(frame: Uint8Array, at: number, count: number): void {
  assert(Number.isSafeInteger(count) && count >= 0, `${count} is not a safe integer >= 0`);
  putUint64(frame, at, count);
}
