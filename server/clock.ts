// This machine's clocks, and the end of an event-loop turn.
import { performance } from "node:perf_hooks";
import type { MonotonicMs, WallMs } from "../base/index.ts";
import type { Clock, EndOfTurn } from "./ports.ts";

/** `performance.now()` is CLOCK_MONOTONIC on Linux: it stands still while the machine is suspended. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now() as MonotonicMs,
  wallMs: () => Date.now() as WallMs,
};

/** After the sockets and completions of this turn, before the loop waits again. */
export const endOfTurn: EndOfTurn = (run) => {
  setImmediate(run);
};
