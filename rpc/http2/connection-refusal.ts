// What a connection that is one too many is told. Its first bytes are not waited for, so it is told in HTTP/2,
// whatever it speaks: the server's SETTINGS, which every connection begins with, and GOAWAY. REFUSED_STREAM is
// what gRPC's clients take for "nothing was done, ask elsewhere"; ENHANCE_YOUR_CALM they ask here again.
import { ErrorCode } from "./fault.ts";
import { FrameType } from "./frame.ts";
import { OutputBuffer } from "./output-buffer.ts";

/** The whole answer; the connection ends with it. */
export function connectionRefusal(connectionsMax: number): Buffer {
  const reason = Buffer.from(`${connectionsMax} connections are open here, as many as may be`);
  const output = new OutputBuffer();
  output.head(0, FrameType.SETTINGS, 0, 0);
  output.head(8 + reason.length, FrameType.GOAWAY, 0, 0);
  output.uint32(0);
  output.uint32(ErrorCode.REFUSED_STREAM);
  output.payload(reason);
  return Buffer.concat(output.take());
}
