// `quorum` reads without a leader (P10): a phase-1 quorum of acceptors says how high it has accepted, and the
// state answers once everything up to there is executed here. What was merely accepted is never shown. The
// other modes, and the way from confirmation to grant, are consensus/reads.ts.
//
// A phase-1 quorum knows the stop-sign of its configuration once that is chosen, so a read that was asked of it and
// waits behind the stop-sign has learnt nothing of what the next configuration chose: it asks again, of that one.
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import { confirmRead, hasRoom, isVoter, votersOf } from "../consensus/index.ts";
import type { Envelope, WaitingRead } from "../consensus/index.ts";
import type { Fill, ReadSlot, ReadSlotAnswer } from "./message.ts";
import { putNoop } from "./roles.ts";
import type { PaxosState, SlotPoll } from "./state.ts";

/** Questions one member has open; reads that come meanwhile share the next. */
const POLLS_OPEN_MAX = 8;
/** No-ops that one wish of a reader can cause. */
const FILL_SLOTS_MAX = 1024;

export function onQuorumRead(state: PaxosState, read: WaitingRead): void {
  if (!hasRoom(state, read)) return;
  state.reads.add(read);
  state.forPoll.push(read);
}

export function flushPolls(state: PaxosState): void {
  if (state.forPoll.length === 0 || state.slotPolls.length >= POLLS_OPEN_MAX) return;
  const { id, config, log, now } = state;
  state.askCounter += 1;
  const counter = state.askCounter;
  const own = isVoter(config, id);
  const poll: SlotPoll = {
    counter,
    sentAtMs: now,
    answered: new Set(own ? [id] : []),
    slot: log.last,
    reads: state.forPoll,
  };
  state.forPoll = [];
  state.slotPolls.push(poll);
  for (const node of votersOf(config)) {
    if (node !== id) state.emit(node, { kind: "read-slot", id: state.wireId(counter) });
  }
  settlePoll(state, poll);
}

/**
 * At an acceptor: what it has accepted by then, durable or not, bounds what it can have helped to choose. One that
 * has left answers whoever is not yet in its own configuration: the stop-sign sends the reader there.
 */
export function onReadSlot(
  state: PaxosState,
  { from, epoch }: Envelope<unknown>,
  { id }: ReadSlot,
): void {
  const { isVoter: votes, options } = state;
  const answers = votes || epoch.config < state.epoch.config;
  if (!answers && options.planted !== "lost-acceptor-answers") return;
  state.emit(from, { kind: "read-slot-answer", id, slot: state.log.last });
}

export function onReadSlotAnswer(state: PaxosState, from: NodeId, answer: ReadSlotAnswer): void {
  const { boot, counter } = answer.id;
  if (boot !== state.init.boot && state.options.planted !== "read-id-without-boot") return;
  const poll = state.slotPolls.find((open) => open.counter === counter);
  if (poll === undefined) return;
  poll.answered.add(from);
  if (answer.slot > poll.slot) poll.slot = answer.slot;
  settlePoll(state, poll);
}

function settlePoll(state: PaxosState, poll: SlotPoll): void {
  if (!state.quorums.phase1(poll.answered)) return;
  state.slotPolls = state.slotPolls.filter((open) => open !== poll);
  for (const read of poll.reads) confirmRead(state, read, poll.slot);
  if (poll.slot > state.rinseThrough) state.rinseThrough = poll.slot;
}

/** Asks again when answers are lost, and has slots filled that nobody seems to complete. */
export function onReadTick(state: PaxosState, now: MonotonicMs): void {
  const retryMs = state.options.electionTimeoutMs / 2;
  const late = state.slotPolls.filter((poll) => now - poll.sentAtMs >= retryMs);
  if (late.length > 0) {
    state.slotPolls = state.slotPolls.filter((poll) => now - poll.sentAtMs < retryMs);
    for (const poll of late) state.forPoll.push(...poll.reads.filter((read) => !read.ended));
  }
  const stuck = now - state.commitMovedAtMs >= state.options.heartbeatMs;
  if (state.rinseThrough <= state.commit || !stuck) return;
  if (state.leadership !== undefined) fillThrough(state, state.rinseThrough);
  else if (state.leader !== 0) {
    state.emit(state.leader, { kind: "fill", through: state.rinseThrough });
  }
}

export function onFill(state: PaxosState, { through }: Fill): void {
  if (state.leadership !== undefined) fillThrough(state, through);
}

/** Not while leadership goes over: what the target is to hold does not grow (R13); nor above a stop-sign (P8). */
function fillThrough(state: PaxosState, through: LogIndex): void {
  if (state.leading.transfer !== undefined || state.stopSign !== undefined) return;
  const until = Math.min(through, state.log.last + FILL_SLOTS_MAX);
  while (state.log.last < until) putNoop(state, (state.log.last + 1) as LogIndex);
}

/** Another configuration is in force: its acceptors are asked, also for reads that only waited to be executed. */
export function restartPolls(state: PaxosState): void {
  for (const poll of state.slotPolls) state.forPoll.push(...poll.reads);
  state.forPoll.push(...state.applyQueue.takeOf("quorum"));
  state.slotPolls = [];
  state.rinseThrough = 0 as LogIndex;
}

/** Some reads have ended by their deadline: the questions let go of them. */
export function dropEndedPolls(state: PaxosState): void {
  const live = (read: WaitingRead): boolean => !read.ended;
  state.forPoll = state.forPoll.filter(live);
  for (const poll of state.slotPolls) poll.reads = poll.reads.filter(live);
  state.slotPolls = state.slotPolls.filter((poll) => poll.reads.length > 0);
}
