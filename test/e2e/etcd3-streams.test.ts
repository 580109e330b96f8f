// The `etcd3` npm package, unchanged, where it lives on watches and leases: watchers, leases, locks, elections.
// The same tests run on Hansa and on Debian's etcd.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Etcd3, EtcdLockFailedError } from "etcd3";
import type { IKeyValue, Watcher } from "etcd3";
import { Cluster } from "./cluster.ts";
import { EtcdCluster } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 20_000;

/** What a watcher of the package is told, as text. */
function noted(watcher: Watcher): string[] {
  const told: string[] = [];
  watcher.on("put", (kv: IKeyValue, before?: IKeyValue) => {
    told.push(
      `put ${String(kv.key)}=${String(kv.value)}${before ? ` was ${String(before.value)}` : ""}`,
    );
  });
  watcher.on("delete", (kv: IKeyValue) => told.push(`delete ${String(kv.key)}`));
  return told;
}

async function toldOf(told: readonly string[], count: number): Promise<readonly string[]> {
  await until(`${count} events`, WAIT_MS_MAX, () => (told.length >= count ? true : undefined));
  return told;
}

/** Members answer a serializable read by what each has applied, and the package asks whichever comes next. */
async function everyMemberHas(
  key: string,
  value: string,
  endpoints: readonly string[],
): Promise<void> {
  for (const endpoint of endpoints) {
    const member = new Etcd3({ hosts: endpoint });
    await until(`${endpoint} has ${key}`, WAIT_MS_MAX, async () =>
      (await member.get(key).serializable(true).string()) === value ? true : undefined,
    );
    member.close();
  }
}

interface Peer {
  readonly client: Etcd3;
  readonly endpoints: readonly string[];
}

function onEither(peerOf: () => Peer): void {
  const clientOf = () => peerOf().client;

  test("watchers are told what is put and deleted, several over one stream", async () => {
    const client = clientOf();
    const one = await client.watch().key("watched/one").create();
    const all = await client.watch().prefix("watched/").withPreviousKV().create();
    const puts = await client.watch().prefix("watched/").only("put").create();
    const [ofOne, ofAll, ofPuts] = [noted(one), noted(all), noted(puts)];
    await client.put("watched/one").value("1");
    await client.put("watched/two").value("2");
    await client.put("watched/one").value("3");
    await client.delete().key("watched/two");
    expect(await toldOf(ofAll, 4)).toEqual([
      "put watched/one=1",
      "put watched/two=2",
      "put watched/one=3 was 1",
      "delete watched/two",
    ]);
    expect(await toldOf(ofOne, 2)).toEqual(["put watched/one=1", "put watched/one=3"]);
    expect(await toldOf(ofPuts, 3)).toHaveLength(3);
    for (const watcher of [one, all, puts]) await watcher.cancel();
  });

  test("a watcher begins in the past where it is told to", async () => {
    const client = clientOf();
    const { header } = await client.put("past").value("1");
    await client.put("past").value("2");
    const watcher = await client.watch().key("past").startRevision(header.revision).create();
    expect(await toldOf(noted(watcher), 2)).toEqual(["put past=1", "put past=2"]);
    await watcher.cancel();
  });

  test("a lease is kept alive by the package, tells its time, and takes its keys along", async () => {
    const client = clientOf();
    const lease = client.lease(2, { autoKeepAlive: true });
    const renewed = new Promise((resolve) => lease.once("keepaliveSucceeded", resolve));
    await lease.put("leased").value("1");
    await renewed;
    expect(Number((await lease.keepaliveOnce()).TTL)).toBe(2);
    const id = await lease.grant();
    const listed = await client.leaseClient.leaseTimeToLive({ ID: id, keys: true });
    expect(listed.keys.map(String)).toEqual(["leased"]);
    expect((await client.leaseClient.leaseLeases()).leases.map(({ ID }) => ID)).toContain(id);
    await lease.revoke();
    expect(await client.get("leased").exists()).toBe(false);
    const released = client.lease(2, { autoKeepAlive: false });
    await released.put("released").value("1");
    released.release();
    await until("its key is gone", WAIT_MS_MAX, async () =>
      (await client.get("released").exists()) ? undefined : true,
    );
  });

  test("a lease that is lost is told", async () => {
    const client = clientOf();
    const lease = client.lease(2, { autoKeepAlive: true });
    const id = await lease.grant();
    const lost = new Promise<Error>((resolve) => lease.once("lost", resolve));
    await client.leaseClient.leaseRevoke({ ID: id });
    expect((await lost).message).toMatch(/lease/i);
  });

  test("a lock is held by one at a time", async () => {
    const client = clientOf();
    const first = await client.lock("lock").ttl(5).acquire();
    await expect(client.lock("lock").ttl(5).acquire()).rejects.toThrow(EtcdLockFailedError);
    await first.release();
    const second = await client.lock("lock").ttl(5).acquire();
    await second.release();
    expect(await client.lock("lock").do(() => "done")).toBe("done");
  });

  test("an election has one leader, observed, and another when that resigns", async () => {
    const client = clientOf();
    const election = client.election("election", 2);
    const first = election.campaign("first");
    await new Promise((resolve) => first.once("elected", resolve));
    const observer = await election.observe();
    await until("the leader is observed", WAIT_MS_MAX, () =>
      observer.leader() === "first" ? true : undefined,
    );
    const second = client.election("election", 2).campaign("second");
    await first.proclaim("first again");
    expect(await election.leader()).toBe("first again");
    const elected = new Promise((resolve) => second.once("elected", resolve));
    await first.resign();
    await elected;
    await until("the other is observed", WAIT_MS_MAX, () =>
      observer.leader() === "second" ? true : undefined,
    );
    await observer.cancel();
    await second.resign();
  });

  // The package's levels: SerializableSnapshot, Serializable, RepeatableReads, ReadCommitted.
  test.each([0, 1, 2] as const)(
    "software transactions of level %i lose no update",
    async (level) => {
      // Level 1 reads on at its first revision, serializable: another member may not have that yet.
      const member = new Etcd3({ hosts: peerOf().endpoints.slice(0, 1) });
      const space = member.namespace(`stm/${level}/`);
      // Of one revision: the package takes a key that is younger than the oldest it has read for a conflict.
      const puts = [space.put("a").value(50), space.put("b").value(50)];
      await space
        .if("a", "Create", "==", 0)
        .then(...puts)
        .commit();
      const move = () =>
        space.stm({ retries: 100, isolation: level }).transact(async (tx) => {
          const [a, b] = [await tx.get("a").number(), await tx.get("b").number()];
          await tx.put("a").value(Number(a) - 1);
          await tx.put("b").value(Number(b) + 1);
        });
      await Promise.all(Array.from({ length: 6 }, move));
      expect([await space.get("a").number(), await space.get("b").number()]).toEqual([44, 56]);
      member.close();
    },
  );

  test("a software transaction that reads committed values commits whatever has changed", async () => {
    const space = clientOf().namespace("stm/3/");
    await space.put("read").value("before");
    await everyMemberHas("stm/3/read", "before", peerOf().endpoints);
    let runs = 0;
    await space.stm({ isolation: 3, retries: 0 }).transact(async (tx) => {
      runs += 1;
      const seen = await tx.get("read").string();
      await space.put("read").value("after");
      await tx.put("seen").value(String(seen));
      await tx.delete().key("gone");
    });
    expect([runs, await space.get("seen").string()]).toEqual([1, "before"]);
  });

  test("a namespace locks, elects and counts by itself", async () => {
    const client = clientOf();
    const space = client.namespace("space/");
    const held = await space.lock("door").ttl(5).acquire();
    // The same name outside is another lock.
    const outside = await client.lock("door").ttl(5).acquire();
    await expect(space.lock("door").ttl(5).acquire()).rejects.toThrow(EtcdLockFailedError);
    await Promise.all([held.release(), outside.release()]);
    const campaign = space.election("chair", 5).campaign("ada");
    await new Promise((resolve) => campaign.once("elected", resolve));
    expect(await space.election("chair", 5).leader()).toBe("ada");
    expect(await client.election("chair", 5).leader()).toBeUndefined();
    const keys = await client.getAll().prefix("space/election/chair/").keys();
    expect(keys).toHaveLength(1);
    await campaign.resign();
  });

  test("a namespace watches and leases its own keys", async () => {
    const space = clientOf().namespace("team/");
    const watcher = await space.watch().key("lead").create();
    const told = noted(watcher);
    await space.put("lead").value("ada");
    expect(await toldOf(told, 1)).toEqual(["put lead=ada"]);
    await watcher.cancel();
  });
}

describe("watches and leases of the etcd3 package", () => {
  let cluster: Cluster;
  let client: Etcd3;
  let endpoints: readonly string[];

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3 });
    endpoints = cluster.voters.map((member) => `http://${member.endpoint}`);
    client = new Etcd3({ hosts: [...endpoints] });
  });

  afterAll(async () => {
    client.close();
    await cluster.stop();
  });

  onEither(() => ({ client, endpoints }));

  test("a watcher goes on when the members are killed one after the other", async () => {
    const watcher = await client.watch().prefix("alive/").create();
    const told = noted(watcher);
    await client.put("alive/0").value("0");
    await toldOf(told, 1);
    let at = 1;
    for (const member of cluster.voters) {
      await member.kill();
      await cluster.leader();
      await until("a put goes through", WAIT_MS_MAX, async () => {
        await client.put(`alive/${at}`).value(String(at));
        return true;
      });
      await until("it is told", WAIT_MS_MAX, () =>
        told.includes(`put alive/${at}=${at}`) ? true : undefined,
      );
      at += 1;
      member.start();
      await member.ready();
    }
    await watcher.cancel();
  });
});

describeWith(["etcd", "etcdctl"], "the same on etcd", () => {
  let etcd: EtcdCluster;
  let client: Etcd3;

  beforeAll(async () => {
    etcd = await EtcdCluster.start(1);
    client = new Etcd3({ hosts: [...etcd.endpoints] });
  });

  afterAll(async () => {
    client.close();
    await etcd.stop();
  });

  onEither(() => ({ client, endpoints: etcd.endpoints }));
});
