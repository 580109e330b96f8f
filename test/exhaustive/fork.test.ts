// A forked core is its twin in everything and shares nothing with it that either changes; the canonical text sees
// every difference, and no difference of clocks.
import { describe, expect, test } from "@jest/globals";
import type { BootNonce, LogIndex, MonotonicMs, NodeId } from "../../base/index.ts";
import { Mulberry32 } from "../../base/index.ts";
import type { Consensus, Envelope, WriteBatch } from "../../consensus/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import { MemoryLog } from "../scenario/memory-log.ts";

const CREATE = { raft: createRaft, paxos: createPaxos };
const NODES = [1, 2, 3] as NodeId[];
const LONG_MS = 1000;

interface Member {
  readonly core: Consensus<ConsensusMessage>;
  readonly log: MemoryLog;
  readonly rng: Mulberry32;
}

interface Cluster {
  readonly members: ReadonlyMap<NodeId, Member>;
  /** Sent and not delivered. */
  inFlight: Envelope<ConsensusMessage>[];
  /** Written and not durable, the oldest first. */
  writes: { readonly node: NodeId; readonly write: WriteBatch<ConsensusMessage> }[];
  nowMs: number;
}

function start(protocol: keyof typeof CREATE, nowMs: number): Cluster {
  const bootstrap = { index: 0 as LogIndex, incoming: NODES, learners: [], leaseMs: 40 };
  const members = NODES.map((id) => {
    const log = new MemoryLog(bootstrap);
    const rng = new Mulberry32(id);
    const core = CREATE[protocol]({
      id,
      incarnation: 1n,
      boot: BigInt(id) as BootNonce,
      log,
      promised: log.promised,
      votedFor: 0,
      commitHint: 0 as LogIndex,
      applied: 0 as LogIndex,
      configs: [bootstrap],
      rng,
      bootAtMs: nowMs as MonotonicMs,
      options: {
        electionTimeoutMs: 60,
        heartbeatMs: 15,
        clockDriftMax: 0,
        leaseMarginMs: 0,
        appendBytesMax: 64,
        inflightMessagesMax: 4,
        inflightBytesMax: 1024,
        uncommittedBytesMax: 4096,
        readsWaitingMax: 100,
        readLagEntriesMax: 100,
      },
    });
    return [id, { core, log, rng }] as const;
  });
  return { members: new Map(members), inFlight: [], writes: [], nowMs };
}

function forked(cluster: Cluster): Cluster {
  const members = [...cluster.members].map(([id, { core, log, rng }]) => {
    const [ownLog, ownRng] = [log.copy(), rng.fork()];
    return [id, { core: core.fork(ownLog, ownRng), log: ownLog, rng: ownRng }] as const;
  });
  const { inFlight, writes, nowMs } = cluster;
  return { members: new Map(members), inFlight: [...inFlight], writes: [...writes], nowMs };
}

function member(cluster: Cluster, id: NodeId): Member {
  const found = cluster.members.get(id);
  if (found === undefined) throw new Error(`no member ${id}`);
  return found;
}

function textOf(cluster: Cluster): readonly string[] {
  const now = cluster.nowMs as MonotonicMs;
  return [...cluster.members.values()].map(({ core }) => core.canonical(now, LONG_MS));
}

/** One input somewhere, as `chance` draws it, and what is ready because of it. */
function step(cluster: Cluster, chance: Mulberry32, reads: { last: number }): void {
  const pick = (count: number): number => chance.u32() % count;
  cluster.nowMs += pick(2);
  const now = cluster.nowMs as MonotonicMs;
  const id = (pick(NODES.length) + 1) as NodeId;
  const { core } = member(cluster, id);
  const kind = pick(10);
  if (kind < 4 && cluster.inFlight.length > 0) {
    const [message] = cluster.inFlight.splice(pick(cluster.inFlight.length), 1);
    if (message !== undefined) member(cluster, message.to).core.step(message, now);
  } else if (kind < 7) {
    const [done] = cluster.writes.splice(0, 1);
    if (done !== undefined) {
      member(cluster, done.node).core.persisted(done.write.id, now);
      cluster.inFlight.push(...done.write.after);
    }
  } else if (kind === 7) core.propose(new Uint8Array([pick(256)]), now);
  else if (kind === 8) {
    const mode = (["index", "lease", "quorum", "follower", "learner"] as const)[pick(5)] ?? "local";
    reads.last += 1;
    core.read({ id: reads.last, mode, deadlineAtMs: (now + 200) as MonotonicMs }, now);
  } else core.tick(now);
  for (const node of NODES) drain(cluster, node);
}

function drain(cluster: Cluster, node: NodeId): void {
  const { core, log } = member(cluster, node);
  while (core.hasReady()) {
    const { write, send, committed } = core.ready();
    if (write !== undefined) {
      log.take(write.ops);
      cluster.writes.push({ node, write });
    }
    cluster.inFlight.push(...send);
    const last = committed.at(-1);
    if (last !== undefined) core.applied(last.index, cluster.nowMs as MonotonicMs);
  }
}

function run(cluster: Cluster, seed: number, steps: number, reads = { last: 0 }): void {
  const chance = new Mulberry32(seed);
  for (let at = 0; at < steps; at += 1) step(cluster, chance, reads);
}

describe.each(["raft", "paxos"] as const)("%s", (protocol) => {
  test.each([1, 2, 3, 4, 5])("a twin says the same, and goes on alike (seed %i)", (seed) => {
    const cluster = start(protocol, 0);
    for (let leg = 0; leg < 8; leg += 1) {
      run(cluster, seed * 100 + leg, 150, { last: leg * 1000 });
      const twin = forked(cluster);
      expect(textOf(twin)).toEqual(textOf(cluster));
      const before = textOf(cluster);
      run(twin, seed + leg, 150, { last: 100_000 });
      expect(textOf(cluster)).toEqual(before);
      const again = forked(cluster);
      run(again, seed + leg, 150, { last: 100_000 });
      expect(textOf(again)).toEqual(textOf(twin));
      expect(again.inFlight).toEqual(twin.inFlight);
      expect(textOf(twin)).not.toEqual(before);
    }
    const commits = [...cluster.members.values()].map(({ core }) => core.status().committed);
    expect(Math.max(...commits)).toBeGreaterThan(3);
  });

  test("the text knows spans, and no clock", () => {
    const [early, late] = [start(protocol, 0), start(protocol, 1_000_000)];
    for (let leg = 0; leg < 8; leg += 1) {
      run(early, leg, 150, { last: leg * 1000 });
      run(late, leg, 150, { last: leg * 1000 });
      expect(textOf(late)).toEqual(textOf(early));
    }
  });
});
