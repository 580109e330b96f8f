// The rules of membership changes, each with the etcd refusal that it answers with.
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { LogIndex, MemberId, NodeId } from "../base/index.ts";
import type { MemberRow, Membership, Roster } from "../consensus/index.ts";
import { planChange } from "./member-change.ts";
import type { ChangePlan, ChangeRules, MemberChange } from "./member-change.ts";

function row(node: number, change: Partial<MemberRow> = {}): MemberRow {
  return {
    node: node as NodeId,
    id: BigInt(100 + node) as MemberId,
    incarnation: BigInt(node),
    name: `n${node}`,
    peerUrls: [`http://h:${node}`],
    clientUrls: [`http://c:${node}`],
    votesNext: false,
    ...change,
  };
}

interface World {
  readonly voters?: readonly number[];
  readonly learners?: readonly number[];
  readonly rows?: readonly MemberRow[];
  readonly away?: readonly number[];
  readonly rules?: Partial<ChangeRules>;
}

function plan(change: MemberChange, world: World = {}): ChangePlan {
  const { voters = [1, 2, 3], learners = [], away = [] } = world;
  const rows = world.rows ?? [...voters, ...learners].map((node) => row(node));
  const config: Membership = {
    index: 5 as LogIndex,
    incoming: voters as NodeId[],
    learners: learners as NodeId[],
    leaseMs: 1000,
  };
  const roster: Roster = { nodeLast: 7 as NodeId, members: rows };
  const isActive = (node: NodeId): boolean => !away.includes(node);
  return planChange(config, roster, change, {
    strict: true,
    learnersMax: 1,
    isActive,
    ...world.rules,
  });
}

function refusal(change: MemberChange, world: World = {}): string {
  try {
    plan(change, world);
  } catch (error) {
    if (error instanceof KvError) return error.code;
    throw error;
  }
  return "accepted";
}

const id = (node: number): MemberId => BigInt(100 + node) as MemberId;
const add = (change: Partial<Extract<MemberChange, { kind: "add" }>> = {}): MemberChange => ({
  kind: "add",
  id: 9n as MemberId,
  incarnation: 77n,
  peerUrls: ["http://h:9"],
  isLearner: false,
  ...change,
});

describe("add", () => {
  test("allots an ordinal never used before, and learning comes first", () => {
    const { wish } = plan(add());
    expect(wish).toMatchObject({ voters: [1, 2, 3], learners: [8], roster: { nodeLast: 8 } });
    expect(wish?.roster?.members.at(-1)).toEqual({
      ...{ node: 8, id: 9n, incarnation: 77n, name: "", peerUrls: ["http://h:9"] },
      ...{ clientUrls: [], votesNext: true },
    });
  });

  test("a learner stays one", () => {
    const { wish } = plan(add({ isLearner: true }));
    expect(wish?.roster?.members.at(-1)?.votesNext).toBe(false);
  });

  const waiting = row(4, { name: "", clientUrls: [], votesNext: true });
  test.each<[string, MemberChange, World, string]>([
    ["a known peer URL", add({ peerUrls: ["http://h:2"] }), {}, "peer-urls-exist"],
    ["a second learner", add({ isLearner: true }), { learners: [4] }, "too-many-learners"],
    ["a voter beside a learner", add(), { learners: [4] }, "accepted"],
    ["while a voter is away", add(), { away: [2] }, "unhealthy-cluster"],
    ["the same, not strict", add(), { away: [2], rules: { strict: false } }, "accepted"],
    [
      "a third to two of whom one never started",
      add(),
      { voters: [1], learners: [4], rows: [row(1), waiting] },
      "not-enough-started",
    ],
    ["a second to one", add(), { voters: [1] }, "accepted"],
  ])("%s", (_, change, world, code) => {
    expect(refusal(change, world)).toBe(code);
  });
});

describe("remove", () => {
  test("takes the node out and leaves its row to go with the configuration", () => {
    const { wish } = plan({ kind: "remove", id: id(2) });
    expect(wish).toMatchObject({ voters: [1, 3], roster: { nodeLast: 7 } });
  });

  test.each<[string, number, World, string]>([
    ["an unknown member", 9, {}, "member-not-found"],
    ["the last voter", 1, { voters: [1] }, "not-enough-started"],
    [
      "the last voter, not strict",
      1,
      { voters: [1], rules: { strict: false } },
      "not-enough-started",
    ],
    ["one of two", 1, { voters: [1, 2] }, "accepted"],
    ["a live one while another is away", 1, { away: [2] }, "unhealthy-cluster"],
    ["the one that is away", 2, { away: [2] }, "accepted"],
    ["a learner while a voter is away", 4, { learners: [4], away: [2] }, "accepted"],
  ])("%s", (_, node, world, code) => {
    expect(refusal({ kind: "remove", id: id(node) }, world)).toBe(code);
  });
});

describe("update and publish", () => {
  test("change the row and nobody's vote", () => {
    const { wish } = plan({ kind: "update", id: id(2), peerUrls: ["http://z:1", "http://a:1"] });
    expect(wish).toMatchObject({ voters: [1, 2, 3], learners: [] });
    expect(wish?.roster?.members[1]?.peerUrls).toEqual(["http://a:1", "http://z:1"]);
  });

  test("of another's URL or of nobody are refused", () => {
    const taken: MemberChange = { kind: "update", id: id(2), peerUrls: ["http://h:3"] };
    expect(refusal(taken)).toBe("peer-urls-exist");
    expect(refusal({ ...taken, id: id(9) })).toBe("member-not-found");
  });

  test("of what is known already changes nothing", () => {
    const same = { kind: "publish", id: id(1), name: "n1", clientUrls: ["http://c:1"] } as const;
    expect(plan(same)).toEqual({});
    expect(plan({ ...same, name: "new" }).wish?.roster?.members[0]?.name).toBe("new");
  });
});

describe("promote", () => {
  test("makes a voter of a learner, once", () => {
    const world = {
      learners: [4],
      rows: [1, 2, 3].map((n) => row(n)).concat(row(4, { votesNext: true })),
    };
    const { wish } = plan({ kind: "promote", id: id(4) }, world);
    expect(wish).toMatchObject({ voters: [1, 2, 3, 4], learners: [] });
    expect(wish?.roster?.members[3]?.votesNext).toBe(false);
  });

  test("a voter cannot be promoted", () => {
    expect(refusal({ kind: "promote", id: id(2) })).toBe("member-not-learner");
    expect(refusal({ kind: "promote", id: id(9) })).toBe("member-not-found");
  });
});
