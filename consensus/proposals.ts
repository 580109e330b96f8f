// Proposals made here and not ended: each ends once, `committed`, `lost` only when another entry is
// committed at its index (R17), or `unknown`. Their bytes are the bound on uncommitted writes.
import { present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { ProposalOutcome } from "./contract.ts";
import type { Entry } from "./entry.ts";
import type { Copier } from "./fork.ts";

export interface Proposal {
  readonly entry: Entry;
  readonly bytes: number;
}

export class Proposals {
  /** Of the current leadership: in index order, so that committing pops from the front. */
  #current: Proposal[] = [];
  #currentHead = 0;
  /** Of leaderships that ended: their entries may still be committed, or replaced. */
  #former: Proposal[] = [];
  #bytes = 0;
  #outcomes: ProposalOutcome[] = [];

  /** Of all that have not ended, former leaderships included (scenario 33). */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#current.length - this.#currentHead + this.#former.length;
  }

  get hasOutcomes(): boolean {
    return this.#outcomes.length > 0;
  }

  add(proposal: Proposal): void {
    this.#current.push(proposal);
    this.#bytes += proposal.bytes;
  }

  onLeadershipEnded(): void {
    for (let at = this.#currentHead; at < this.#current.length; at += 1) {
      this.#former.push(present(this.#current[at], "a proposal of the leadership that ended"));
    }
    this.#current = [];
    this.#currentHead = 0;
  }

  /**
   * Ends what `committed` decides. `fateOf` says whether what is committed at a former proposal's index is
   * that proposal: `unknown` when a snapshot covers it.
   */
  onCommitted(committed: LogIndex, fateOf: (proposal: Proposal) => ProposalOutcome["fate"]): void {
    while (this.#currentHead < this.#current.length) {
      const proposal = present(this.#current[this.#currentHead], "the oldest proposal");
      if (proposal.entry.index > committed) break;
      this.#currentHead += 1;
      this.#end(proposal, "committed");
    }
    if (this.#currentHead === this.#current.length || this.#currentHead > 1024) {
      this.#current = this.#current.slice(this.#currentHead);
      this.#currentHead = 0;
    }
    if (this.#former.length === 0) return;
    const decided = this.#former.filter(({ entry }) => entry.index <= committed);
    if (decided.length === 0) return;
    this.#former = this.#former.filter(({ entry }) => entry.index > committed);
    for (const proposal of decided) this.#end(proposal, fateOf(proposal));
  }

  /** This replica can no longer tell (R18). */
  onHalted(): void {
    this.onLeadershipEnded();
    for (const proposal of this.#former) this.#end(proposal, "unknown");
    this.#former = [];
  }

  copied(by: Copier): Proposals {
    const twin = new Proposals();
    twin.#current = by.of(this.#current.slice(this.#currentHead));
    twin.#former = by.of(this.#former);
    twin.#bytes = by.of(this.#bytes);
    twin.#outcomes = by.of(this.#outcomes);
    return twin;
  }

  drain(): readonly ProposalOutcome[] {
    const drained = this.#outcomes;
    if (drained.length > 0) this.#outcomes = [];
    return drained;
  }

  #end({ entry, bytes }: Proposal, fate: ProposalOutcome["fate"]): void {
    const { index, epoch } = entry;
    this.#bytes -= bytes;
    this.#outcomes.push({ index, epoch, fate });
  }
}
