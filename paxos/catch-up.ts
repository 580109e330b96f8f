// Learning what was chosen without one: a replica that hears of chosen slots it holds no chosen value for
// asks its leader, then its peers in turn, for them; one question at a time (P3, scenario 99).
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { compareEpochs, membersOf, wantLoadForPeer } from "../consensus/index.ts";
import type { Entry } from "../consensus/index.ts";
import { advanceCommit, advanceCounted } from "./commit.ts";
import type { Chosen, Learn } from "./message.ts";
import { becomeFollower } from "./roles.ts";
import { needSnapshot } from "./snapshot.ts";
import type { PaxosState } from "./state.ts";

/** Asks when the commit index has stood behind the leader's for a heartbeat: accepts may be on their way. */
export function flushCatchUp(state: PaxosState): void {
  const { options, now, learning } = state;
  if (Math.max(state.chosenTold, state.chosenHeard) <= state.commit) return;
  if (learning !== undefined && now - learning.sentAtMs < options.electionTimeoutMs / 2) return;
  const waits = state.leadership === undefined && state.log.ballotAt(next(state)) === undefined;
  if (waits && now - state.commitMovedAtMs < options.heartbeatMs) return;
  const asked = state.leader === state.id || state.leader === 0 || learning !== undefined;
  learnFrom(state, asked ? peerInTurn(state) : state.leader);
}

function next(state: PaxosState): LogIndex {
  return (state.commit + 1) as LogIndex;
}

function peerInTurn(state: PaxosState): NodeId | 0 {
  const peers = membersOf(state.config).filter((node) => node !== state.id);
  state.learnTurn = (state.learnTurn + 1) % Math.max(peers.length, 1);
  return peers[state.learnTurn] ?? 0;
}

export function learnFrom(state: PaxosState, node: NodeId | 0): void {
  if (node === 0) return;
  state.learning = { from: next(state), sentAtMs: state.now };
  state.emit(node, { kind: "learn", from: next(state) });
}

/** One question for each peer, its newest. */
export function onLearn(state: PaxosState, from: NodeId, { from: slot }: Learn): void {
  state.learnsDue.set(from, slot);
}

/** Answers with what is chosen and at hand; what must be loaded first, in a later turn. */
export function flushLearns(state: PaxosState): void {
  const { log, commit, options } = state;
  for (const [peer, slot] of state.learnsDue) {
    if (slot <= log.compacted) needSnapshot(state, peer);
    else {
      const entries = slot > commit ? [] : log.slice(slot, commit + 1, options.appendBytesMax);
      if (entries === "loading") {
        wantLoadForPeer(state, slot, commit + 1);
        continue;
      }
      assert(entries !== "compacted", "what is behind the snapshot is not compacted");
      state.emit(peer, { kind: "chosen", entries, chosen: commit });
    }
    state.learnsDue.delete(peer);
  }
}

/** Any member may say so, of any ballot: what is chosen stays chosen. */
export function onChosen(state: PaxosState, from: NodeId, message: Chosen): void {
  const { learning } = state;
  let commit: number = state.commit;
  for (const entry of message.entries) {
    if (entry.index <= commit) continue;
    if (entry.index !== commit + 1) break;
    learnEntry(state, entry);
    commit += 1;
    // What follows a configuration belongs to it, also in what this replica promises.
    if (entry.kind === "config") advanceCommit(state, commit as LogIndex);
  }
  if (commit > state.commit) advanceCommit(state, commit as LogIndex);
  // A leader may have learnt all that was chosen before its ballot, and its own proposals be accepted.
  advanceCounted(state);
  if (message.chosen > state.chosenHeard) state.chosenHeard = message.chosen;
  if (learning === undefined || learning.from > state.commit) return;
  state.learning = undefined;
  if (message.chosen > state.commit) learnFrom(state, from);
}

function learnEntry(state: PaxosState, entry: Entry): void {
  const held = state.log.ballotAt(entry.index);
  // What a later ballot accepted here has the chosen value too (P4); an earlier one may not.
  if (held !== undefined && compareEpochs(held, entry.epoch) >= 0) return;
  if (state.leadership !== undefined && entry.index >= state.proposedFrom) {
    assert(compareEpochs(entry.epoch, state.epoch) > 0, "a leader holds its own proposals");
    becomeFollower(state, entry.epoch, 0);
  }
  state.put(entry, "acceptor");
}

/** Somebody is in a later configuration: everything to the stop-sign that began it is chosen (P8). */
export function hearConfiguration(state: PaxosState, from: NodeId, index: LogIndex): void {
  if (index > state.chosenHeard) state.chosenHeard = index;
  const { learning, now, options } = state;
  if (learning !== undefined && now - learning.sentAtMs < options.electionTimeoutMs / 2) return;
  learnFrom(state, from);
}
