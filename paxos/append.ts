// The acceptor's side of phase 2 (P2): accept what is in a ballot not below its promise, acknowledge what is
// durable, and learn what is chosen. A learner does the same, and vouches for nothing. The leader's side is
// replication.ts.
import type { LogIndex, NodeId } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";
import { advanceCounted, hearChosen } from "./commit.ts";
import type { Accept } from "./message.ts";
import type { PaxosState } from "./state.ts";

/** `from` leads `ballot`, which is promised here (the caller has seen to both). */
export function onAccept(state: PaxosState, from: NodeId, ballot: Epoch, accept: Accept): void {
  const [first] = accept.entries;
  if (first !== undefined) {
    for (const entry of accept.entries) {
      // A slot known to be chosen never changes: a ballot that can still get a quorum proposes its value.
      if (entry.index <= state.commit) continue;
      const held = state.log.ballotAt(entry.index);
      if (held !== undefined && sameEpoch(held, ballot)) continue;
      state.put(entry, "acceptor");
    }
    noteAccepted(state, from, ballot, first.index, first.index + accept.entries.length);
    advanceCounted(state);
  }
  hearChosen(state, accept.chosen);
}

/** A learner tells with each heartbeat how far it has come: the leader asks before it may vote (scenario 53). */
export function noteReceived(state: PaxosState, to: NodeId): void {
  if (state.isVoter || state.acceptedDue.length > 0) return;
  noteAccepted(state, to, state.epoch, state.commit + 1, state.commit + 1);
}

function noteAccepted(
  state: PaxosState,
  to: NodeId,
  epoch: Epoch,
  from: number,
  until: number,
): void {
  const newest = state.acceptedDue.at(-1);
  if (newest?.to === to && newest.until === from && sameEpoch(newest.epoch, epoch)) {
    newest.until = until;
  } else {
    state.acceptedDue.push({ to, epoch, from, until });
  }
}

/** Sends the acknowledgements that the whole turn earned: they wait for the disk if they must (P2). */
export function flushAck(state: PaxosState): void {
  if (state.acceptedDue.length === 0) return;
  const { durability, outbox, options } = state;
  const durable = durability.idle || options.planted === "ack-before-fsync";
  const votes = state.isVoter || options.planted === "lost-acceptor-answers";
  for (const due of state.acceptedDue) {
    const { to, epoch } = due;
    const from = due.from as LogIndex;
    const until = due.until as LogIndex;
    const body = votes
      ? ({ kind: "accepted", from, until } as const)
      : ({ kind: "received", from, until, chosen: state.commit } as const);
    const emit = durable ? outbox.emit.bind(outbox) : outbox.emitAfterWrites.bind(outbox);
    emit(to, epoch, body);
    if (votes) for (const learner of state.config.learners) emit(learner, epoch, body);
  }
  state.acceptedDue = [];
}
