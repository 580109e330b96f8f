// The real state machine, with every apply noted.
import type { NodeId } from "../../base/index.ts";
import type { Entry } from "../../consensus/index.ts";
import { Machine } from "../../store/machine.ts";
import type { Witness } from "./witness.ts";

/** State hashes are compared at every so many applied entries. */
const HASH_EVERY_ENTRIES = 16;

export class WitnessedMachine extends Machine {
  readonly #node: NodeId;
  readonly #witness: Witness;

  constructor(options: ConstructorParameters<typeof Machine>[0], node: NodeId, witness: Witness) {
    super(options);
    this.#node = node;
    this.#witness = witness;
  }

  override apply(
    entry: Entry,
    loaded: readonly (Uint8Array | undefined)[],
  ): ReturnType<Machine["apply"]> {
    const response = super.apply(entry, loaded);
    this.#witness.onApplied({ node: this.#node, entry, revision: this.revision, response });
    if (entry.index % HASH_EVERY_ENTRIES === 0) {
      this.#witness.onState(this.#node, entry.index, this.revision, this.hash());
    }
    return response;
  }
}
