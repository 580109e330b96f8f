// Multi-Paxos as a protocol of consensus/core.ts: which file answers which input. Messages go by dispatch.ts.
import type { LogIndex, WriteId } from "../base/index.ts";
import {
  Core,
  beginTransfer,
  expireTransfer,
  flushAsks,
  flushRounds,
  flushTransfer,
  proposeCommand,
  settleReads,
} from "../consensus/index.ts";
import type { ConsensusFactory, ProposeReject, Protocol } from "../consensus/index.ts";
import { flushAck } from "./append.ts";
import { flushCatchUp, flushLearns } from "./catch-up.ts";
import { advanceCounted } from "./commit.ts";
import { dispatch } from "./dispatch.ts";
import {
  flushCandidacy,
  flushPromise,
  flushSuccession,
  onElectionTick,
  onOwnPromiseDurable,
} from "./election.ts";
import { Invariants } from "./invariants.ts";
import type { PaxosMessage } from "./message.ts";
import { dropEndedPolls, flushPolls, onQuorumRead, onReadTick } from "./reads.ts";
import { proposeConfig } from "./reconfiguration.ts";
import { flushAppends, onUnreachable } from "./replication.ts";
import { isDispensable, onRetirementTick } from "./retirement.ts";
import { becomeHalted } from "./roles.ts";
import { onCheckpoint, onInstall, onSnapshotSent } from "./snapshot.ts";
import { PaxosState } from "./state.ts";
import { drainWrite } from "./writes.ts";

/** A replica at rest, as its disk left it; it follows, and campaigns when it hears no leader. */
export const createPaxos: ConsensusFactory<PaxosMessage> = (init) =>
  new Core(new PaxosState(init), paxosProtocol);

function paxosProtocol(): Protocol<PaxosMessage, PaxosState> {
  const invariants = new Invariants();
  return {
    propose,
    proposeConfig,
    transferTo: beginTransfer,
    dispatch,
    onTick: (state, now) => {
      expireTransfer(state, now);
      onElectionTick(state, now);
      onReadTick(state, now);
      onRetirementTick(state, now);
    },
    onPersisted,
    onQuorumRead,
    onReadsExpired: dropEndedPolls,
    onSnapshotSent,
    onCheckpoint,
    onInstall,
    onUnreachable,
    becomeHalted,
    flush,
    drainWrite,
    quorumsAt: (state, index) => state.quorumsAt(index),
    isDispensable,
    // An acceptor may bring an old ballot's value to a later leader's phase 1, which then proposes it in its
    // own ballot, in a slot above any committed so far: only the end of its configuration tells (P4, P8).
    canCommitBehind: (state, committed, epoch) =>
      epoch.config >= state.membership.at(committed.index).index,
    checkInvariants: (state) => {
      invariants.check(state);
    },
  };
}

function propose(state: PaxosState, data: Uint8Array): LogIndex | ProposeReject {
  const { options, leading } = state;
  // A leader that is about to go takes nothing whose end it may not see (R13).
  if (leading.transfer !== undefined) return "transferring";
  // Nothing is chosen above a stop-sign: what is proposed next belongs to the next configuration (P8).
  if (state.stopSign !== undefined && options.planted !== "proposal-above-stop-sign") {
    return "config-pending";
  }
  return proposeCommand(state, data, (state.log.last + 1) as LogIndex, (entry) => {
    state.put(entry, "proposer");
  });
}

/** The own acceptor answers like any other: once its acceptance is durable. */
function onPersisted(state: PaxosState, id: WriteId): void {
  const { from, until } = state.durability.onPersisted(id);
  onOwnPromiseDurable(state);
  if (from >= until) return;
  const body = { kind: "accepted", from: from as LogIndex, until: until as LogIndex } as const;
  for (const learner of state.config.learners) state.emit(learner, body);
  state.acceptances?.add(state.id, from, until);
  advanceCounted(state);
}

/** Reads first, so that what a lease no longer covers goes with this turn's round; rounds before accepts, so
 * that a heartbeat tells what is chosen and no notice need follow it. */
function flush(state: PaxosState): void {
  flushSuccession(state);
  flushCandidacy(state);
  settleReads(state);
  flushPolls(state);
  if (state.leadership !== undefined) {
    flushRounds(state);
    flushAppends(state);
    flushTransfer(state, state.log.last);
  } else {
    flushAsks(state);
    flushPromise(state);
  }
  flushAck(state);
  flushLearns(state);
  flushCatchUp(state);
  settleReads(state);
}
