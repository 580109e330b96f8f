// Who has accepted which slot in this leader's ballot. A slot is chosen once a phase-2 quorum has accepted
// it in one and the same ballot (P6); so the count begins anew with every ballot.
import type { LogIndex, NodeId } from "../base/index.ts";
import type { QuorumSystem } from "../consensus/index.ts";

/** One bit a voter; more would not fit a bitwise number. */
const VOTERS_MAX = 31;

export class Acceptances {
  readonly #voters: readonly NodeId[];
  readonly #quorums: QuorumSystem;
  /** Bit sets of voters, of the slots from `#from` on. */
  #sets: number[] = [];
  #from: number;
  readonly #verdicts = new Map<number, boolean>();

  /** @throws {RangeError} for more than 31 voters. */
  constructor(from: LogIndex, voters: readonly NodeId[], quorums: QuorumSystem) {
    if (voters.length > VOTERS_MAX) throw new RangeError(`${voters.length} voters are too many`);
    this.#from = from;
    this.#voters = voters;
    this.#quorums = quorums;
  }

  /** Slots [from, until); what is not counted any more, or is no voter's, changes nothing. */
  add(node: NodeId, from: number, until: number): void {
    const voter = this.#voters.indexOf(node);
    if (voter < 0) return;
    for (let slot = Math.max(from, this.#from); slot < until; slot += 1) {
      const at = slot - this.#from;
      while (this.#sets.length < at) this.#sets.push(0);
      this.#sets[at] = (this.#sets[at] ?? 0) | (1 << voter);
    }
  }

  isChosen(slot: LogIndex): boolean {
    const set = this.#sets[slot - this.#from] ?? 0;
    let verdict = this.#verdicts.get(set);
    if (verdict === undefined) {
      const acks = new Set(this.#voters.filter((_, voter) => (set & (1 << voter)) !== 0));
      verdict = this.#quorums.phase2(acks);
      this.#verdicts.set(set, verdict);
    }
    return verdict;
  }

  /** Everything through `slot` is chosen and need not be counted. */
  forgetThrough(slot: LogIndex): void {
    const count = slot + 1 - this.#from;
    if (count <= 0) return;
    this.#sets = count < this.#sets.length ? this.#sets.slice(count) : [];
    this.#from = slot + 1;
  }
}
