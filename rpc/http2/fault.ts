// How a connection or one of its streams fails: error codes of RFC 9113 section 7, and the two errors that
// the parsing side throws. A connection fault ends in GOAWAY, a stream fault in RST_STREAM.

export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  ENHANCE_YOUR_CALM: 0xb,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** The whole connection is lost: the peer's next bytes cannot be trusted, or it asks for too much. */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** One stream is lost; the connection goes on. */
export class StreamFault extends Error {
  override readonly name = "StreamFault";
  readonly code: ErrorCode;
  readonly streamId: number;

  constructor(streamId: number, code: ErrorCode, message: string) {
    super(message);
    this.streamId = streamId;
    this.code = code;
  }
}
