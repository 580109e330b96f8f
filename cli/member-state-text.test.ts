import { expect, test } from "@jest/globals";
import type { MemberState, StatusAnswer } from "../client/index.ts";
import { STATE_HEAD, stateCells } from "./member-state-text.ts";

const STATE: MemberState = {
  protocol: "raft",
  role: "leader",
  epoch: { config: 0, round: 7, node: 0 },
  durableIndex: 12,
  configIndex: 4,
  voterCount: 3,
  learnerCount: 0,
  changing: false,
  transferee: 0n,
  snapshotsSent: 0,
  snapshotReceived: false,
  wallMs: 0,
  monotonicMs: 0,
  awaitedIndex: 0,
};

const ANSWER: StatusAnswer = {
  header: { clusterId: 1n, memberId: 0xabn, revision: 5, raftTerm: 7, region: "" },
  revision: 5,
  endpoint: "a:1",
  version: "3",
  dbSizeBytes: 1,
  dbSizeInUseBytes: 1,
  dbSizeQuotaBytes: 0,
  leader: 0xabn,
  raftIndex: 11,
  raftAppliedIndex: 10,
  isLearner: false,
  errors: [],
};

function cell(head: string, state: Partial<MemberState>): string | undefined {
  return stateCells(ANSWER, { ...STATE, ...state })[STATE_HEAD.indexOf(head)];
}

test("a member that only serves is busy with nothing", () => {
  expect(stateCells(ANSWER, STATE)).toEqual(
    ["a:1", "raft", "leader", "ab", "7", "11", "12", "10", "3", "0"].concat(""),
  );
});

test("a ballot is shown whole, a term as it is", () => {
  expect(cell("EPOCH", { protocol: "paxos", epoch: { config: 2, round: 9, node: 3 } })).toBe(
    "2.9.3",
  );
  expect(cell("EPOCH", {})).toBe("7");
});

test.each<[Partial<MemberState>, string]>([
  [{ changing: true }, "changing members, at 4"],
  [{ transferee: 0xcdn }, "handing over to cd"],
  [{ snapshotsSent: 2, changing: true }, "changing members, at 4; sending 2 snapshots"],
  [
    { snapshotReceived: true, awaitedIndex: 90 },
    "receiving a snapshot; waiting for the state at 90",
  ],
])("%j is busy with: %s", (state, text) => {
  expect(cell("BUSY WITH", state)).toBe(text);
});
