// What `hansa status` shows of a member beside etcdctl's columns: its part in the group, and what it is busy with.
import type { MemberState, StatusAnswer } from "../client/index.ts";

export const STATE_HEAD = [
  "ENDPOINT",
  "PROTOCOL",
  "ROLE",
  "LEADER",
  "EPOCH",
  "COMMITTED",
  "DURABLE",
  "APPLIED",
  "VOTERS",
  "LEARNERS",
  "BUSY WITH",
];

export function stateCells(answer: StatusAnswer, state: MemberState): string[] {
  return [
    answer.endpoint,
    state.protocol,
    state.role,
    answer.leader === 0n ? "" : answer.leader.toString(16),
    epochText(state),
    String(answer.raftIndex),
    String(state.durableIndex),
    String(answer.raftAppliedIndex),
    String(state.voterCount),
    String(state.learnerCount),
    busyWith(state).join("; "),
  ];
}

/** Raft's term; Paxos's ballot as configuration, round and node. */
function epochText({ protocol, epoch }: MemberState): string {
  const { config, round, node } = epoch;
  return protocol === "raft" ? String(round) : `${config}.${round}.${node}`;
}

/** Nothing: it only serves. */
function busyWith(state: MemberState): string[] {
  const { changing, configIndex, transferee, snapshotsSent, snapshotReceived, awaitedIndex } =
    state;
  return [
    ...(changing ? [`changing members, at ${configIndex}`] : []),
    ...(transferee === 0n ? [] : [`handing over to ${transferee.toString(16)}`]),
    ...(snapshotsSent === 0 ? [] : [`sending ${snapshotsSent} snapshots`]),
    ...(snapshotReceived ? ["receiving a snapshot"] : []),
    ...(awaitedIndex === 0 ? [] : [`waiting for the state at ${awaitedIndex}`]),
  ];
}
