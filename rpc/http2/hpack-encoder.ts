// Header blocks of answers. There are few: those of a good call are made once, the rest are literals that no
// table remembers, so that nothing here depends on what was sent before.
import type { Status } from "../status.ts";

/** RFC 7541 appendix A. */
const STATUS_200 = 0x88;
const STATUS_NAME = 8;
const CONTENT_TYPE_NAME = 31;
/** A status message is cut to this, so that a block fits one frame. */
const MESSAGE_BYTES_MAX = 4_096;

type Pair = readonly [name: string, value: string];

const GRPC_TYPE = "application/grpc";
/** What a request may be compressed by. */
const ACCEPTED: Pair = ["grpc-accept-encoding", "identity,deflate,gzip"];

/** Begins an answer that has messages. */
export const ANSWER_HEAD: Buffer = Buffer.concat([
  Buffer.of(STATUS_200),
  indexedName(CONTENT_TYPE_NAME, GRPC_TYPE),
  literal(ACCEPTED),
]);

/** Ends an answer well. */
export const OK_TRAILERS: Buffer = literal(["grpc-status", "0"]);

/** Ends an answer that began with ANSWER_HEAD. */
export function trailersOf(status: Status): Buffer {
  const { code, message, trailers } = status;
  const pairs: Pair[] = [["grpc-status", String(code)]];
  if (message !== "") pairs.push(["grpc-message", percentEncoded(message)]);
  return Buffer.concat([...pairs, ...Object.entries(trailers)].map(literal));
}

/** The whole of an answer without messages. */
export function trailersOnlyOf(status: Status): Buffer {
  return Buffer.concat([ANSWER_HEAD, trailersOf(status)]);
}

/** What HTTP asks to be said with a refusal (RFC 9110 15.5.6, 15.5.16), and where the rest is served. */
const REFUSAL_FIELDS: Readonly<Record<405 | 415 | 431, readonly Pair[]>> = {
  405: [["allow", "POST"]],
  415: [["accept", "application/grpc"]],
  431: [],
};
const ELSEWHERE: Pair = [
  "hansa-message",
  "over HTTP/2 there is gRPC alone: the gateway, health and metrics are served in HTTP/1.1",
];

/** The whole of an answer to what is no gRPC. */
export function httpAnswerOf(httpStatus: 405 | 415 | 431): Buffer {
  const fields = [...REFUSAL_FIELDS[httpStatus], ELSEWHERE].map(literal);
  return Buffer.concat([indexedName(STATUS_NAME, String(httpStatus)), ...fields]);
}

/** gRPC's own: space to ~ but for %, UTF-8 beneath; never cut within an octet's three characters. */
export function percentEncoded(message: string): string {
  let text = "";
  for (const byte of Buffer.from(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    text += plain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    if (text.length >= MESSAGE_BYTES_MAX) break;
  }
  return text;
}

/** A literal without indexing, its name spelt out. */
function literal([name, value]: Pair): Buffer {
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

/** A literal without indexing, its name from the static table. */
function indexedName(index: number, value: string): Buffer {
  return Buffer.concat([integer(0, 4, index), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([integer(0, 7, bytes.length), bytes]);
}

/** RFC 7541 section 5.1. */
function integer(firstBits: number, prefixBits: number, value: number): Buffer {
  const full = (1 << prefixBits) - 1;
  if (value < full) return Buffer.of(firstBits | value);
  const octets = [firstBits | full];
  let rest = value - full;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128);
  octets.push(rest);
  return Buffer.from(octets);
}
