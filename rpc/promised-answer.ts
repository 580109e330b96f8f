// A handler's answer from a promise, and work beside an answer that nobody waits for.
import { KvError } from "../base/index.ts";
import type { Reply } from "./service.ts";

/** Replies with what `run` comes to; what is no KvError is a bug, and ends the process as one. */
export function answering(reply: Reply, run: () => Promise<Uint8Array>): void {
  run().then(reply, (cause: unknown) => {
    if (!(cause instanceof KvError)) throw cause;
    reply(cause);
  });
}

/** What fails of it is made good by time: a lease runs out, the next renewal comes. */
export function bestEffort(work: Promise<unknown>): void {
  work.catch((cause: unknown) => {
    if (!(cause instanceof KvError)) throw cause;
  });
}
