// Watches of real processes: what a stream answers and what etcdctl prints, word for word as of Debian's etcd;
// every member and learner tells the same; a member that is gone is replaced by another without a gap.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { bytes } from "./wire-client.ts";
import { WatchTape } from "./watch-tape.ts";
import type { WatchAnswer } from "./watch-tape.ts";

const LINE_MS_MAX = 20_000;

/**
 * An answer without identities, and without how its events were gathered. etcd gives no revision with a
 * compaction.
 */
function control(answer: WatchAnswer): object {
  const { watch_id, created, canceled, compact_revision, cancel_reason } = answer;
  const isCompacted = Number(compact_revision ?? 0) > 0;
  return {
    id: String(watch_id ?? 0),
    revision: isCompacted ? "any" : String(answer.header?.revision ?? 0),
    ...{ created: created ?? false, canceled: canceled ?? false },
    ...{ compacted: String(compact_revision ?? 0), reason: cancel_reason ?? "" },
  };
}

describeWith(["etcd", "etcdctl"], "watches as etcd has them", () => {
  let cluster: Cluster;
  let etcd: EtcdCluster;
  let pairs: readonly (readonly [string, string])[];

  beforeAll(async () => {
    [cluster, etcd] = await Promise.all([Cluster.start({ voters: 3 }), EtcdCluster.start(1)]);
    const [theirs = ""] = etcd.endpoints;
    pairs = cluster.voters.map(({ endpoint }) => [endpoint, theirs] as const);
    for (const endpoint of [cluster.endpoints, theirs]) {
      for (const line of ["put k 1", "put k 2", "put j 1", "put k 3", "del k", "put k 4"]) {
        await etcdctl(endpoint, line.split(" "));
      }
      await etcdctl(endpoint, ["compaction", "4"]);
    }
    // Which a member answers once it has all of it too.
    for (const { endpoint } of cluster.voters) await etcdctl(endpoint, ["get", "k"]);
  });

  afterAll(async () => {
    await Promise.all([cluster.stop(), etcd.stop()]);
  });

  test("streams answer alike, each way of asking", async () => {
    const [ours = "", theirs = ""] = pairs[1] ?? [];
    const tapes = [new WatchTape(ours), new WatchTape(theirs)];
    const key = bytes("k");
    for (const tape of tapes) {
      const send = async (request: Parameters<WatchTape["create"]>[0], answers = 1) => {
        const before = tape.answers.length;
        tape.create(request);
        await tape.holds("an answer to a watch", () => tape.answers.length >= before + answers);
      };
      await send({ key });
      await send({ key, watch_id: 5 });
      await send({ key, watch_id: 5 });
      await send({ key, range_end: bytes("a") });
      await send({ key, range_end: key });
      await send({ key, start_revision: 2 }, 2);
      await send({ key, start_revision: 999 });
      tape.send({ cancel_request: { watch_id: 5 } });
      await tape.holds("the cancelation", () => tape.answers.at(-1)?.canceled === true);
      tape.send({ cancel_request: { watch_id: 500 } });
      tape.send({ progress_request: {} });
      await tape.holds("the progress", () => Number(tape.answers.at(-1)?.watch_id) === -1);
    }
    const [our = [], their = []] = tapes.map(({ answers }) => answers.map(control));
    expect(our).toEqual(their);
    for (const tape of tapes) tape.close();
  });

  test("events come alike from where they are asked for", async () => {
    for (const pair of pairs) {
      const [our, their] = await Promise.all(
        pair.map(async (endpoint) => {
          const tape = new WatchTape(endpoint);
          tape.create({ key: bytes("k"), start_revision: 4, prev_kv: true });
          tape.create({ key: bytes("a"), range_end: bytes("\0"), start_revision: 4, filters: [1] });
          tape.create({ key: bytes("j"), range_end: bytes("k"), start_revision: 4 });
          tape.create({ range_end: bytes("\0"), start_revision: 5, filters: [0] });
          await tape.holds("all events", ({ events }) => events.length >= 8);
          tape.close();
          return tape.events.sort();
        }),
      );
      expect(our).toEqual(their);
    }
  });

  /** What both print until the line that is last, each started before the writes. */
  async function printed(
    args: readonly string[],
    last: RegExp,
    dialogue: readonly (readonly [string, RegExp])[] = [],
  ): Promise<string[]> {
    const outputs: string[] = [];
    for (const endpoint of pairs[0] ?? []) {
      const child = new Child("etcdctl", ["--endpoints", endpoint, "watch", ...args], {
        ETCDCTL_API: "3",
      });
      for (const [input, answer] of dialogue) {
        child.write(input);
        await child.line(answer, LINE_MS_MAX);
      }
      await child.line(last, LINE_MS_MAX);
      child.signal("SIGKILL");
      await child.exited;
      outputs.push(child.output.replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0'));
    }
    return outputs;
  }

  test("etcdctl watch prints alike: a key, a prefix, a range, with pairs before, in JSON", async () => {
    for (const args of [
      ["k", "--rev", "4"],
      ["k", "--rev", "5", "--prev-kv"],
      ["", "--prefix", "--rev", "4"],
      ["j", "l", "--rev", "4"],
    ]) {
      const [ours, theirs] = await printed(args, /^4$/);
      expect(ours).toBe(theirs);
    }
    const [ours, theirs] = await printed(["k", "--rev", "7", "-w", "json"], /"mod_revision":7/);
    expect(ours).toBe(theirs);
  });

  test("etcdctl watch of what is compacted ends alike", async () => {
    const ends = await Promise.all(
      (pairs[0] ?? []).map(async (endpoint) => {
        const { exit, stderr } = await etcdctl(endpoint, ["watch", "k", "--rev", "2"]);
        return { exit, stderr };
      }),
    );
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]?.stderr).toMatch(/required revision has been compacted/);
  });

  test("etcdctl watch takes its requests from a terminal", async () => {
    const [ours, theirs] = await printed(["-i"], /progress notify: \d+/, [
      ["watch k --rev 4\n", /^4$/],
      ["watch --prefix j --rev=4\n", /^j$/],
      ["progress\n", /progress notify/],
    ]);
    expect(ours).toBe(theirs);
  });
});

describe("watches of a cluster", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, learners: 1 });
  });

  afterAll(async () => {
    await cluster.stop();
  });

  const put = async (key: string, value: string): Promise<void> => {
    const patient = ["--command-timeout", `${LINE_MS_MAX}ms`];
    expect((await cluster.hansa(["put", key, value, ...patient])).exit).toEqual({ code: 0 });
  };

  test("every member tells the same, a learner too, and how old it is", async () => {
    const tapes = cluster.members.map(({ endpoint }) => new WatchTape(endpoint));
    for (const tape of tapes) {
      const beats = { progress_notify: true, progress_interval_ms: 100, with_proof: true };
      tape.create({ key: bytes("same/"), range_end: bytes("same0"), ...beats });
      await tape.holds("the watch", ({ answers }) => answers.length > 0);
    }
    for (const at of ["1", "2", "3"]) await put(`same/${at}`, at);
    for (const tape of tapes) await tape.holds("three events", ({ events }) => events.length === 3);
    const [first, ...others] = tapes.map(({ events }) => events);
    for (const other of others) expect(other).toEqual(first);
    for (const tape of tapes) {
      // It is not known while nobody leads.
      await tape.holds("its age", ({ answers }) => {
        return Number(answers.at(-1)?.proof?.staleness_bound_ms) >= 0;
      });
      tape.close();
    }
  });

  test("who watched a member that is killed goes on at another, from the next revision", async () => {
    const leader = await cluster.leader();
    const follower = cluster.voters.find((member) => member !== leader);
    const before = new WatchTape(leader.endpoint);
    before.create({ key: bytes("moved") });
    await before.holds("the watch", ({ answers }) => answers.length === 1);
    await put("moved", "1");
    await before.holds("an event", ({ events }) => events.length === 1);
    await leader.kill();
    await cluster.leader();
    await put("moved", "2");
    await put("moved", "3");
    const after = new WatchTape(follower?.endpoint ?? "");
    const last = Number(before.answers.at(-1)?.events?.[0]?.kv?.mod_revision);
    after.create({ key: bytes("moved"), start_revision: last + 1 });
    await after.holds("the other events", ({ events }) => events.length === 2);
    expect(after.events.map((event) => event.replace(/@\d+/, ""))).toEqual([
      "0: PUT moved=2",
      "0: PUT moved=3",
    ]);
    before.close();
    after.close();
  });
});
