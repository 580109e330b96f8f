// The client library on Debian's etcd: everything that needs no extension of the protocol, and what becomes of
// the extensions on a server that does not know them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Client, KvError, op, operation, when } from "../../client/index.ts";
import type { ReadMode } from "../../client/index.ts";
import { EtcdCluster } from "../e2e/etcd.ts";
import { freePort } from "../e2e/free-port.ts";
import { describeWith } from "../e2e/tools.ts";
import { until } from "../e2e/until.ts";

const MODES: readonly ReadMode[] = [
  "default",
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
];

/** The error of a call that must fail. */
async function failureOf(call: Promise<unknown>): Promise<KvError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KvError)) throw new Error(`expected a KvError, got ${String(error)}`);
  return error;
}

describeWith(["etcd", "etcdctl"], "the client on three etcd members", () => {
  let etcd: EtcdCluster;
  let client: Client;
  let prefix: string;
  let count = 0;

  beforeAll(async () => {
    etcd = await EtcdCluster.start(3);
    client = new Client({ endpoints: etcd.endpoints });
  });

  afterAll(async () => {
    await client.close();
    await etcd.stop();
  });

  beforeEach(() => {
    count += 1;
    prefix = `${count}/`;
  });

  test("put, get, delete, and the pairs that stood before", async () => {
    const key = `${prefix}k`;
    const first = await client.put(key, "1");
    const second = await client.put(key, Uint8Array.of(0xff, 0), { prevKv: true });
    expect(second.revision).toBe(first.revision + 1);
    expect(second.prevKv?.text()).toBe("1");
    const { kv } = await client.get(key);
    expect(kv?.keyText()).toBe(key);
    expect([...(kv?.value ?? [])]).toEqual([0xff, 0]);
    expect(kv).toMatchObject({
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2,
      lease: 0n,
    });
    const gone = await client.delete({ prefix }, { prevKv: true });
    expect(gone.deleted).toBe(1);
    expect(gone.prevKvs.map((pair) => pair.keyText())).toEqual([key]);
    expect((await client.get(key)).kv).toBeUndefined();
    expect((await client.get(key, { revision: first.revision })).kv?.text()).toBe("1");
  });

  test("ranges: limit, order, filters, keys and counts only", async () => {
    for (const [at, letter] of ["a", "b", "c", "d"].entries()) {
      await client.put(prefix + letter, String(9 - at));
    }
    const { kvs } = await client.range({ prefix });
    const names = (pairs: typeof kvs): string =>
      pairs.map((pair) => pair.keyText().slice(prefix.length)).join("");
    expect(names(kvs)).toBe("abcd");
    const limited = await client.range({ prefix }, { limit: 2 });
    expect([names(limited.kvs), limited.more, limited.count]).toEqual(["ab", true, 4]);
    const byValue = await client.range({ prefix }, { sortBy: "value" });
    expect(names(byValue.kvs)).toBe("dcba");
    const backward = await client.range({ prefix }, { order: "descend" });
    expect(names(backward.kvs)).toBe("dcba");
    const half = await client.range({ from: `${prefix}b`, until: `${prefix}d` });
    expect(names(half.kvs)).toBe("bc");
    const minModRevision = kvs[2]?.modRevision ?? 0;
    expect(names((await client.range({ prefix }, { minModRevision })).kvs)).toBe("cd");
    const maxCreateRevision = kvs[1]?.createRevision ?? 0;
    expect(names((await client.range({ prefix }, { maxCreateRevision })).kvs)).toBe("ab");
    const keys = await client.range({ prefix }, { keysOnly: true });
    expect(keys.kvs.map((pair) => pair.value.length)).toEqual([0, 0, 0, 0]);
    expect(await client.range({ prefix }, { countOnly: true })).toMatchObject({
      count: 4,
      kvs: [],
    });
  });

  test("a transaction's results have the shape of its operations, nested ones too", async () => {
    const key = `${prefix}k`;
    const old = `${prefix}old`;
    await client.put(old, "0");
    const answer = await client.txn({
      if: [when.missing(key), when.version(key, "=", 0), when.lease(key, "=", 0n)],
      then: [
        op.put(key, "1"),
        op.get(key),
        op.txn({
          if: [when.missing(key), when.value(old, "=", "0")],
          then: [op.range({ prefix }), op.delete(old, { prevKv: true })],
        }),
      ],
      else: [op.get(key)],
    });
    if (!answer.succeeded) throw new Error("the key is missing");
    const [, read, inner] = answer.results;
    expect(read?.text()).toBe("1");
    if (!inner.succeeded) throw new Error("the conditions hold before any operation");
    expect(inner.results[0].count).toBe(2);
    expect(inner.results[1].prevKvs.map((pair) => pair.text())).toEqual(["0"]);
    const failed = await client.txn({ if: [when.exists(old)], else: [op.get(old)] });
    expect(failed.succeeded).toBe(false);
    expect(failed.results).toEqual([undefined]);
  });

  test("what is asked of a federation is not passed over in silence", async () => {
    const key = `${prefix}n`;
    await client.put(key, "5");
    const counter = client.kinds.counter(key);
    const add = op.operate(key, operation.addToCounter(1n));
    const unheard: readonly (readonly [Promise<unknown>, KvError["outcome"]])[] = [
      [counter.add(1n), "not-applied"],
      [client.txn({ then: [add] }), "applied"],
      [client.put(`${prefix}w`, "1", { writeRegions: 2 }), "applied"],
      [client.get(key, { readRegions: 2 }), "not-applied"],
      [client.get(key, { causalToken: new Uint8Array(0) }), "not-applied"],
      [client.get(key, { siblings: true }), "not-applied"],
    ];
    for (const [call, outcome] of unheard) {
      expect(await failureOf(call)).toMatchObject({ code: "unimplemented", outcome });
    }
    expect((await client.get(key)).kv?.text()).toBe("5");
    // A key that is not there is not made.
    const { code } = await failureOf(client.kinds.counter(`${prefix}none`).add(1n));
    expect(code).toBe("key-not-found");
    expect((await failureOf(client.ids.allocate(1))).code).toBe("unimplemented");
  });

  test("conditions on every target hold and fail as etcd judges them", async () => {
    const key = `${prefix}k`;
    const { revision } = await client.put(key, "m");
    const holds = async (condition: ReturnType<typeof when.value>): Promise<boolean> =>
      (await client.txn({ if: [condition] })).succeeded;
    expect(await holds(when.modRevision(key, "=", revision))).toBe(true);
    expect(await holds(when.createRevision(key, "<", revision))).toBe(false);
    expect(await holds(when.version(key, ">", 0))).toBe(true);
    expect(await holds(when.value(key, "!=", "m"))).toBe(false);
    expect(await holds(when.value({ prefix }, "<", "n"))).toBe(true);
    expect(await holds(when.value(`${prefix}absent`, "!=", "m"))).toBe(false);
    expect(await holds(when.lease(key, "!=", 0n))).toBe(false);
  });

  test.each(MODES)(
    "mode %s is answered, at least as strongly as asked, without a proof",
    async (mode) => {
      const { revision } = await client.put(`${prefix}k`, mode);
      const answer = await client.get(`${prefix}k`, { mode, minRevision: revision });
      expect(answer.kv?.text()).toBe(mode);
      expect(answer.proof).toBeUndefined();
    },
  );

  test("local reads are spread over the members, linearizable ones go to the leader", async () => {
    await client.put(`${prefix}k`, "1");
    await until("every member is known", 10_000, async () => {
      await client.get(`${prefix}k`, { mode: "local" });
      const members = client.knownMembers();
      const roles = members.map(({ role }) => role).sort();
      return roles.join() === "follower,follower,leader" ? true : undefined;
    });
    const answered = new Set<bigint>();
    for (let at = 0; at < 9; at += 1) {
      answered.add((await client.get(`${prefix}k`, { mode: "local" })).header.memberId);
    }
    expect(answered.size).toBe(3);
    const leader = client.knownMembers().find(({ role }) => role === "leader")?.memberId;
    const { header } = await client.get(`${prefix}k`);
    expect(header.memberId).toBe(leader);
    const follower = await client.get(`${prefix}k`, { mode: "follower" });
    expect(follower.header.memberId).not.toBe(leader);
  });

  test("a monotonic client reads its own writes from any member", async () => {
    const monotonic = new Client({ endpoints: etcd.endpoints, monotonic: true });
    try {
      for (let at = 1; at <= 30; at += 1) {
        await monotonic.put(`${prefix}k`, String(at));
        const { kv, revision } = await monotonic.get(`${prefix}k`, { mode: "local" });
        expect(kv?.text()).toBe(String(at));
        expect(revision).toBeGreaterThanOrEqual(monotonic.seenRevision - 1);
      }
    } finally {
      await monotonic.close();
    }
  });

  describe("misses, which etcd does not know of", () => {
    const future = 1_000_000_000;

    test.each(["fail", "forward", "wait"] as const)(
      "minRevision of the future, %s",
      async (onMiss) => {
        const options = { minRevision: future, onMiss, deadlineMs: 400 } as const;
        const error = await failureOf(client.get("k", options));
        expect(error).toMatchObject({ code: "not-committed", outcome: "not-applied" });
      },
    );

    test("an age bound: local answers prove none, others need none", async () => {
      const bound = { maxStalenessMs: 60_000, onMiss: "fail" } as const;
      expect(await failureOf(client.get("k", { ...bound, mode: "local" }))).toMatchObject({
        code: "too-stale",
      });
      await client.get("k", { ...bound, mode: "learner" });
      await client.get("k", { ...bound, mode: "local", onMiss: "forward" });
    });
  });

  test.each([
    ["compacted", () => client.get("k", { revision: 1 })],
    ["future-revision", () => client.get("k", { revision: 1_000_000_000 })],
    ["key-not-found", () => client.put("no such key", "", { ignoreValue: true })],
    ["lease-not-found", () => client.put("k", "v", { lease: 12345n })],
    ["duplicate-key", () => client.txn({ then: [op.put("d", "1"), op.put("d", "2")] })],
    [
      "too-many-operations",
      () => client.txn({ then: Array.from({ length: 129 }, (_, at) => op.put(`${at}`, "")) }),
    ],
    ["request-too-large", () => client.put("k", new Uint8Array(1.5 * 1024 * 1024 + 1))],
    ["key-not-provided", () => client.put("", "v")],
    ["value-provided", () => client.put("k", "v", { ignoreValue: true })],
    ["lease-provided", () => client.put("k", "v", { lease: 1n, ignoreLease: true })],
    ["invalid-argument", () => client.get("k", { revision: -1 })],
    ["invalid-argument", () => client.get("k", { deadlineMs: 0 })],
    ["invalid-argument", () => client.get("k", { maxStalenessMs: 0.5 })],
    ["invalid-argument", () => client.status("nowhere")],
  ] as const)("%s is refused and not applied", async (code, call) => {
    if (code === "compacted") {
      const { revision } = await client.put("k", "v");
      await client.compact(revision);
    }
    expect(await failureOf(call())).toMatchObject({ code, outcome: "not-applied" });
  });

  test("compacting again is refused", async () => {
    const { revision } = await client.put("k", "v");
    expect((await client.compact(revision, { physical: true })).revision).toBe(revision);
    expect(await failureOf(client.compact(revision))).toMatchObject({ code: "compacted" });
  });

  test("status of a member and the members of the cluster", async () => {
    const { members } = await client.members();
    expect(members.map(({ name }) => name).sort()).toEqual(["etcd1", "etcd2", "etcd3"]);
    const statuses = await Promise.all(etcd.endpoints.map((endpoint) => client.status(endpoint)));
    expect(new Set(statuses.map(({ header }) => header.memberId)).size).toBe(3);
    expect(members.map(({ id }) => id)).toContain(statuses[0]?.leader);
  });

  test("one endpoint is enough to find the others, by other names too", async () => {
    const [first = ""] = etcd.endpoints;
    const alias = first.replace("127.0.0.1", "localhost");
    const found = new Client({ endpoints: [alias] });
    try {
      await found.get("k", { mode: "follower" });
      await until("three members are known", 10_000, async () => {
        await found.get("k", { mode: "local" });
        return found.knownMembers().length === 3 ? true : undefined;
      });
      expect(found.knownMembers().map(({ address }) => address)).toContain(
        alias.replace("http://", ""),
      );
    } finally {
      await found.close();
    }
  });

  test("without discovery only the given endpoint is asked", async () => {
    const [first = ""] = etcd.endpoints;
    const alone = new Client({ endpoints: [first], discover: false });
    try {
      const own = (await alone.status()).header.memberId;
      for (const mode of MODES) {
        expect((await alone.get("k", { mode })).header.memberId).toBe(own);
      }
      expect(alone.knownMembers()).toHaveLength(1);
    } finally {
      await alone.close();
    }
  });

  test("a dead endpoint beside live ones costs nothing but a try", async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const mixed = new Client({ endpoints: [dead, ...etcd.endpoints], discover: false });
    try {
      // Writes too: a connection that was refused has carried nothing.
      await mixed.put(`${prefix}k`, "1");
      expect((await mixed.get(`${prefix}k`)).kv?.text()).toBe("1");
      for (let at = 0; at < 8; at += 1) await mixed.get(`${prefix}k`, { mode: "local" });
    } finally {
      await mixed.close();
    }
  });

  test("nobody there: unavailable within the deadline, nothing applied", async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const lost = new Client({ endpoints: [dead], deadlineMs: 300 });
    try {
      expect(await failureOf(lost.put("k", "v"))).toMatchObject({
        code: "unavailable",
        outcome: "not-applied",
      });
      expect(await failureOf(lost.get("k"))).toMatchObject({ code: "unavailable" });
    } finally {
      await lost.close();
    }
  });

  test("a member that never answers: the read goes elsewhere, the write stays unknown", async () => {
    const [first] = etcd.members;
    const [endpoint = "", ...others] = etcd.endpoints;
    const single = { endpoints: [endpoint], discover: false, attemptMs: 200 };
    const stuck = new Client({ ...single, writes: "never" });
    const all = new Client({ endpoints: [endpoint, ...others], discover: false, attemptMs: 200 });
    try {
      await stuck.get("k");
      await all.get("k", { mode: "local" });
      first?.signal("SIGSTOP");
      for (let at = 0; at < 6; at += 1) await all.get("k", { mode: "local" });
      expect(await failureOf(stuck.put("k", "late", { deadlineMs: 500 }))).toMatchObject({
        code: "deadline-exceeded",
        outcome: "unknown",
      });
      expect(await failureOf(stuck.get("k", { deadlineMs: 500 }))).toMatchObject({
        code: "deadline-exceeded",
        outcome: "not-applied",
      });
    } finally {
      first?.signal("SIGCONT");
      await Promise.all([stuck.close(), all.close()]);
    }
  });

  test("a signal ends a call, before it begins and while it waits", async () => {
    const future = { minRevision: 1_000_000_000, deadlineMs: 60_000 };
    const aborter = new AbortController();
    const waiting = failureOf(client.get("k", { ...future, signal: aborter.signal }));
    aborter.abort();
    expect(await waiting).toMatchObject({ code: "cancelled", outcome: "not-applied" });
    const late = failureOf(client.put("k", "v", { signal: aborter.signal }));
    expect(await late).toMatchObject({ code: "cancelled", outcome: "not-applied" });
  });

  test("close ends calls that wait, and lets none begin", async () => {
    const closing = new Client({ endpoints: etcd.endpoints });
    await closing.get("k");
    const waiting = failureOf(closing.get("k", { minRevision: 1_000_000_000, deadlineMs: 60_000 }));
    await Promise.all([closing.close(), closing.close()]);
    expect(await waiting).toMatchObject({ code: "cancelled" });
    expect(await failureOf(closing.get("k"))).toMatchObject({ code: "cancelled" });
  });

  test("an answer above the client's bound is refused once, not asked for again and again", async () => {
    const limits = { answerBytesMax: 1_000 };
    const small = new Client({ endpoints: etcd.endpoints, limits });
    try {
      await small.put(`${prefix}k`, "v".repeat(2_000));
      expect(await failureOf(small.get(`${prefix}k`))).toMatchObject({ code: "request-too-large" });
    } finally {
      await small.close();
    }
  });

  test("more calls than fit at once wait in line and all end", async () => {
    const limits = { inFlightMax: 4, queuedMax: 200 };
    const narrow = new Client({ endpoints: etcd.endpoints, limits });
    try {
      const puts = Array.from({ length: 200 }, (_, at) => narrow.put(`${prefix}${at}`, "v"));
      await Promise.all(puts);
      expect((await narrow.range({ prefix }, { countOnly: true })).count).toBe(200);
    } finally {
      await narrow.close();
    }
  });
});
