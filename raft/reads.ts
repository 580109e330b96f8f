// `quorum` reads by a barrier through the log: linearizable without a clock and without a round, because an
// entry appended after a read arrived is committed only if this leader still led. The other modes, and the
// way from confirmation to grant, are consensus/reads.ts.
import type { LogIndex, NodeId } from "../base/index.ts";
import { admitAsk, answerAsk, confirmRead, hasRoom } from "../consensus/index.ts";
import type { ReadIndex, WaitingRead } from "../consensus/index.ts";
import type { RaftState } from "./state.ts";

export function onQuorumRead(state: RaftState, read: WaitingRead): void {
  if (!hasRoom(state, read)) return;
  if (state.leadership === undefined && state.leader === 0) {
    state.reads.refuse(read, "no-leader", 0);
    return;
  }
  state.reads.add(read);
  if (state.leadership === undefined) {
    state.forAsk.barrier.push(read);
    return;
  }
  state.forBarrier.reads.push(read);
  state.forBarrier.arrivedAtIndex = state.log.last;
}

/** A follower asks for an index on behalf of such reads. */
export function onBarrierAsk(state: RaftState, from: NodeId, { id }: ReadIndex): void {
  if (!admitAsk(state, from)) return;
  state.forBarrier.asks.push({ from, id });
  state.forBarrier.arrivedAtIndex = state.log.last;
}

/**
 * Turns this turn's `quorum` reads into a barrier: an entry of this term appended after they arrived. A
 * command that was proposed since serves; else one no-op serves them all.
 */
export function flushBarrier(state: RaftState): void {
  const { forBarrier, barriers, leading } = state;
  // What the target of a transfer must catch up with does not grow (R13).
  if (leading.transfer !== undefined) return;
  const { reads, asks, arrivedAtIndex } = forBarrier;
  if (reads.length === 0 && asks.length === 0) return;
  if (state.log.last === arrivedAtIndex) {
    state.appendEntry({
      kind: "noop",
      index: (state.log.last + 1) as LogIndex,
      epoch: state.epoch,
    });
  }
  barriers.push({ index: state.log.last, reads, asks });
  forBarrier.reads = [];
  forBarrier.asks = [];
}

export function onBarriersCommitted(state: RaftState): void {
  const { barriers } = state;
  let reached = 0;
  for (const { index, reads, asks } of barriers) {
    if (index > state.commit) break;
    for (const read of reads) confirmRead(state, read, index);
    for (const ask of asks) answerAsk(state, ask, index);
    reached += 1;
  }
  if (reached > 0) barriers.splice(0, reached);
}

/** The leadership that unconfirmed barriers rest on is over. */
export function supersedeBarriers(state: RaftState): void {
  for (const { reads } of [state.forBarrier, ...state.barriers]) {
    for (const read of reads) state.reads.refuse(read, "superseded", 0);
  }
  state.forBarrier = { reads: [], asks: [], arrivedAtIndex: 0 as LogIndex };
  state.barriers = [];
}

/** Some reads have ended by their deadline: the queues let go of them. */
export function dropEndedBarriers(state: RaftState): void {
  const live = (read: WaitingRead): boolean => !read.ended;
  state.forBarrier.reads = state.forBarrier.reads.filter(live);
  for (const barrier of state.barriers) barrier.reads = barrier.reads.filter(live);
}
