// Which watches a key concerns. Those of one range form a group: single keys are found by hash, ranges in a
// tree, so that ten thousand watches of other keys cost a write nothing.
import type { Key } from "../base/index.ts";
import { IntervalTree } from "./interval-tree.ts";
import { spanOf } from "./key-range.ts";
import type { Span } from "./key-range.ts";
import { WatchGroup } from "./watch.ts";
import type { Watch } from "./watch.ts";

export class WatchIndex {
  readonly #keys = new Map<Key, WatchGroup>();
  readonly #ranges = new IntervalTree<WatchGroup>();
  #count = 0;

  /** Watches in it. */
  get count(): number {
    return this.#count;
  }

  add(watch: Watch): WatchGroup {
    const group = this.#groupOf(spanOf(watch.request));
    group.watches.add(watch);
    if (watch.request.prevKv) group.prevKvCount += 1;
    this.#count += 1;
    return group;
  }

  /** `group` is what `add` returned. */
  remove(watch: Watch, group: WatchGroup): void {
    group.watches.delete(watch);
    if (watch.request.prevKv) group.prevKvCount -= 1;
    this.#count -= 1;
    if (group.watches.size > 0) return;
    const { from, until, single } = group.span;
    if (single) this.#keys.delete(from);
    else this.#ranges.remove(from, until);
  }

  match(key: Key, onGroup: (group: WatchGroup) => void): void {
    const group = this.#keys.get(key);
    if (group !== undefined) onGroup(group);
    if (this.#ranges.size > 0) this.#ranges.stab(key, onGroup);
  }

  /** Every watch; what `onWatch` removes or adds meanwhile changes nothing. */
  each(onWatch: (watch: Watch) => void): void {
    const groups = [...this.#keys.values()];
    this.#ranges.each((group) => groups.push(group));
    for (const { watches } of groups) for (const watch of [...watches]) onWatch(watch);
  }

  #groupOf(span: Span): WatchGroup {
    const { from, until, single } = span;
    const known = single ? this.#keys.get(from) : this.#ranges.get(from, until);
    if (known !== undefined) return known;
    const group = new WatchGroup(span);
    if (single) this.#keys.set(from, group);
    else this.#ranges.add(from, until, group);
    return group;
  }
}
