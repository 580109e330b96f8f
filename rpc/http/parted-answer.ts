// An answer that is written part by part: the next one is made when the client has taken the one before, after a turn
// of the event loop. What a client does not take keeps no more than its own message.
import type { ServerResponse } from "node:http";
import type { Patience } from "./patience.ts";
import { watchStall } from "./stall.ts";

export interface PartedAnswerOptions {
  readonly patience: Patience;
  readonly stallMs: number;
}

/** After the head; ends the answer. */
export function writeParts(
  response: ServerResponse,
  parts: Iterator<string, void>,
  { patience, stallMs }: PartedAnswerOptions,
): void {
  const { socket } = response.req;
  const isOwed = (): boolean => response.writableNeedDrain;
  const forget = watchStall(socket, { patience, stallMs, isOwed });
  response.once("close", forget);
  const step = (): void => {
    if (response.destroyed) return;
    const part = parts.next();
    if (part.done === true) {
      forget();
      response.end();
    } else if (part.value === "" || response.write(part.value)) setImmediate(step);
    else response.once("drain", () => setImmediate(step));
  };
  step();
}
