// SETTINGS of the peer (RFC 9113 section 6.5): which it may send, and the one that changes anything here.
import { ConnectionFault, ErrorCode } from "./fault.ts";
import { WINDOW_BYTES_MAX } from "./flow-window.ts";
import { FRAME_BYTES_MAX } from "./frame.ts";

export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
} as const;

const SETTING_BYTES = 6;
const FRAME_SIZE_LIMIT = 2 ** 24 - 1;

/**
 * The streams' initial window, if the peer sets it. The rest is only judged: answers need no dynamic table,
 * nothing is pushed, and no frame is larger than the smallest maximum.
 *
 * @throws {ConnectionFault} for what no peer may set.
 */
export function initialWindowIn(bytes: Buffer, from: number, until: number): number | undefined {
  if ((until - from) % SETTING_BYTES !== 0) {
    throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a broken length");
  }
  let windowBytes: number | undefined;
  for (let at = from; at < until; at += SETTING_BYTES) {
    const id = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    if (id === Setting.ENABLE_PUSH && value > 1) throw outOfRange("ENABLE_PUSH", value);
    if (id === Setting.MAX_FRAME_SIZE && (value < FRAME_BYTES_MAX || value > FRAME_SIZE_LIMIT)) {
      throw outOfRange("MAX_FRAME_SIZE", value);
    }
    if (id !== Setting.INITIAL_WINDOW_SIZE) continue;
    if (value > WINDOW_BYTES_MAX) {
      throw new ConnectionFault(
        ErrorCode.FLOW_CONTROL_ERROR,
        `an initial window of ${value} bytes`,
      );
    }
    windowBytes = value;
  }
  return windowBytes;
}

function outOfRange(name: string, value: number): ConnectionFault {
  return new ConnectionFault(ErrorCode.PROTOCOL_ERROR, `${name} of ${value}`);
}
