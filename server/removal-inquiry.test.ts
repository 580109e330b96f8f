import { describe, expect, test } from "@jest/globals";
import type { ClusterId, LogIndex, MemberId, MonotonicMs, NodeId } from "../base/index.ts";
import type { MemberRow, Membership, Status } from "../consensus/index.ts";
import type { ClusterView } from "../rpc/index.ts";
import { RemovalInquiry } from "./removal-inquiry.ts";

const CLUSTER = 7n as ClusterId;

function row(node: number): MemberRow {
  return {
    node: node as NodeId,
    id: BigInt(node) as MemberId,
    incarnation: BigInt(100 + node),
    name: `n${node}`,
    peerUrls: [`http://127.0.0.1:${node}`],
    clientUrls: [],
    votesNext: false,
  };
}

function membership(index: number, nodes: readonly number[], nodeLast = 3): Membership {
  const incoming = nodes as readonly NodeId[];
  const roster = { nodeLast: nodeLast as NodeId, members: nodes.map(row) };
  return { index: index as LogIndex, incoming, learners: [], leaseMs: 1000, roster };
}

/** Node 3 of three, and the peers' answers in the test's hands. */
class Away {
  now = 0;
  leader: NodeId | undefined;
  freshAtMs: MonotonicMs | undefined;
  readonly asked: number[] = [];
  removed = 0;
  readonly #answers: ((view: ClusterView | undefined) => void)[] = [];
  readonly #inquiry: RemovalInquiry;

  constructor() {
    this.#inquiry = new RemovalInquiry({
      replica: {
        id: 3 as NodeId,
        now: () => this.now as MonotonicMs,
        status: () => this.#status(),
      },
      clusterId: CLUSTER,
      incarnation: 103n,
      ask: ({ node }, done) => {
        this.asked.push(node);
        this.#answers.push(done);
      },
      onRemoved: () => (this.removed += 1),
    });
  }

  #status(): Status {
    const config = membership(10, [1, 2, 3]);
    const index = 12 as LogIndex;
    return {
      role: "follower",
      epoch: { config: 0, round: 4, node: 0 },
      committed: index,
      durable: index,
      applied: index,
      config,
      ...(this.leader === undefined ? {} : { leader: this.leader }),
      ...(this.freshAtMs === undefined ? {} : { freshAtMs: this.freshAtMs }),
    };
  }

  after(ms: number): void {
    this.now += ms;
    this.#inquiry.poll();
  }

  answer(view: Partial<ClusterView> | undefined): void {
    const whole = { clusterId: CLUSTER, protocol: "raft", decided: true };
    const done = this.#answers.shift();
    done?.(view && { ...whole, membership: membership(20, [1, 2]), ...view });
  }
}

describe("a learner that knows a leader", () => {
  test("asks too, once it has not heard of it for a while", () => {
    const away = new Away();
    away.leader = 1 as NodeId;
    for (let atMs = 0; atMs < 20_000; atMs += 500) {
      away.freshAtMs = atMs as MonotonicMs;
      away.after(500);
    }
    expect(away.asked).toEqual([]);
    for (let atMs = 0; atMs < 7_000; atMs += 500) away.after(500);
    expect(away.asked).toEqual([1]);
    away.answer({});
    expect(away.removed).toBe(1);
  });
});

describe("a member that hears of no leader", () => {
  test("asks one peer after the other, one question at a time", () => {
    const away = new Away();
    away.after(999);
    expect(away.asked).toEqual([]);
    away.after(1);
    away.after(5_000);
    expect(away.asked).toEqual([1]);
    away.answer(undefined);
    away.after(1_000);
    away.answer(undefined);
    away.after(1_000);
    expect(away.asked).toEqual([1, 2, 1]);
  });

  test("asks nobody while a leader is known", () => {
    const away = new Away();
    away.leader = 1 as NodeId;
    for (let time = 0; time < 9; time += 1) away.after(500);
    away.leader = undefined;
    away.after(999);
    expect(away.asked).toEqual([]);
    away.after(1);
    expect(away.asked).toEqual([1]);
  });

  const cases: readonly (readonly [string, Partial<ClusterView>, number])[] = [
    ["a later table without it", {}, 1],
    ["a later table with it", { membership: membership(20, [1, 2, 3]) }, 0],
    ["a table that may be taken back", { decided: false }, 0],
    ["a table older than its own", { membership: membership(9, [1, 2]) }, 0],
    ["a table from before it was added", { membership: membership(20, [1, 2], 2) }, 0],
    ["another cluster", { clusterId: 8n as ClusterId }, 0],
  ];
  test.each(cases)("is told %s", (_, view, removed) => {
    const away = new Away();
    away.after(1_000);
    away.answer(view);
    expect(away.removed).toBe(removed);
  });

  test("is removed when its ordinal has another incarnation", () => {
    const away = new Away();
    away.after(1_000);
    const members = [row(1), row(2), { ...row(3), incarnation: 9n }];
    const other = { ...membership(20, [1, 2, 3]), roster: { nodeLast: 3 as NodeId, members } };
    away.answer({ membership: other });
    expect(away.removed).toBe(1);
  });
});
