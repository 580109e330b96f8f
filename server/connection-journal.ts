// Log lines of connections that were turned away, at a bounded rate: whoever knocks all day does not fill the disk, and
// does not hide who is turned away for another reason. What was left out is counted, and told with the next line.
import type { MonotonicMs } from "../base/index.ts";
import type { Refusal } from "../rpc/index.ts";
import { Budgets } from "./budgets.ts";
import type { Journal } from "./ports.ts";

/** Lines, of one reason at one port and of all together. */
const OF_REASON = { burst: 5, perSecond: 0.1 };
const OF_ALL = { burst: 50, perSecond: 1 };
/** Some reasons name a certificate, so their number has no bound of its own. */
const REASONS_MAX = 1_000;

export class ConnectionJournal {
  readonly #journal: Journal;
  readonly #monotonicMs: () => MonotonicMs;
  readonly #ofReason = new Budgets(OF_REASON, REASONS_MAX);
  readonly #ofAll = new Budgets(OF_ALL, 1);
  #leftOut = 0;

  constructor(journal: Journal, monotonicMs: () => MonotonicMs) {
    this.#journal = journal;
    this.#monotonicMs = monotonicMs;
  }

  /** etcd's words, which operators look for. */
  rejected(port: "client" | "peer", { remote, reason }: Refusal): void {
    const nowMs = this.#monotonicMs();
    const kind = `${port} ${reason}`;
    if (this.#ofReason.left(kind, nowMs) < 1 || this.#ofAll.left("", nowMs) < 1) {
      this.#leftOut += 1;
      return;
    }
    this.#ofReason.take(kind, nowMs);
    this.#ofAll.take("", nowMs);
    const leftOut = this.#leftOut === 0 ? {} : { linesLeftOut: this.#leftOut };
    this.#leftOut = 0;
    this.#journal.warn("rejected connection", { port, remoteAddr: remote, reason, ...leftOut });
  }
}
