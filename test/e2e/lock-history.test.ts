// A lock under fire: many take turns while the leader is killed and holders go on after their lease has ended.
// Judged by the history of tokens and of what was written under them.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, KvError, op } from "../../client/index.ts";
import type { HeldLock } from "../../client/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import { breachesOf } from "./lock-history.ts";
import type { GuardedWrite, Hold } from "./lock-history.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 60_000;
const WORKERS = 4;
/** Guarded writes before and after each fault. */
const WRITES_BETWEEN = 10;
const TTL_S = 3;

/** Undefined: an election took longer than the lease has. */
async function acquired(client: Client): Promise<HeldLock | undefined> {
  try {
    return await client.lock("guarded", { ttlS: TTL_S }).acquire();
  } catch (error) {
    if (error instanceof KvError && error.code === "lock-expired") return undefined;
    throw error;
  }
}

test("histories that are no lock's are seen", () => {
  const holds = [
    { client: "a", token: 5 },
    { client: "b", token: 7 },
  ];
  const write = (token: number, revision: number, value: number) => ({ token, revision, value });
  expect(breachesOf(holds, [write(5, 6, 1), write(7, 8, 2)])).toEqual([]);
  expect(breachesOf(holds, [write(7, 8, 1), write(5, 9, 2)])).toEqual([
    "token 5 writes at 9, after 7",
  ]);
  expect(breachesOf(holds, [write(5, 6, 1), write(7, 8, 1)])).toEqual([
    "at 8 stands 1 where 2 must",
  ]);
  expect(breachesOf([...holds, { client: "c", token: 7 }], [write(9, 10, 1)])).toEqual([
    "token 7 is held by b and by c",
    "token 9 writes and is nobody's",
  ]);
});

describe.each(protocolsFor("raft"))("a lock over %s", (protocol) => {
  let cluster: Cluster;
  let clients: Client[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, flags: ["--consensus", protocol] });
    await cluster.leader();
    const endpoints = cluster.voters.map(({ endpoint }) => endpoint);
    clients = Array.from(
      { length: WORKERS + 1 },
      () => new Client({ endpoints, deadlineMs: WAIT_MS_MAX }),
    );
  });

  afterAll(async () => {
    for (const client of clients) await client.close();
    await cluster.stop();
  });

  test("is held by one at a time, through kill -9 of leaders and leases that end", async () => {
    const holds: Hold[] = [];
    const stale: HeldLock[] = [];
    let working = true;
    let expireNext = false;
    /** Reads and writes in two steps, which only the lock makes one. False: it is lost. */
    const step = async (client: Client, lock: HeldLock): Promise<boolean> => {
      const { kv } = await client.get("count");
      const next = Number(kv?.text() ?? "0") + 1;
      const value = JSON.stringify({ token: lock.fencingToken, value: next });
      const { succeeded } = await client.txn({
        if: [lock.held()],
        then: [op.put("count", String(next)), op.put("log", value)],
      });
      return succeeded;
    };
    const work = async (client: Client, name: string): Promise<void> => {
      while (working) {
        const lock = await acquired(client);
        if (lock === undefined) continue;
        holds.push({ client: name, token: lock.fencingToken });
        if (expireNext) {
          // Nobody keeps its lease any more, and it does not know.
          expireNext = false;
          lock.lease.stop();
          stale.push(lock);
          continue;
        }
        for (let at = 0; at < 3 && (await step(client, lock)); at += 1);
        await lock.unlock().catch((error: unknown) => {
          if (!(error instanceof KvError)) throw error;
        });
      }
    };
    const [observer, ...workers] = clients as [Client, ...Client[]];
    const { revision } = await observer.get("log");
    const running = workers.map((client, at) => work(client, `worker ${at}`));
    const written = (count: number) =>
      until(`${count} steps`, WAIT_MS_MAX, async () =>
        Number((await observer.get("count")).kv?.text() ?? "0") >= count ? true : undefined,
      );
    await written(WRITES_BETWEEN);
    const killed = await cluster.leader();
    await killed.kill();
    const again = Number((await observer.get("count")).kv?.text());
    await written(again + WRITES_BETWEEN);
    killed.start();
    expireNext = true;
    await until("a lease is let go", WAIT_MS_MAX, () => (stale.length > 0 ? true : undefined));
    const then = Number((await observer.get("count")).kv?.text());
    await written(then + WRITES_BETWEEN);
    // The holder of old comes back: the store takes nothing of it.
    for (const lock of stale) expect(await step(observer, lock)).toBe(false);
    working = false;
    await Promise.all(running);
    await killed.ready();
    const last = await observer.get("log");
    const writes: GuardedWrite[] = [];
    for await (const { events } of observer.watch("log", { startRevision: revision + 1 })) {
      for (const { kv } of events) {
        const told = JSON.parse(kv.text()) as { readonly token: number; readonly value: number };
        writes.push({ ...told, revision: kv.modRevision });
      }
      if ((writes.at(-1)?.revision ?? 0) >= (last.kv?.modRevision ?? 0)) break;
    }
    expect(writes.length).toBeGreaterThanOrEqual(3 * WRITES_BETWEEN);
    expect(breachesOf(holds, writes)).toEqual([]);
  });
});
