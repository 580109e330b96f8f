// The client library's watches and leases, on a real cluster whose members come and go, and on Debian's etcd.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, KvError } from "../../client/index.ts";
import type { WatchAnswer, WatchEvent, Watcher } from "../../client/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import { EtcdCluster } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
/** Of a test whose members are struck: all its waits at their longest. */
const STRUCK_MS_MAX = 10 * WAIT_MS_MAX;

function shown({ kind, kv, prevKv }: WatchEvent): string {
  const before = prevKv === undefined ? "" : ` was ${prevKv.text()}`;
  return `${kind} ${kv.keyText()}=${kv.text()}${before}`;
}

/** The events of a watch, until `count` have come. */
async function take(watcher: Watcher, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const answer of watcher) {
    events.push(...answer.events);
    if (events.length >= count) break;
  }
  return events;
}

async function failureOf(call: Promise<unknown>): Promise<KvError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KvError)) throw new Error(`expected a KvError, got ${String(error)}`);
  return error;
}

/** What holds on both servers. */
function onEither(clientOf: () => Client): void {
  test("a watch tells what is written, from where it is asked to", async () => {
    const client = clientOf();
    const { revision } = await client.put("w/a", "1");
    await client.put("w/b", "1");
    await client.delete("w/a");
    await client.put("w/b", "2");
    await client.put("x", "other");
    const all = await take(
      client.watch({ prefix: "w/" }, { startRevision: revision, prevKv: true }),
      4,
    );
    expect(all.map(shown)).toEqual([
      "put w/a=1",
      "put w/b=1",
      "delete w/a= was 1",
      "put w/b=2 was 1",
    ]);
    const puts = client.watch({ prefix: "w/" }, { startRevision: revision, only: "puts" });
    expect((await take(puts, 3)).map(shown)).toEqual(["put w/a=1", "put w/b=1", "put w/b=2"]);
    const deletes = client.watch({ prefix: "w/" }, { startRevision: revision, only: "deletes" });
    expect((await take(deletes, 1)).map(shown)).toEqual(["delete w/a="]);
  });

  test("a watch of what is compacted says so, and where another can begin", async () => {
    const client = clientOf();
    await client.put("c", "1");
    const { revision } = await client.put("c", "2");
    await client.compact(revision);
    // Any member may be asked, and one that has yet to apply the compaction still tells what was.
    const failure = await until("who is asked has applied it", WAIT_MS_MAX, () =>
      failureOf(take(client.watch("c", { startRevision: 1 }), 1)),
    );
    expect(failure.code).toBe("compacted");
    expect(failure.message).toContain(`begin at ${revision}`);
  });

  test("a watch ends by its signal, by close, and by leaving its loop", async () => {
    const client = clientOf();
    const abort = new AbortController();
    const watcher = client.watch("nothing", { signal: abort.signal });
    const pending = watcher.next();
    abort.abort();
    expect((await failureOf(pending)).code).toBe("cancelled");
    const closed = client.watch("nothing");
    const waiting = closed.next();
    closed.close();
    expect((await failureOf(waiting)).code).toBe("cancelled");
    expect(await closed.next()).toEqual({ done: true, value: undefined });
    expect(await client.watch("nothing", { signal: abort.signal }).next().catch(String)).toMatch(
      /cancelled/,
    );
  });

  test("a lease is granted, held, listed, and revoked with its keys", async () => {
    const client = clientOf();
    const { id, ttlS } = await client.leases.grant(60);
    expect(ttlS).toBe(60);
    await client.put("l/b", "1", { lease: id });
    await client.put("l/a", "1", { lease: id });
    const state = await client.leases.state(id, { keys: true });
    expect(state.leftS).toBeLessThanOrEqual(60);
    expect(state.grantedTtlS).toBe(60);
    expect(state.keys.map((key) => Buffer.from(key).toString())).toEqual(["l/a", "l/b"]);
    expect((await client.leases.list()).ids).toContain(id);
    await client.leases.revoke(id);
    expect((await client.range({ prefix: "l/" })).count).toBe(0);
    expect((await client.leases.state(id)).leftS).toBeUndefined();
    expect((await failureOf(client.leases.revoke(id))).code).toBe("lease-not-found");
    const chosen = await client.leases.grant(60, { id: 99n });
    expect(chosen.id).toBe(99n);
    expect((await failureOf(client.leases.grant(60, { id: 99n }))).code).toBe("lease-exists");
  });

  test("a lease that is kept stands, and its loss is told", async () => {
    const client = clientOf();
    const lease = await client.leases.grant(5);
    const kept = client.leases.keepAlive(lease);
    await client.put("kept", "1", { lease: lease.id });
    expect(kept.standsMs).toBeGreaterThan(0);
    expect(kept.signal.aborted).toBe(false);
    await client.leases.revoke(lease.id);
    expect(await kept.lost).toEqual({ reason: "gone" });
    expect(kept.signal.aborted).toBe(true);
    expect(kept.standsMs).toBe(0);
    const stopped = client.leases.keepAlive(await client.leases.grant(60));
    stopped.stop();
    expect(await stopped.lost).toEqual({ reason: "stopped" });
  });
}

describeWith(["etcd", "etcdctl"], "watches and leases of the client on etcd", () => {
  let etcd: EtcdCluster;
  let client: Client;

  beforeAll(async () => {
    etcd = await EtcdCluster.start(1);
    client = new Client({ endpoints: etcd.endpoints });
  });

  afterAll(async () => {
    await client.close();
    await etcd.stop();
  });

  onEither(() => client);
});

describe.each(protocolsFor("raft"))(
  "watches and leases of the client, voters and a learner, %s",
  (protocol) => {
    let cluster: Cluster;
    let client: Client;

    beforeAll(async () => {
      cluster = await Cluster.start({ voters: 3, learners: 1, flags: ["--consensus", protocol] });
      await cluster.leader();
      const endpoints = cluster.voters.map(({ endpoint }) => endpoint);
      client = new Client({ endpoints, deadlineMs: WAIT_MS_MAX });
    });

    afterAll(async () => {
      await client.close();
      await cluster.stop();
    });

    onEither(() => client);

    test("a learner tells of progress, and how old it is", async () => {
      await client.get("x", { mode: "learner" });
      const options = { member: "learner", proof: true, progressMs: 100 } as const;
      const beats: WatchAnswer[] = [];
      for await (const answer of client.watch({ prefix: "quiet/" }, options)) {
        beats.push(answer);
        if (answer.proof?.role === "learner" && answer.proof.stalenessBoundMs !== undefined) break;
      }
      expect(beats.flatMap(({ events }) => events)).toEqual([]);
      expect(beats.at(-1)?.proof?.memberId).not.toBe(0n);
    });

    test(
      "nothing is missed and nothing told twice while each member is killed in turn",
      async () => {
        const watcher = client.watch(
          { prefix: "n/" },
          { startRevision: 1 + (await client.get("x")).revision },
        );
        const told: number[] = [];
        const watching = (async () => {
          for await (const { events } of watcher) {
            for (const { kv } of events) told.push(Number(kv.text()));
            if (told.at(-1) === -1) return;
          }
        })();
        let written = 0;
        let killing = true;
        const writing = (async () => {
          for (; killing; written += 1) await client.put(`n/${written % 7}`, String(written));
        })();
        for (const member of cluster.voters) {
          const before = told.length;
          await member.kill();
          await cluster.leader();
          await until("the watch goes on", WAIT_MS_MAX, () =>
            told.length > before + 20 ? true : undefined,
          );
          member.start();
          await member.ready();
        }
        killing = false;
        await writing;
        await client.put("n/end", "-1");
        await watching;
        expect(told).toEqual([...Array.from({ length: written }, (_, at) => at), -1]);
      },
      STRUCK_MS_MAX,
    );

    test(
      "a kept lease outlives its leader, and is given up when nobody answers",
      async () => {
        const kept = client.leases.keepAlive(await client.leases.grant(15));
        let renewals = 0;
        kept.onRenewed = () => (renewals += 1);
        const leader = await cluster.leader();
        await leader.kill();
        await cluster.leader();
        const before = renewals;
        await until("it is renewed", WAIT_MS_MAX, () => renewals > before || undefined);
        expect(kept.signal.aborted).toBe(false);
        kept.stop();
        leader.start();
        await leader.ready();
        const unheard = client.leases.keepAlive(await client.leases.grant(3));
        for (const member of cluster.members) member.signal("SIGSTOP");
        try {
          expect((await unheard.lost).reason).toBe("unheard");
        } finally {
          for (const member of cluster.members) member.signal("SIGCONT");
        }
      },
      STRUCK_MS_MAX,
    );
  },
);
