// The leader's side of AppendEntries (Raft 5.3): what each peer is sent, and what its answers teach. The
// follower's side is append.ts.
import { assert, present } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { entriesBytes, wantLoadForPeer } from "../consensus/index.ts";
import type { Entry, Progress } from "../consensus/index.ts";
import { advanceLeaderCommit } from "./commit.ts";
import type { AppendAck, AppendReject } from "./message.ts";
import type { RaftState } from "./state.ts";

/** Sends each peer what it lacks, as far as its window lets it, and else the commit index. */
export function flushAppends(state: RaftState): void {
  for (const peer of state.leading.peers.values()) {
    if (peer.mode === "probe") probe(state, peer);
    else if (peer.mode === "replicate") stream(state, peer);
    const commit = state.commitFor(peer);
    if (commit > peer.commitTold) {
      peer.commitTold = commit;
      state.emit(peer.node, { kind: "commit-notice", commit });
    }
  }
}

function probe(state: RaftState, peer: Progress): void {
  if (peer.paused) return;
  const entries = entriesFor(state, peer);
  if (entries === undefined) return;
  sendAppend(state, peer, entries);
  peer.paused = true;
}

function stream(state: RaftState, peer: Progress): void {
  while (peer.next <= state.log.last && !peer.window.isFull) {
    const entries = entriesFor(state, peer);
    if (entries === undefined) return;
    const last = present(entries.at(-1), "the last entry of an append").index;
    sendAppend(state, peer, entries);
    peer.window.add(last, entriesBytes(entries));
    peer.next = (last + 1) as LogIndex;
  }
}

/** Undefined when they must be loaded first, or are compacted: the peer then needs the snapshot. */
function entriesFor(state: RaftState, peer: Progress): readonly Entry[] | undefined {
  const { log, options } = state;
  const until = log.last + 1;
  if (peer.next - 1 < log.compacted) {
    needSnapshot(state, peer);
    return undefined;
  }
  if (peer.next === until) return [];
  const entries = log.slice(peer.next, until, options.appendBytesMax);
  if (entries === "loading") wantLoadForPeer(state, peer.next, until);
  else if (entries === "compacted") needSnapshot(state, peer);
  else return entries;
  return undefined;
}

function sendAppend(state: RaftState, peer: Progress, entries: readonly Entry[]): void {
  const prevIndex = (peer.next - 1) as LogIndex;
  const prevTerm = present(state.log.termAt(prevIndex), "the term before an append");
  const { commit } = state;
  peer.appendedAtMs = state.now;
  const vouched = prevIndex + entries.length;
  if (peer.mode === "replicate") {
    peer.commitTold = Math.max(peer.commitTold, Math.min(commit, vouched)) as LogIndex;
  }
  state.emit(peer.node, { kind: "append-entries", prevIndex, prevTerm, entries, commit });
}

/** A snapshot that is still being prepared is asked for again at the peer's next heartbeat. */
function needSnapshot(state: RaftState, peer: Progress): void {
  const meta = state.log.reader.snapshot();
  if (meta === "preparing") return;
  assert(meta.index >= state.log.compacted, "a snapshot covers what was compacted");
  peer.becomeSnapshot(meta.index);
  state.snapshotsDue.push({ to: peer.node, meta });
}

export function onAppendAck(state: RaftState, peer: Progress, { match }: AppendAck): void {
  peer.heardAtMs = state.now;
  // Nobody can hold what was never sent to it; a damaged peer must not take the leader down (scenario 30).
  if (match > state.log.last) return;
  peer.window.freeTo(match);
  if (match > peer.match) {
    peer.match = match;
    peer.catchUp?.onMatch(match, state.readIndex, state.now);
    advanceLeaderCommit(state);
  }
  if (peer.mode === "probe" && match === peer.match) peer.becomeReplicate();
  if (peer.mode === "snapshot" && match >= peer.snapshotIndex) peer.becomeReplicate();
  if (peer.next <= peer.match) peer.next = (peer.match + 1) as LogIndex;
}

/** Backs up to where the logs can agree: one step a term, whatever the length of the difference. */
export function onAppendReject(state: RaftState, peer: Progress, reject: AppendReject): void {
  peer.heardAtMs = state.now;
  // What is acknowledged cannot be refused: such an answer is older than the acknowledgement.
  if (peer.mode === "snapshot" || reject.prevIndex <= peer.match) return;
  if (peer.mode === "probe" && reject.prevIndex !== peer.next - 1) return;
  const hintIndex = Math.min(reject.hintIndex, reject.prevIndex - 1);
  const agreed = state.log.lastAtMostTerm(hintIndex, reject.hintTerm);
  peer.becomeProbe(Math.max(peer.match, agreed) + 1);
}

/** A live peer that lags: a lost append, or a lost answer to one, is found out (scenario 22). */
export function onPeerAlive(state: RaftState, peer: Progress): void {
  if (state.now - peer.appendedAtMs < state.options.heartbeatMs) return;
  if (peer.mode === "probe") peer.paused = false;
  if (peer.mode !== "replicate" || peer.match >= state.log.last) return;
  // Acknowledgements may be lost until what was sent last is compacted: then nothing can be asked about it.
  if (peer.next - 1 < state.log.compacted) needSnapshot(state, peer);
  else sendAppend(state, peer, []);
}

export function onSnapshotSent(state: RaftState, to: NodeId, ok: boolean): void {
  const peer = state.leadership?.peers.get(to);
  if (peer?.mode !== "snapshot") return;
  peer.becomeProbe((ok ? Math.max(peer.match, peer.snapshotIndex) : peer.match) + 1);
  peer.paused = !ok;
}

/** The way to `to` is lost: what is in flight may be gone. */
export function onUnreachable(state: RaftState, to: NodeId): void {
  const peer = state.leadership?.peers.get(to);
  if (peer?.mode === "replicate") peer.becomeProbe(peer.match + 1);
}
