// What must hold after every input, in production too: a halted replica is repairable, a diverged one not.
import { assert } from "../base/index.ts";
import type { RaftState } from "./state.ts";

/** Keeps the few numbers of the state before, so that a check allocates nothing. */
export class Invariants {
  #term = 0;
  #commit = 0;
  #applied = 0;
  #last = 0;
  #led = false;

  check(state: RaftState): void {
    const { term, commit, handed, applied, log, durability } = state;
    const { last } = log;
    const leads = state.leadership !== undefined;
    assert(term >= this.#term, "terms never decrease (Raft Fig. 2, currentTerm)");
    assert(commit >= this.#commit, "the commit index never decreases (Raft Fig. 2, commitIndex)");
    assert(applied >= this.#applied, "applied never decreases (Raft Fig. 2, lastApplied)");
    const { stateFloor } = state;
    assert(
      log.compacted <= Math.max(applied, stateFloor),
      "what is compacted is applied, or comes with a snapshot",
    );
    assert(applied <= handed, "nothing is applied that was not handed out");
    assert(handed <= commit, "applied <= committed (Raft Fig. 2, rules for all servers)");
    assert(
      handed <= Math.max(durability.index, stateFloor),
      "what is applied is durable here (R4), or in a snapshot",
    );
    assert(commit <= last, "committed <= last: a replica vouches only for entries it holds");
    assert(
      durability.index <= last,
      "durable <= last: the disk vouches only for what is in the log",
    );
    assert(log.lastTerm <= term, "no entry is of a later term than its holder's");
    assert(leads === (state.role === "leader"), "leadership lasts exactly as long as the role");
    assert(
      !leads || state.votedFor === state.id,
      "a leader voted for itself in its term (Raft 5.2)",
    );
    const goesOn = leads && this.#led && term === this.#term;
    assert(
      !goesOn || last >= this.#last,
      "a leader only appends (Raft Fig. 3, Leader Append-Only)",
    );
    this.#term = term;
    this.#commit = commit;
    this.#applied = applied;
    this.#last = last;
    this.#led = leads;
  }
}
