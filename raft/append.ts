// The follower's side of AppendEntries (Raft Fig. 2, 5.3): match, drop what conflicts, append, acknowledge
// what is durable, and learn what is committed. The leader's side is replication.ts.
import { present } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";
import { advanceCommit } from "./commit.ts";
import type { AppendEntries } from "./message.ts";
import type { RaftState } from "./state.ts";

/** `from` leads this term (the caller has seen to that). */
export function onAppendEntries(state: RaftState, from: NodeId, append: AppendEntries): void {
  const { prevIndex, prevTerm, entries } = append;
  if (!matches(state, prevIndex, prevTerm)) {
    reject(state, from, prevIndex, prevTerm);
    return;
  }
  takeEntries(state, entries);
  const match = (prevIndex + entries.length) as LogIndex;
  if (state.ackDue === undefined || state.ackDue.match < match) state.ackDue = { to: from, match };
  learnCommit(state, append.commit, match);
}

/** Sends the acknowledgement that the whole turn earned: it waits for the disk if it must (R3). */
export function flushAck(state: RaftState): void {
  const { ackDue } = state;
  if (ackDue === undefined) return;
  state.ackDue = undefined;
  const { to, match } = ackDue;
  const { durability, options, outbox, epoch } = state;
  if (match <= durability.index || options.planted === "ack-before-fsync") {
    state.emit(to, { kind: "append-ack", match });
  } else if (match > state.matchWaiting) {
    state.matchWaiting = match;
    outbox.emitAfterWrites(to, epoch, { kind: "append-ack", match });
  }
}

/**
 * The commit index from a heartbeat or notice, which a leader bounds by what this node acknowledged to it.
 *
 * @returns false if this log no longer holds what it acknowledged: the disk lost it (scenario 30).
 */
export function onCommitHeard(state: RaftState, commit: LogIndex): boolean {
  if (commit > state.log.last) return false;
  advanceCommit(state, commit);
  return true;
}

/** Entries this node has dropped after applying them are committed, hence equal everywhere. */
function matches(state: RaftState, prevIndex: LogIndex, prevTerm: number): boolean {
  if (prevIndex < state.log.compacted) return true;
  return state.log.termAt(prevIndex) === prevTerm;
}

/** Cuts at the first entry that conflicts and never before: what follows may be newer than this message (R3). */
function takeEntries(state: RaftState, entries: readonly Entry[]): void {
  const { log } = state;
  for (const entry of entries) {
    if (entry.index <= log.last) {
      if (entry.index <= log.compacted || log.termAt(entry.index) === entry.epoch.round) continue;
      state.truncateFrom(entry.index);
    }
    state.appendEntry(entry);
  }
  const next = ((entries.at(-1)?.index ?? log.last) + 1) as LogIndex;
  const bug = state.options.planted === "truncates-matching-suffix" && next <= log.last;
  if (bug && next > state.commit) state.truncateFrom(next);
}

/** Entries beyond `match` may differ from the leader's, so they are not taken for committed (scenario 26). */
function learnCommit(state: RaftState, leaderCommit: LogIndex, match: LogIndex): void {
  const bound = Math.min(leaderCommit, match) as LogIndex;
  const unchosen = state.options.planted === "learner-serves-uncommitted" && !state.isVoter;
  advanceCommit(state, unchosen ? state.log.last : bound);
}

/** The hint is the last position here that the leader's log can share: its term is at most `prevTerm`. */
function reject(state: RaftState, to: NodeId, prevIndex: LogIndex, prevTerm: number): void {
  const { log, commit } = state;
  const shared = log.lastAtMostTerm(Math.min(prevIndex, log.last), prevTerm);
  const hintIndex = Math.max(shared, commit) as LogIndex;
  const hintTerm = present(log.termAt(hintIndex), `the term at ${hintIndex}`);
  state.emit(to, { kind: "append-reject", prevIndex, hintIndex, hintTerm });
}
