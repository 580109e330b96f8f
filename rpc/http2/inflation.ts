// Compressed request messages, made whole by zlib off the event loop, never larger than a message may be.
import { gunzip, inflate } from "node:zlib";
import { GRPC } from "../../proto/index.ts";
import type { Status } from "../status.ts";

/** The encodings that ACCEPTED in hpack-encoder.ts names. */
export const ENCODINGS: ReadonlySet<string> = new Set(["identity", "deflate", "gzip"]);

/** Comes later, once: the message, or the status that the call ends with. */
export function inflateMessage(
  encoding: string,
  message: Buffer,
  bytesMax: number,
  done: (result: Buffer | Status) => void,
): void {
  const inflated = (error: NodeJS.ErrnoException | null, result: Buffer): void => {
    if (error === null) done(result);
    else if (error.code === "ERR_BUFFER_TOO_LARGE") {
      const text = `Received message that decompresses to a size larger than ${bytesMax}`;
      done({ code: GRPC.RESOURCE_EXHAUSTED, message: text, trailers: {} });
    } else done({ code: GRPC.INTERNAL, message: "Failed to decompress message", trailers: {} });
  };
  const options = { maxOutputLength: bytesMax };
  if (encoding === "gzip") gunzip(message, options, inflated);
  else inflate(message, options, inflated);
}
