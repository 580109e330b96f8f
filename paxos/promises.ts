// What a candidate has been promised in its ballot, and the values it must propose because of it: for each
// slot that of the highest ballot reported (P3, P4; Paxos Made Simple 2.2), up to a stop-sign (P8).
import { present } from "../base/index.ts";
import type { LogIndex, NodeId, PlantedBug } from "../base/index.ts";
import { compareEpochs } from "../consensus/index.ts";
import type { Copier, Entry, Epoch } from "../consensus/index.ts";

export class Promises {
  readonly #planted: PlantedBug | undefined;
  readonly #reported = new Map<number, Entry>();
  #last = 0;
  /** Everything to here is chosen by what some acceptor, `knower`, says. */
  chosen: LogIndex;
  knower: NodeId | 0 = 0;

  /** `chosen`: what the candidate itself knows. */
  constructor(chosen: LogIndex, planted: PlantedBug | undefined) {
    this.chosen = chosen;
    this.#planted = planted;
  }

  /** The highest slot reported, or known to be chosen. */
  get last(): LogIndex {
    return Math.max(this.#last, this.chosen) as LogIndex;
  }

  onChosen(chosen: LogIndex, knower: NodeId): void {
    if (chosen <= this.chosen) return;
    this.chosen = chosen;
    this.knower = knower;
  }

  report(entries: readonly Entry[]): void {
    const lowest = this.#planted === "lowest-ballot-value-chosen";
    for (const entry of entries) {
      this.#last = Math.max(this.#last, entry.index);
      const known = this.#reported.get(entry.index);
      const order = known === undefined ? 1 : compareEpochs(entry.epoch, known.epoch);
      if (known === undefined || (lowest ? order < 0 : order > 0)) {
        this.#reported.set(entry.index, entry);
      }
    }
  }

  /**
   * Once everybody has reported: a configuration ends what is proposed, unless a later ballot has proposed
   * above it. Such a ballot's leader saw no stop-sign there, hence that one was not chosen, and nothing else
   * was: the slot is free. What is reported above one that holds is of earlier ballots, whose proposals the
   * stop-sign's own leader would have seen if they had been chosen: they are void (P8).
   *
   * @returns the slot of the stop-sign to be settled, the last to be proposed.
   */
  settle(): LogIndex | undefined {
    let stopSign: number | undefined;
    let above: Epoch | undefined;
    const open = [...this.#reported.keys()].filter((slot) => slot > this.chosen);
    for (const slot of open.sort((left, right) => right - left)) {
      const { kind, epoch } = present(this.#reported.get(slot), "what is reported");
      const outdone = above !== undefined && compareEpochs(above, epoch) > 0;
      if (kind === "config" && outdone) this.#reported.delete(slot);
      else if (kind === "config") stopSign = slot;
      if (!outdone) above = epoch;
    }
    if (stopSign === undefined) return undefined;
    for (const slot of open) if (slot > stopSign) this.#reported.delete(slot);
    this.#last = stopSign;
    return stopSign as LogIndex;
  }

  copied(by: Copier): Promises {
    const twin = new Promises(by.of(this.chosen), this.#planted);
    // In whatever order they were reported.
    const slots = [...this.#reported].sort(([left], [right]) => left - right);
    for (const [slot, entry] of slots) twin.#reported.set(slot, by.of(entry));
    twin.#last = by.of(this.#last);
    twin.knower = by.of(this.knower);
    return twin;
  }

  /** The value that may have been chosen in `slot`; undefined: none can have been. */
  valueAt(slot: LogIndex): Entry | undefined {
    return this.#reported.get(slot);
  }
}
