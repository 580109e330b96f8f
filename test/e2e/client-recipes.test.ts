// The client library's namespaces, software transactions, locks and elections: the same on Hansa and on Debian's
// etcd, and each in turn with the Lock and Election services of both.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, KvError, op, textFrom, when } from "../../client/index.ts";
import type { HeldLock, StmIsolation } from "../../client/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import { EtcdCluster } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;

async function failureOf(call: Promise<unknown>): Promise<KvError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KvError)) throw new Error(`expected a KvError, got ${String(error)}`);
  return error;
}

function inNamespace(clientOf: () => Client): void {
  test("a namespace names its keys without its prefix, in every call", async () => {
    const client = clientOf();
    const space = client.namespace("ns/");
    const { revision } = await space.put("a", "1");
    await space.put("b", "2");
    await client.put("ns0", "beside");
    await client.put("mr", "before");
    expect((await client.get("ns/a")).kv?.text()).toBe("1");
    expect((await space.get("a")).kv?.keyText()).toBe("a");
    const shown = (kvs: readonly { keyText(): string }[]) => kvs.map((kv) => kv.keyText());
    // Without an end it stops at the end of the prefix, from the first key and from another.
    expect(shown((await space.range({ prefix: "" })).kvs)).toEqual(["a", "b"]);
    expect(shown((await space.range({ from: "b" })).kvs)).toEqual(["b"]);
    expect(shown((await space.range({ from: "", until: "b" })).kvs)).toEqual(["a"]);
    expect((await space.put("a", "3", { prevKv: true })).prevKv?.keyText()).toBe("a");
    const txn = await space.txn({
      if: [when.value("a", "=", "3"), when.exists({ prefix: "" })],
      then: [
        op.range({ from: "a" }),
        op.txn({ if: [when.missing("c")], then: [op.put("c", "9"), op.get("c")] }),
        op.delete("b", { prevKv: true }),
      ],
    });
    if (!txn.succeeded) throw new Error("its conditions hold");
    expect(shown(txn.results[0].kvs)).toEqual(["a", "b"]);
    expect(txn.results[1]).toMatchObject({ succeeded: true });
    expect(shown(txn.results[2].prevKvs)).toEqual(["b"]);
    const inner = space.namespace("in/");
    await inner.put("x", "deep");
    expect((await client.get("ns/in/x")).kv?.text()).toBe("deep");
    const seen: string[] = [];
    const watching = { startRevision: revision, prevKv: true };
    for await (const { events } of space.watch({ prefix: "" }, watching)) {
      for (const { kind, kv, prevKv } of events) {
        seen.push(`${kind} ${kv.keyText()}${prevKv === undefined ? "" : ` ${prevKv.keyText()}`}`);
      }
      if (seen.at(-1) === "put in/x") break;
    }
    expect(seen).toEqual(["put a", "put b", "put a a", "put c", "delete b b", "put in/x"]);
    const { id } = await space.leases.grant(60);
    await space.put("leased", "1", { lease: id });
    await client.put("outside", "1", { lease: id });
    const keysOf = async (of: Client | typeof space) =>
      (await of.leases.state(id, { keys: true })).keys.map((key) => textFrom(key));
    expect(await keysOf(space)).toEqual(["leased"]);
    expect(await keysOf(client)).toEqual(["ns/leased", "outside"]);
    await space.leases.revoke(id);
    expect((await space.delete({ prefix: "" })).deleted).toBe(3);
    expect((await client.range({ prefix: "ns" })).kvs.map((kv) => kv.keyText())).toEqual(["ns0"]);
  });
}

function asStm(clientOf: () => Client): void {
  const LEVELS: readonly StmIsolation[] = [
    "serializable-snapshot",
    "serializable",
    "repeatable-reads",
  ];
  test.each(LEVELS)("%s: transfers at once keep the sum", async (isolation) => {
    const client = clientOf().namespace(`stm/${isolation}/`);
    const accounts = ["a", "b", "c"];
    for (const name of accounts) await client.put(name, "100");
    const transfer = (from: string, to: string) =>
      client.stm(
        async (tx) => {
          const [left, right] = await tx.getAll([from, to]);
          tx.put(from, String(Number(textFrom(left ?? new Uint8Array(0))) - 10));
          tx.put(to, String(Number(textFrom(right ?? new Uint8Array(0))) + 10));
        },
        { isolation, prefetch: [from, to], deadlineMs: WAIT_MS_MAX, attemptsMax: 1_000 },
      );
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        transfer(accounts[at % 3] ?? "a", accounts[(at + 1) % 3] ?? "b"),
      ),
    );
    expect(answers.some(({ attempts }) => attempts > 1)).toBe(true);
    const { kvs } = await client.range({ prefix: "" });
    expect(kvs.map((kv) => kv.text())).toEqual(["100", "100", "100"]);
  });

  test("what each level lets through", async () => {
    const client = clientOf().namespace("levels/");
    /** Whether a run that meets a change by another commits at once. */
    const commitsAtOnce = async (
      isolation: StmIsolation,
      meets: "a read key" | "a written key",
    ): Promise<boolean> => {
      await client.put("read", "0");
      await client.put("written", "0");
      const { attempts } = await client.stm(
        async (tx) => {
          await tx.get("read");
          if ((await client.get("met")).kv === undefined) {
            await client.put(meets === "a read key" ? "read" : "written", "1");
            await client.put("met", "1");
          }
          tx.put("written", "2");
        },
        { isolation },
      );
      await client.delete("met");
      return attempts === 1;
    };
    expect(await commitsAtOnce("serializable-snapshot", "a read key")).toBe(false);
    expect(await commitsAtOnce("serializable-snapshot", "a written key")).toBe(false);
    expect(await commitsAtOnce("serializable", "a read key")).toBe(false);
    expect(await commitsAtOnce("serializable", "a written key")).toBe(true);
    expect(await commitsAtOnce("repeatable-reads", "a read key")).toBe(false);
    expect(await commitsAtOnce("repeatable-reads", "a written key")).toBe(true);
    expect(await commitsAtOnce("read-committed", "a read key")).toBe(true);
    expect(await commitsAtOnce("read-committed", "a written key")).toBe(true);
  });

  test("a snapshot is of one revision, reads of its own writes are seen, and a loss is told", async () => {
    const client = clientOf().namespace("snap/");
    await client.put("x", "1");
    await client.put("y", "1");
    const seen = await client.stm(async (tx) => {
      const x = await tx.text("x");
      // Behind the back of the first run alone.
      if ((await client.get("met")).kv === undefined) {
        await client.txn({ then: [op.put("x", "2"), op.put("y", "2"), op.put("met", "1")] });
      }
      const y = await tx.text("y");
      tx.put("z", `${x}${y}`);
      tx.put("gone", "1");
      tx.delete("gone");
      expect(await tx.text("z")).toBe(`${x}${y}`);
      expect(await tx.get("gone")).toBeUndefined();
      expect(await tx.modRevision("x")).toBeGreaterThan(0);
      return `${x}${y}`;
    });
    expect(seen).toMatchObject({ result: "22", attempts: 2 });
    expect((await client.get("z")).kv?.text()).toBe("22");
    const lost = await failureOf(
      client.stm(
        async (tx) => {
          tx.put("x", `${await tx.text("x")}!`);
          await client.put("x", "other");
        },
        { attemptsMax: 2 },
      ),
    );
    expect(lost).toMatchObject({ code: "conflict", outcome: "not-applied" });
    expect((await client.get("x")).kv?.text()).toBe("other");
    await expect(
      client.stm(() => {
        throw new Error("the body's own");
      }),
    ).rejects.toThrow("the body's own");
  });
}

function asLock(clientOf: () => Client): void {
  test("a lock is held by one at a time, in order, with growing tokens", async () => {
    const client = clientOf();
    const lock = client.lock("door", { ttlS: 30 });
    const first = await lock.acquire();
    expect(first.isHeld).toBe(true);
    const order: string[] = [];
    const next = async (name: string): Promise<HeldLock> => {
      const held = await client.namespace("").lock("door").acquire();
      order.push(name);
      return held;
    };
    const second = next("second");
    const queued = (count: number) =>
      until(`${count} stand in line`, WAIT_MS_MAX, async () =>
        (await client.range({ prefix: "door/" }, { countOnly: true })).count === count
          ? true
          : undefined,
      );
    await queued(2);
    const third = next("third");
    await queued(3);
    expect((await failureOf(lock.acquire({ deadlineMs: 200 }))).code).toBe("deadline-exceeded");
    const abort = new AbortController();
    const given = lock.acquire({ signal: abort.signal });
    await queued(4);
    abort.abort();
    expect((await failureOf(given)).code).toBe("cancelled");
    await queued(3);
    const guarded = await client.txn({ if: [first.held()], then: [op.put("ledger", "1")] });
    expect(guarded.succeeded).toBe(true);
    expect(await first.unlock()).toBe(true);
    const heldSecond = await second;
    expect(
      (await client.txn({ if: [first.held()], then: [op.put("ledger", "2")] })).succeeded,
    ).toBe(false);
    await heldSecond.unlock();
    const heldThird = await third;
    await heldThird.unlock();
    expect(order).toEqual(["second", "third"]);
    const tokens = [first, heldSecond, heldThird].map(({ fencingToken }) => fencingToken);
    expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => one - other));
    await queued(0);
    expect((await client.leases.list()).ids).toEqual([]);
  });

  test("a lock that is lost says so, to whoever works under it", async () => {
    const client = clientOf();
    const lock = client.namespace("in/").lock("door");
    const worked = lock.withLock(async (held, signal) => {
      await client.delete({ prefix: "in/door/" });
      expect(await held.lost).toEqual({ reason: "deleted" });
      expect(signal.reason).toEqual({ reason: "deleted" });
      expect(held.isHeld).toBe(false);
    });
    expect(await failureOf(worked)).toMatchObject({ code: "lock-expired", outcome: "unknown" });
    const held = await lock.acquire({ ttlS: 30 });
    await client.leases.revoke(held.lease.id);
    expect(["gone", "deleted"]).toContain((await held.lost).reason);
    expect(await held.unlock()).toBe(false);
    expect(await lock.withLock(() => Promise.resolve("done"))).toBe("done");
    // Two locks on one lease, which stays its owner's.
    const lease = client.leases.keepAlive(await client.leases.grant(30));
    const one = await client.lock("one", { lease }).acquire();
    const two = await client.lock("two", { lease }).acquire();
    await one.unlock();
    expect([lease.signal.aborted, two.isHeld]).toEqual([false, true]);
    lease.stop();
    expect((await two.lost).reason).toBe("stopped");
    await client.leases.revoke(lease.id);
  });
}

function asElection(clientOf: () => Client): void {
  test("an election has one leader, observed, and another when that resigns", async () => {
    const client = clientOf();
    const election = client.election("chair", { ttlS: 30 });
    expect(await election.leader()).toBeUndefined();
    const words: string[] = [];
    const abort = new AbortController();
    const observing = (async () => {
      for await (const kv of election.observe({ signal: abort.signal })) words.push(kv.text());
    })();
    const told = (word: string) =>
      until(`"${word}" is heard`, WAIT_MS_MAX, () => (words.at(-1) === word ? true : undefined));
    const ada = await election.campaign("ada");
    await told("ada");
    await ada.proclaim("ada again");
    await told("ada again");
    const standing = election.campaign("bob");
    await until("bob stands", WAIT_MS_MAX, async () =>
      (await client.range({ prefix: "chair/" }, { countOnly: true })).count === 2
        ? true
        : undefined,
    );
    expect((await election.leader())?.text()).toBe("ada again");
    expect(await ada.resign()).toBe(true);
    const bob = await standing;
    await told("bob");
    expect(bob.fencingToken).toBeGreaterThan(ada.fencingToken);
    expect((await failureOf(ada.proclaim("?"))).code).toBe("not-elected");
    await client.leases.revoke(bob.lease.id);
    expect(bob.signal.aborted || (await bob.lost)).toBeTruthy();
    expect(words).toEqual(["ada", "ada again", "bob"]);
    abort.abort();
    expect((await failureOf(observing)).code).toBe("cancelled");
  });
}

function onEither(clientOf: () => Client): void {
  inNamespace(clientOf);
  asStm(clientOf);
  asLock(clientOf);
  asElection(clientOf);
}

describeWith(["etcd", "etcdctl"], "recipes of the client on etcd", () => {
  let etcd: EtcdCluster;
  let client: Client;

  beforeAll(async () => {
    etcd = await EtcdCluster.start(1);
    client = new Client({ endpoints: etcd.endpoints, deadlineMs: WAIT_MS_MAX });
  });

  afterAll(async () => {
    await client.close();
    await etcd.stop();
  });

  onEither(() => client);
});

describe.each(protocolsFor("paxos"))("recipes of the client over %s", (protocol) => {
  let cluster: Cluster;
  let client: Client;

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, flags: ["--consensus", protocol] });
    await cluster.leader();
    const endpoints = cluster.voters.map(({ endpoint }) => endpoint);
    client = new Client({ endpoints, deadlineMs: WAIT_MS_MAX });
  });

  afterAll(async () => {
    await client.close();
    await cluster.stop();
  });

  onEither(() => client);
});
