// What must hold after every input, in production too: a halted replica is repairable, a diverged one not.
import { assert } from "../base/index.ts";
import { EPOCH_ZERO, compareEpochs } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";
import type { PaxosState } from "./state.ts";

/** Keeps the few numbers of the state before, so that a check allocates nothing. */
export class Invariants {
  #promised: Epoch = EPOCH_ZERO;
  #commit = 0;
  #applied = 0;

  check(state: PaxosState): void {
    const { epoch, commit, handed, applied, log, durability } = state;
    const leads = state.leadership !== undefined;
    assert(compareEpochs(epoch, this.#promised) >= 0, "promises never fall (P2)");
    assert(commit >= this.#commit, "what is chosen stays chosen (Paxos Made Simple 2.1)");
    assert(applied >= this.#applied, "applied never decreases");
    const { stateFloor } = state;
    assert(
      log.compacted <= Math.max(applied, stateFloor),
      "what is compacted is applied, or comes with a snapshot",
    );
    assert(applied <= handed, "nothing is applied that was not handed out");
    assert(handed <= commit, "only the chosen prefix is executed (P6)");
    assert(
      handed <= Math.max(durability.index, stateFloor),
      "what is executed is durable here, or in a snapshot",
    );
    assert(commit <= log.last, "chosen <= last: a replica vouches only for entries it holds");
    assert(leads === (state.role === "leader"), "leadership lasts exactly as long as the role");
    const counts = state.acceptances !== undefined;
    assert(!leads || counts, "a leader counts acceptances");
    assert(leads || !counts || !state.isVoter, "of the others only a learner does");
    assert(
      (state.role === "candidate") === (state.promises !== undefined),
      "a candidate, and only it, collects promises",
    );
    assert(!leads || epoch.node === state.id, "a leader leads its own ballot (P1)");
    this.#promised = epoch;
    this.#commit = commit;
    this.#applied = applied;
  }
}
