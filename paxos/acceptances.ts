// Who has accepted which slot in one ballot. A slot is chosen once a phase-2 quorum has accepted it in one and the
// same ballot (P6); so the count begins anew with every ballot.
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Copier } from "../consensus/index.ts";

/** One bit a voter; more would not fit a bitwise number. */
export const VOTERS_MAX = 31;

export class Acceptances {
  #voters: readonly NodeId[];
  /** Voters that make a phase-2 quorum. */
  #needed: number;
  /** Bit sets of voters, of the slots from `#from` on. */
  #sets: number[] = [];
  #from: number;

  /** @throws {RangeError} for more than 31 voters. */
  constructor(from: LogIndex, voters: readonly NodeId[], needed: number) {
    if (voters.length > VOTERS_MAX) throw new RangeError(`${voters.length} voters are too many`);
    this.#from = from;
    this.#voters = voters;
    this.#needed = needed;
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
    let left = this.#sets[slot - this.#from] ?? 0;
    let count = 0;
    for (; left !== 0; left &= left - 1) count += 1;
    return count >= this.#needed;
  }

  /** The planted bug: other voters are asked for slots that they do not govern. */
  ask(voters: readonly NodeId[], needed: number): void {
    const sets = this.#sets;
    const before = this.#voters;
    this.#voters = voters;
    this.#needed = needed;
    this.#sets = [];
    sets.forEach((set, at) => {
      before.forEach((node, voter) => {
        if ((set & (1 << voter)) !== 0) this.add(node, this.#from + at, this.#from + at + 1);
      });
    });
  }

  copied(by: Copier): Acceptances {
    const voters = by.of(this.#voters);
    const twin = new Acceptances(by.of(this.#from) as LogIndex, voters, by.of(this.#needed));
    twin.#sets = by.of(this.#sets);
    return twin;
  }

  /** Everything through `slot` is chosen and need not be counted. */
  forgetThrough(slot: LogIndex): void {
    const count = slot + 1 - this.#from;
    if (count <= 0) return;
    this.#sets = count < this.#sets.length ? this.#sets.slice(count) : [];
    this.#from = slot + 1;
  }
}
