// The leader's side of phase 2: which proposals each peer is sent, and what its answers teach (P5, P6). Slots
// go ahead of their acceptances and are chosen in any order. The acceptor's side is append.ts.
import { present } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { entriesBytes, wantLoadForPeer } from "../consensus/index.ts";
import type { Entry, Progress } from "../consensus/index.ts";
import { advanceCounted } from "./commit.ts";
import type { Accepted, Received } from "./message.ts";
import type { PaxosState } from "./state.ts";

/** Sends each peer what it lacks, as far as its window lets it, and else the commit index. */
export function flushAppends(state: PaxosState): void {
  for (const peer of state.leading.peers.values()) {
    if (peer.mode === "probe") probe(state, peer);
    else stream(state, peer);
    if (state.commit > peer.commitTold) {
      peer.commitTold = state.commit;
      state.emit(peer.node, { kind: "commit-notice", commit: state.commit });
    }
  }
}

function probe(state: PaxosState, peer: Progress): void {
  if (peer.paused) return;
  const entries = entriesFor(state, peer);
  if (entries === undefined) return;
  sendAccept(state, peer, entries);
  peer.paused = true;
}

function stream(state: PaxosState, peer: Progress): void {
  while (peer.next <= state.log.last && !peer.window.isFull) {
    const entries = entriesFor(state, peer);
    if (entries === undefined) return;
    const last = present(entries.at(-1), "the last entry of an accept").index;
    sendAccept(state, peer, entries);
    peer.window.add(last, entriesBytes(entries));
    peer.next = (last + 1) as LogIndex;
  }
}

/** Undefined when there are none, or they must be loaded first. */
function entriesFor(state: PaxosState, peer: Progress): readonly Entry[] | undefined {
  const { log, options } = state;
  // What is compacted here is chosen: a peer that lacks it learns it, or takes the snapshot.
  if (peer.next <= log.compacted) peer.next = (log.compacted + 1) as LogIndex;
  const until = log.last + 1;
  const entries = log.slice(peer.next, until, options.appendBytesMax);
  if (entries === "loading") wantLoadForPeer(state, peer.next, until);
  return typeof entries === "string" || entries.length === 0 ? undefined : entries;
}

function sendAccept(state: PaxosState, peer: Progress, entries: readonly Entry[]): void {
  peer.appendedAtMs = state.now;
  if (peer.mode === "replicate") peer.commitTold = state.commit;
  state.emit(peer.node, { kind: "accept", entries, chosen: state.commit });
}

export function onAccepted(state: PaxosState, peer: Progress, { from, until }: Accepted): void {
  peer.heardAtMs = state.now;
  // Nobody can hold what was never sent to it; a damaged peer must not take the leader down.
  if (until > state.log.last + 1 || from >= until) return;
  noteHeld(state, peer, from, until);
  state.acceptances?.add(peer.node, from, until);
  advanceCounted(state);
}

/** From a learner: it is sent more, and is caught up once it knows what is chosen. */
export function onReceived(state: PaxosState, peer: Progress, received: Received): void {
  const { from, until, chosen } = received;
  peer.heardAtMs = state.now;
  peer.catchUp?.onMatch(chosen, state.readIndex, state.now);
  if (until <= state.log.last + 1 && from < until) noteHeld(state, peer, from, until);
}

function noteHeld(state: PaxosState, peer: Progress, from: number, until: number): void {
  const contiguous = from <= Math.max(peer.match, state.proposedFrom - 1, state.commit) + 1;
  if (contiguous && until - 1 > peer.match) {
    peer.match = (until - 1) as LogIndex;
    peer.window.freeTo(peer.match);
    if (peer.mode === "probe") peer.becomeReplicate();
    if (peer.next <= peer.match) peer.next = (peer.match + 1) as LogIndex;
  }
}

/**
 * A live peer that owes answers: a lost accept, or a lost answer to one, is found out (scenario 91). One that
 * owes none is streamed to (scenario 22).
 */
export function onPeerAlive(state: PaxosState, peer: Progress): void {
  if (state.now - peer.appendedAtMs < state.options.heartbeatMs) return;
  if (peer.mode === "probe" && peer.match === state.log.last) peer.becomeReplicate();
  else if (peer.mode === "probe") peer.paused = false;
  else if (peer.match + 1 < peer.next) peer.becomeProbe(peer.match + 1);
}

/** The way to `to` is lost: what is in flight may be gone. */
export function onUnreachable(state: PaxosState, to: NodeId): void {
  const peer = state.leadership?.peers.get(to);
  if (peer?.mode === "replicate") peer.becomeProbe(peer.match + 1);
}
