// The bounds on what one connection may hold or ask for, beyond those that the server's flags set.
import type { FloodLimit } from "./flood-meter.ts";

export interface Http2Limits {
  /** Advertised receive windows. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** Advertised; of HPACK's dynamic table. */
  readonly headerTableBytes: number;
  /** Advertised; of a decoded list, by HPACK's measure. */
  readonly headerListBytesMax: number;
  /** Of one block as it came, and frames that it may be cut into. */
  readonly headerBlockBytesMax: number;
  readonly headerFramesMax: number;
  /** Output not yet taken by the socket, at which no more is produced and nothing more is read. */
  readonly outputBytesMax: number;
  /** Answers that wait for the peer's windows; a call that would add to it fails. */
  readonly heldBytesMax: number;
  /** Requests of which only a part has come, or that are being inflated; as above. */
  readonly partialBytesMax: number;
  /** ACKs of SETTINGS and PING that the socket has not taken. */
  readonly acksMax: number;
  /** Streams that end early by the peer's doing: its RST_STREAM, or ours for its fault. */
  readonly resets: FloodLimit;
  /** Frames that move nothing: empty DATA, PRIORITY, SETTINGS, unknown types. */
  readonly idleFrames: FloodLimit;
  /** From accepting a socket to the peer's preface and SETTINGS; and for a last GOAWAY to leave. */
  readonly handshakeMs: number;
  readonly farewellMs: number;
  /** A whole answer for which the peer opens no window: the stream is then reset. */
  readonly stallMs: number;
}

export const HTTP2_LIMITS_DEFAULT: Http2Limits = {
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  headerTableBytes: 4_096,
  headerListBytesMax: 16 * 1024,
  headerBlockBytesMax: 32 * 1024,
  headerFramesMax: 8,
  outputBytesMax: 1024 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
  partialBytesMax: 64 * 1024 * 1024,
  acksMax: 10_000,
  resets: { burstCount: 2_000, perSecond: 200 },
  idleFrames: { burstCount: 2_000, perSecond: 200 },
  handshakeMs: 10_000,
  farewellMs: 1_000,
  stallMs: 60_000,
};
