// How a member that does not lead gets a read index: it asks the leader, once for all reads that wait, and
// asks again under another id when no answer comes (R6, R16, scenario 61).
import type { MonotonicMs, NodeId } from "../base/index.ts";
import type { ReadIndex, ReadIndexAnswer } from "./message.ts";
import { confirmRead } from "./reads.ts";
import type { OpenAsk, ReplicaState } from "./replica-state.ts";

/** Questions one member has open; reads that come meanwhile share the next. */
const ASKS_OPEN_MAX = 8;
/** Questions a leader keeps for one peer; what is beyond is dropped, for its asker asks again. */
const ASKS_WAITING_MAX = 32;

export function flushAsks(state: ReplicaState): void {
  const { forAsk } = state;
  if (forAsk.round.length === 0 && forAsk.barrier.length === 0) return;
  if (state.leader === 0) return;
  sendAsk(state, "round");
  sendAsk(state, "barrier");
}

function sendAsk(state: ReplicaState, by: OpenAsk["by"]): void {
  const reads = state.forAsk[by];
  if (reads.length === 0 || state.openAsks.length >= ASKS_OPEN_MAX) return;
  state.forAsk[by] = [];
  state.askCounter += 1;
  const counter = state.askCounter;
  state.openAsks.push({ counter, by, sentAtMs: state.now, reads });
  state.emit(state.leader as NodeId, { kind: "read-index", id: state.wireId(counter), by });
}

/** Half an election timeout without an answer: the question or its answer was lost. */
export function retryAsks(state: ReplicaState, now: MonotonicMs): void {
  const retryMs = state.options.electionTimeoutMs / 2;
  if (!state.openAsks.some((ask) => now - ask.sentAtMs >= retryMs)) return;
  const open = state.openAsks;
  state.openAsks = open.filter((ask) => now - ask.sentAtMs < retryMs);
  for (const ask of open) {
    if (now - ask.sentAtMs < retryMs) continue;
    for (const read of ask.reads) if (!read.ended) state.forAsk[ask.by].push(read);
  }
}

/** At the leader, which holds it until a round confirms it. */
export function onReadIndex(state: ReplicaState, from: NodeId, ask: ReadIndex): void {
  if (admitAsk(state, from)) state.leading.forRound.asks.push({ from, id: ask.id });
}

/** Counts a peer's question in, unless it has too many here already. */
export function admitAsk(state: ReplicaState, from: NodeId): boolean {
  const peer = state.leadership?.peers.get(from);
  if (peer === undefined || peer.asksWaiting >= ASKS_WAITING_MAX) return false;
  peer.asksWaiting += 1;
  return true;
}

/** At the asker: the answer also says how fresh the state is, by the time the question left (F3). */
export function onReadIndexAnswer(
  state: ReplicaState,
  from: NodeId,
  answer: ReadIndexAnswer,
): void {
  const { boot, counter } = answer.id;
  if (boot !== state.init.boot && state.options.planted !== "read-id-without-boot") return;
  if (from !== state.leader) return;
  const ask = state.openAsks.find((open) => open.counter === counter);
  if (ask === undefined) return;
  state.openAsks = state.openAsks.filter((open) => open !== ask);
  state.freshness.onProof(ask.sentAtMs, answer.index, state.applied);
  const behind = answer.index - state.applied > state.options.readLagEntriesMax;
  for (const read of ask.reads) {
    if (behind) state.reads.refuse(read, "lag-too-large", state.leader);
    else confirmRead(state, read, answer.index);
  }
}
