// Remembers which forwarded proposals this leader has met, so that a duplicated message is proposed once.
import type { BootNonce, NodeId } from "../base/index.ts";
import type { WireId } from "../consensus/index.ts";

/** Counters this far below the highest seen are taken for duplicates. */
const WINDOW_COUNT = 4096;
/** Earlier boots of one node whose late messages are still told apart. */
const RETIRED_BOOTS_MAX = 64;

interface Seen {
  readonly boot: BootNonce;
  readonly retired: readonly BootNonce[];
  highest: number;
  counters: Set<number>;
}

export class ForwardWindow {
  readonly #seen = new Map<NodeId, Seen>();

  /** True the first time an id is met. */
  admit(from: NodeId, id: WireId): boolean {
    const seen = this.#of(from, id.boot);
    if (seen === undefined) return false;
    if (id.counter <= seen.highest - WINDOW_COUNT || seen.counters.has(id.counter)) return false;
    seen.counters.add(id.counter);
    seen.highest = Math.max(seen.highest, id.counter);
    if (seen.counters.size > 2 * WINDOW_COUNT) {
      const oldest = seen.highest - WINDOW_COUNT;
      seen.counters = new Set([...seen.counters].filter((counter) => counter > oldest));
    }
    return true;
  }

  /** What is known of this boot of `from`; undefined when a later boot has been heard. */
  #of(from: NodeId, boot: BootNonce): Seen | undefined {
    const seen = this.#seen.get(from);
    if (seen?.boot === boot) return seen;
    if (seen?.retired.includes(boot) === true) return undefined;
    const retired =
      seen === undefined ? [] : [...seen.retired, seen.boot].slice(-RETIRED_BOOTS_MAX);
    const fresh: Seen = { boot, retired, highest: 0, counters: new Set() };
    this.#seen.set(from, fresh);
    return fresh;
  }
}
