// What a candidate has been promised in its ballot, and the values it must propose because of it: for each
// slot that of the highest ballot reported (P3, P4; Paxos Made Simple 2.2).
import type { LogIndex, NodeId, PlantedBug } from "../base/index.ts";
import { compareEpochs } from "../consensus/index.ts";
import type { Entry } from "../consensus/index.ts";

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

  /** The value that may have been chosen in `slot`; undefined: none can have been. */
  valueAt(slot: LogIndex): Entry | undefined {
    return this.#reported.get(slot);
  }
}
