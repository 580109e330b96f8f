// The epoch of each entry of a log as runs of equal epochs: a Raft log of millions of entries has as many
// runs as terms. Paxos accepts slots out of order, so runs may have gaps between them.
import type { LogIndex } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";

/** [from, until) hold entries of `epoch`. */
interface Run {
  from: number;
  until: number;
  readonly epoch: Epoch;
}

export class LogEpochs {
  /** Sorted, disjoint; neighbours that touch differ in epoch. */
  #runs: Run[] = [];

  /** The highest index that holds an entry; 0 if none does. */
  get last(): number {
    return (this.#runs.at(-1)?.until ?? 1) - 1;
  }

  get runCount(): number {
    return this.#runs.length;
  }

  at(index: LogIndex): Epoch | undefined {
    const run = this.#runs[this.#firstEndingAfter(index)];
    return run !== undefined && run.from <= index ? run.epoch : undefined;
  }

  /** The entry at `index`, whether or not there was one, is of `epoch`. */
  set(index: LogIndex, epoch: Epoch): void {
    const newest = this.#runs.at(-1);
    // The way of every append: behind everything, mostly in the epoch of its neighbour.
    if (newest === undefined || index >= newest.until) {
      if (newest?.until === index && sameEpoch(newest.epoch, epoch)) newest.until = index + 1;
      else this.#runs.push({ from: index, until: index + 1, epoch });
      return;
    }
    this.#insert(index, epoch);
  }

  #insert(index: number, epoch: Epoch): void {
    const at = this.#firstEndingAfter(index);
    const run = this.#runs[at];
    const parts: Run[] = [{ from: index, until: index + 1, epoch }];
    let replaced = 0;
    if (run !== undefined && run.from <= index) {
      if (sameEpoch(run.epoch, epoch)) return;
      replaced = 1;
      if (run.from < index) parts.unshift({ from: run.from, until: index, epoch: run.epoch });
      if (index + 1 < run.until) {
        parts.push({ from: index + 1, until: run.until, epoch: run.epoch });
      }
    }
    this.#runs.splice(at, replaced, ...parts);
    this.#join(Math.max(0, at - 1), at + parts.length);
  }

  /** Joins touching neighbours of one epoch among the runs [first, last]. */
  #join(first: number, last: number): void {
    for (let at = Math.min(last, this.#runs.length - 1); at > first; at -= 1) {
      const left = this.#runs[at - 1];
      const right = this.#runs[at];
      if (left === undefined || right === undefined) continue;
      if (left.until !== right.from || !sameEpoch(left.epoch, right.epoch)) continue;
      left.until = right.until;
      this.#runs.splice(at, 1);
    }
  }

  /** No entry from `index` on. */
  truncateFrom(index: LogIndex): void {
    const kept = this.#runs.filter((run) => run.from < index);
    const newest = kept.at(-1);
    if (newest !== undefined && newest.until > index) newest.until = index;
    this.#runs = kept;
  }

  /** No entry up to and including `index`. */
  dropThrough(index: LogIndex): void {
    const kept = this.#runs.filter((run) => run.until > index + 1);
    const oldest = kept[0];
    if (oldest !== undefined && oldest.from <= index) oldest.from = index + 1;
    this.#runs = kept;
  }

  /** Position of the first run with `until` > index; the count of runs if there is none. */
  #firstEndingAfter(index: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle]?.until ?? 0) > index) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
