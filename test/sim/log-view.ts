// What one member's log holds, followed from outside: as its reader shows it, and as its disk was said to
// hold it. A recovered log must be the durable one, or that with some of the writes that were in flight.
import { assert, present } from "../../base/index.ts";
import type { NodeId } from "../../base/index.ts";
import { EPOCH_ZERO, sameEpoch } from "../../consensus/index.ts";
import type { Entry, Epoch, LogWrite, StorageOp } from "../../consensus/index.ts";

export interface LogState {
  /** By index from 1; a hole is a slot that holds nothing (Paxos). */
  readonly entries: readonly (Entry | undefined)[];
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
}

const EMPTY: LogState = { entries: [], promised: EPOCH_ZERO, votedFor: 0 };

export class LogView {
  /** Every write that was accepted. */
  #shown: LogState = EMPTY;
  /** Every write whose end was reported. */
  #durable: LogState = EMPTY;
  #inFlight: LogWrite[] = [];

  get shown(): LogState {
    return this.#shown;
  }

  get durable(): LogState {
    return this.#durable;
  }

  /** `index` is 1-based. */
  shownAt(index: number): Entry | undefined {
    return this.#shown.entries[index - 1];
  }

  durableAt(index: number): Entry | undefined {
    return this.#durable.entries[index - 1];
  }

  onWrite(batch: LogWrite): void {
    this.#shown = after(this.#shown, batch.ops);
    this.#inFlight.push(batch);
  }

  onDurable(): void {
    const batch = present(this.#inFlight.shift(), "the write that ended");
    this.#durable = after(this.#durable, batch.ops);
  }

  /**
   * Takes over what a restart found.
   *
   * @returns what is wrong with it, if anything is.
   */
  onRecovered(found: LogState): string | undefined {
    let state = this.#durable;
    let matched = sameState(state, found);
    for (const batch of this.#inFlight) {
      if (matched) break;
      state = after(state, batch.ops);
      matched = sameState(state, found);
    }
    const wrong = matched ? undefined : `${described(found)} after ${described(this.#durable)}`;
    this.#inFlight = [];
    this.#shown = found;
    this.#durable = found;
    return wrong;
  }
}

/** Appends in place where it can: a view's arrays are its own. */
function after(state: LogState, ops: readonly StorageOp[]): LogState {
  let { entries, promised, votedFor } = state;
  for (const op of ops) {
    switch (op.op) {
      case "append":
        entries = appended(entries, op.entries);
        break;
      case "truncate-from":
        entries = entries.slice(0, op.index - 1);
        break;
      case "promise":
        ({ promised, votedFor } = op);
        break;
      case "commit-hint":
        break;
      case "put":
        entries = withEntry(entries, op.entry);
        break;
      case "install-snapshot":
      case "compact-to":
        assert(false, `the simulator's log view knows no ${op.op}`);
    }
  }
  return { entries, promised, votedFor };
}

function withEntry(
  entries: readonly (Entry | undefined)[],
  entry: Entry,
): readonly (Entry | undefined)[] {
  const longer = [...entries];
  while (longer.length < entry.index - 1) longer.push(undefined);
  longer[entry.index - 1] = entry;
  return longer;
}

function appended(
  entries: readonly (Entry | undefined)[],
  more: readonly Entry[],
): readonly (Entry | undefined)[] {
  const first = more[0];
  if (first === undefined) return entries;
  assert(first.index === entries.length + 1, `entry ${first.index} after ${entries.length}`);
  return [...entries, ...more];
}

function sameState(left: LogState, right: LogState): boolean {
  return (
    left.votedFor === right.votedFor &&
    sameEpoch(left.promised, right.promised) &&
    left.entries.length === right.entries.length &&
    left.entries.every((entry, at) => {
      const other = right.entries[at];
      if (entry === undefined || other === undefined) return entry === other;
      return sameEpoch(entry.epoch, other.epoch);
    })
  );
}

function described({ entries, promised, votedFor }: LogState): string {
  const last = entries.at(-1);
  const tail =
    last === undefined ? "no entries" : `${last.index} entries to term ${last.epoch.round}`;
  return `${tail}, term ${promised.round}, vote ${votedFor}`;
}
