// Raft as a protocol of consensus/core.ts: which file answers which input. Messages go by dispatch.ts.
import type { LogIndex } from "../base/index.ts";
import {
  Core,
  beginTransfer,
  compareEpochs,
  expireTransfer,
  flushAsks,
  flushRounds,
  flushTransfer,
  isMember,
  majoritySystem,
  proposeCommand,
  settleReads,
} from "../consensus/index.ts";
import type { ConsensusFactory, ProposeReject, Protocol } from "../consensus/index.ts";
import { flushAck } from "./append.ts";
import { advanceLeaderCommit } from "./commit.ts";
import { dispatch } from "./dispatch.ts";
import { onElectionTick, onOwnVoteDurable } from "./election.ts";
import { Invariants } from "./invariants.ts";
import type { RaftMessage } from "./message.ts";
import { dropEndedBarriers, flushBarrier, onQuorumRead } from "./reads.ts";
import { leaveJoint, proposeConfig, settleMembership } from "./reconfiguration.ts";
import { flushAppends, onSnapshotSent, onUnreachable } from "./replication.ts";
import { becomeHalted } from "./roles.ts";
import { onCheckpoint, onInstall } from "./snapshot.ts";
import { RaftState } from "./state.ts";
import { drainWrite } from "./writes.ts";

/** A replica at rest, as its disk left it; it follows, and campaigns when it hears no leader. */
export const createRaft: ConsensusFactory<RaftMessage> = (init) =>
  new Core(new RaftState(init), raftProtocol);

function raftProtocol(): Protocol<RaftMessage, RaftState> {
  const invariants = new Invariants();
  return {
    propose,
    proposeConfig,
    transferTo: beginTransfer,
    dispatch,
    onTick: (state, now) => {
      expireTransfer(state, now);
      onElectionTick(state, now);
    },
    onPersisted: (state, id) => {
      state.durability.onPersisted(id);
      onOwnVoteDurable(state);
      advanceLeaderCommit(state);
    },
    onQuorumRead,
    onReadsExpired: dropEndedBarriers,
    onSnapshotSent,
    onCheckpoint,
    onInstall,
    onUnreachable,
    becomeHalted,
    flush,
    drainWrite,
    quorumsAt: (state, index) => majoritySystem(state.membership.at(index)),
    isDispensable: ({ config, commit, id }) =>
      config.outgoing === undefined && config.index <= commit && !isMember(config, id),
    // Epochs never decrease along the log.
    canCommitBehind: (_state, committed, epoch) => compareEpochs(epoch, committed.epoch) >= 0,
    checkInvariants: (state) => {
      invariants.check(state);
    },
  };
}

function propose(state: RaftState, data: Uint8Array): LogIndex | ProposeReject {
  // A leader that is about to go takes nothing whose end it may not see (R13).
  if (state.leading.transfer !== undefined || !state.isVoter) return "transferring";
  return proposeCommand(state, data, (state.log.last + 1) as LogIndex, (entry) => {
    state.appendEntry(entry);
  });
}

/** Reads first, so that what a lease no longer covers goes with this turn's round; rounds before appends,
 * so that a heartbeat tells the commit index and no notice need follow it. */
function flush(state: RaftState): void {
  settleReads(state);
  if (state.leadership !== undefined) {
    leaveJoint(state);
    flushBarrier(state);
    flushRounds(state);
    flushAppends(state);
    flushTransfer(state, state.log.last);
    settleReads(state);
    settleMembership(state);
  } else {
    flushAsks(state);
    flushAck(state);
  }
}
