// A request's body, whole: bounded in bytes and in time, counted while it comes. What is too much is refused at
// once and the rest of it thrown away as it comes, so that the answer reaches a client that is still sending.
import type { IncomingMessage } from "node:http";
import { KvError } from "../../base/index.ts";
import { GRPC } from "../../proto/index.ts";
import { failureOf } from "./gateway-error.ts";
import type { Failure } from "./gateway-error.ts";
import type { HeldBytes } from "./held-bytes.ts";
import type { Patience } from "./patience.ts";

/** JSON takes four thirds for bytes in base64, and names; what is larger than twice is no request that fits. */
const JSON_FACTOR = 2;

export function bodyBytesMaxOf(messageBytesMax: number): number {
  return JSON_FACTOR * messageBytesMax;
}

export interface BodyLimits {
  readonly bytesMax: number;
  readonly held: HeldBytes;
  readonly patience: Patience;
  readonly bodyMs: number;
}

/** Calls `done` once: with the text, or why there is none. Never, if the client goes before. */
export function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  done: (body: string | Failure) => void,
): void {
  const { bytesMax, held, patience, bodyMs } = limits;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let told = false;
  const tell = (body: string | Failure): void => {
    if (told) return;
    told = true;
    held.release(bytes);
    chunks.length = 0;
    done(body);
  };
  const forget = patience.wait(bodyMs, () => {
    tell(tooSlow(bodyMs));
    request.destroy();
  });
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bytesMax) tell(tooLarge(declared, bytesMax));
  request.on("data", (chunk: Buffer) => {
    if (told) return;
    if (bytes + chunk.length > bytesMax) tell(tooLarge(bytes + chunk.length, bytesMax));
    else if (!held.hold(chunk.length)) {
      tell(tooMuchHeld());
    } else {
      bytes += chunk.length;
      chunks.push(chunk);
    }
  });
  request.on("end", () => tell(Buffer.concat(chunks).toString()));
  request.on("close", () => {
    forget();
    if (told) return;
    told = true;
    held.release(bytes);
  });
}

/** HTTP has a word for it that says more than gRPC's: the same request comes to the same end. */
export function tooLarge(bytes: number, bytesMax: number): Failure {
  const message = `hansa: the body has ${bytes} bytes or more; at most ${bytesMax} are taken`;
  const status = { code: GRPC.RESOURCE_EXHAUSTED, message, trailers: {} };
  return { ...failureOf(status), httpStatus: 413 };
}

export function tooSlow(bodyMs: number): Failure {
  const message = `hansa: the body has not come within ${bodyMs} ms`;
  const status = { code: GRPC.DEADLINE_EXCEEDED, message, trailers: {} };
  return { ...failureOf(status), httpStatus: 408 };
}

export function tooMuchHeld(): Failure {
  const text = "hansa: the bodies that have come in part are too many bytes together";
  return failureOf(new KvError("too-many-requests", "not-applied", text));
}
