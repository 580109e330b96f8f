// Log lines of connections that were turned away, at a bounded rate: whoever knocks all day does not fill the disk.
// What was left out is counted, and told with the next line.
import type { MonotonicMs } from "../base/index.ts";
import type { Refusal } from "../rpc/index.ts";
import type { Journal } from "./ports.ts";

/** At once, and in the long run. */
const LINES_MAX = 20;
const LINE_MS = 1_000;

export class ConnectionJournal {
  readonly #journal: Journal;
  readonly #monotonicMs: () => MonotonicMs;
  #left = LINES_MAX;
  #filledAtMs: MonotonicMs;
  #leftOut = 0;

  constructor(journal: Journal, monotonicMs: () => MonotonicMs) {
    this.#journal = journal;
    this.#monotonicMs = monotonicMs;
    this.#filledAtMs = monotonicMs();
  }

  /** etcd's words, which operators look for. */
  rejected(port: "client" | "peer", { remote, reason }: Refusal): void {
    const nowMs = this.#monotonicMs();
    const earned = (nowMs - this.#filledAtMs) / LINE_MS;
    this.#filledAtMs = nowMs;
    this.#left = Math.min(LINES_MAX, this.#left + earned);
    if (this.#left < 1) {
      this.#leftOut += 1;
      return;
    }
    this.#left -= 1;
    const leftOut = this.#leftOut === 0 ? {} : { similarLinesLeftOut: this.#leftOut };
    this.#leftOut = 0;
    this.#journal.warn("rejected connection", { port, remoteAddr: remote, reason, ...leftOut });
  }
}
