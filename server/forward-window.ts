// Remembers which forwarded proposals this leader has met, so that a duplicated message is proposed once.
import type { BootNonce, NodeId } from "../base/index.ts";
import type { WireId } from "../consensus/index.ts";

/** Counters this far below the highest seen are taken for duplicates. */
const WINDOW_COUNT = 4096;
/**
 * Boots of one node told apart at once. Which of two boots is the later one cannot be known from their
 * messages, so each has a window of its own; the one that was not heard for the longest is forgotten.
 */
const BOOTS_MAX = 64;

interface Seen {
  highest: number;
  counters: Set<number>;
}

export class ForwardWindow {
  /** The boots of each node, the one heard last at the end. */
  readonly #seen = new Map<NodeId, Map<BootNonce, Seen>>();

  /** True the first time an id is met. */
  admit(from: NodeId, id: WireId): boolean {
    const seen = this.#of(from, id.boot);
    if (id.counter <= seen.highest - WINDOW_COUNT || seen.counters.has(id.counter)) return false;
    seen.counters.add(id.counter);
    seen.highest = Math.max(seen.highest, id.counter);
    if (seen.counters.size > 2 * WINDOW_COUNT) {
      const oldest = seen.highest - WINDOW_COUNT;
      seen.counters = new Set([...seen.counters].filter((counter) => counter > oldest));
    }
    return true;
  }

  #of(from: NodeId, boot: BootNonce): Seen {
    const boots = this.#seen.get(from) ?? new Map<BootNonce, Seen>();
    this.#seen.set(from, boots);
    const seen = boots.get(boot) ?? { highest: 0, counters: new Set() };
    boots.delete(boot);
    boots.set(boot, seen);
    const [longestUnheard] = boots.keys();
    if (boots.size > BOOTS_MAX && longestUnheard !== undefined) boots.delete(longestUnheard);
    return seen;
  }
}
