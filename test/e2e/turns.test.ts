// Locks and elections as others take part in them: Debian's etcdctl, the Lock and Election services on the wire,
// `hansa lock` and `hansa elect`, the client library; all in one queue. On etcd and Hansa alike where both have it.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceError } from "@grpc/grpc-js";
import { Client } from "../../client/index.ts";
import { Child, finish } from "./child.ts";
import { Cluster, MAIN, protocolsFor } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { QueueClient } from "./queue-client.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const text = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString();

async function failure(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { code, details } = error as ServiceError;
  return `${code} ${details}`;
}

interface Side {
  readonly client: Client;
  /** At a member of its own each. */
  readonly wires: readonly [QueueClient, QueueClient];
  readonly endpoints: string;
}

async function standing({ client }: Side, prefix: string, count: number): Promise<void> {
  await until(`${count} under ${prefix}`, WAIT_MS_MAX, async () =>
    (await client.range({ prefix }, { countOnly: true })).count === count ? true : undefined,
  );
}

function onEither(sideOf: () => Side): void {
  test("the Lock service hands a lock from member to member", async () => {
    const side = sideOf();
    const [one, other] = side.wires;
    const { id } = await side.client.leases.grant(60);
    const first = await one.lock("wired", 0n);
    expect(text(first.key)).toMatch(/^wired\/[0-9a-f]+$/);
    const second = other.lock("wired", id);
    await standing(side, "wired/", 2);
    expect(await failure(other.lock("wired", 0x7777n))).toMatch(/requested lease not found$/);
    await one.unlock(first.key);
    expect(text((await second).key)).toBe(`wired/${id.toString(16)}`);
    // A lock of the same lease is the same lock, and a client that gives up leaves no place behind.
    expect(text((await one.lock("wired", id)).key)).toBe(`wired/${id.toString(16)}`);
    expect(await failure(one.lock("wired", 0n, 300))).toMatch(/^4 /);
    await standing(side, "wired/", 1);
    await one.unlock((await second).key);
    await side.client.leases.revoke(id);
  });

  test("the Election service elects, proclaims and resigns, with etcd's errors", async () => {
    const side = sideOf();
    const [one, other] = side.wires;
    expect(await failure(one.leader("wired-chair"))).toBe("2 election: no leader");
    expect(await failure(one.proclaim(undefined, "x"))).toBe('2 "leader" field must be provided');
    expect(await failure(one.resign(undefined))).toBe('2 "leader" field must be provided');
    const { id } = await side.client.leases.grant(60);
    const { id: otherId } = await side.client.leases.grant(60);
    const ada = (await one.campaign("wired-chair", id, "ada")).leader ?? undefined;
    expect(text(ada?.key)).toBe(`wired-chair/${id.toString(16)}`);
    const bob = other.campaign("wired-chair", otherId, "bob");
    await standing(side, "wired-chair/", 2);
    await other.proclaim(ada, "ada again");
    const { kv } = await other.leader("wired-chair");
    expect([text(kv?.value), kv?.create_revision]).toEqual(["ada again", ada?.rev]);
    await one.resign(ada);
    const elected = (await bob).leader ?? undefined;
    expect(text((await one.leader("wired-chair")).kv?.value)).toBe("bob");
    expect(await failure(one.proclaim(ada, "?"))).toBe("2 election: not leader");
    await one.resign(elected);
    for (const lease of [id, otherId]) await side.client.leases.revoke(lease);
  });

  test("etcdctl lock holds, waits, runs a command and passes on how it ended", async () => {
    const side = sideOf();
    const ctl = (...args: readonly string[]): Child =>
      new Child("etcdctl", ["--endpoints", side.endpoints, ...args], { ETCDCTL_API: "3" });
    const ran = await etcdctl(side.endpoints, [
      ...["lock", "ctl", "--", "sh", "-c"],
      'echo "$ETCD_LOCK_KEY holds"; exit 3',
    ]);
    expect(ran.stdout).toMatch(/^ctl\/[0-9a-f]+ holds$/m);
    expect(ran.exit.code).not.toBe(0);
    const first = ctl("lock", "ctl");
    await first.line(/^ctl\//, WAIT_MS_MAX);
    const second = ctl("lock", "ctl");
    await standing(side, "ctl/", 2);
    // The client library stands in the same line.
    const third = side.client.lock("ctl").acquire();
    await standing(side, "ctl/", 3);
    first.signal("SIGINT");
    await second.line(/^ctl\//, WAIT_MS_MAX);
    second.signal("SIGINT");
    await Promise.all([first.exited, second.exited]);
    await (await third).unlock();
  });

  test("etcdctl elect stands, is observed, and makes way", async () => {
    const side = sideOf();
    const ctl = (...args: readonly string[]): Child =>
      new Child("etcdctl", ["--endpoints", side.endpoints, ...args], { ETCDCTL_API: "3" });
    const listener = ctl("elect", "ctl-chair", "--listen");
    const first = ctl("elect", "ctl-chair", "ada");
    await first.line(/^ada$/, WAIT_MS_MAX);
    await listener.line(/^ada$/, WAIT_MS_MAX);
    const second = ctl("elect", "ctl-chair", "bob");
    await standing(side, "ctl-chair/", 2);
    expect((await side.client.election("ctl-chair").leader())?.text()).toBe("ada");
    first.signal("SIGINT");
    await second.line(/^bob$/, WAIT_MS_MAX);
    await listener.line(/^bob$/, WAIT_MS_MAX);
    for (const child of [second, listener]) child.signal("SIGINT");
    await Promise.all([first, second, listener].map((child) => child.exited));
    await standing(side, "ctl-chair/", 0);
  });
}

describeWith(["etcd", "etcdctl"], "turns on etcd", () => {
  let etcd: EtcdCluster;
  let side: Side;

  beforeAll(async () => {
    etcd = await EtcdCluster.start(1);
    const [url = ""] = etcd.endpoints;
    const endpoint = url.replace("http://", "");
    const client = new Client({ endpoints: etcd.endpoints, deadlineMs: WAIT_MS_MAX });
    side = {
      client,
      endpoints: endpoint,
      wires: [new QueueClient(endpoint), new QueueClient(endpoint)],
    };
  });

  afterAll(async () => {
    for (const wire of side.wires) wire.close();
    await side.client.close();
    await etcd.stop();
  });

  onEither(() => side);
});

describeWith(["etcd", "etcdctl"], "turns on Hansa", () => {
  describe.each(protocolsFor("paxos"))("over %s", (protocol) => {
    let cluster: Cluster;
    let side: Side;

    beforeAll(async () => {
      cluster = await Cluster.start({ voters: 3, flags: ["--consensus", protocol] });
      const leader = await cluster.leader();
      const follower = cluster.voters.find((member) => member !== leader) ?? leader;
      side = {
        client: new Client({ endpoints: cluster.endpoints.split(","), deadlineMs: WAIT_MS_MAX }),
        endpoints: cluster.endpoints,
        wires: [new QueueClient(follower.endpoint), new QueueClient(leader.endpoint)],
      };
    });

    afterAll(async () => {
      for (const wire of side.wires) wire.close();
      await side.client.close();
      await cluster.stop();
    });

    onEither(() => side);

    // etcd 3.4 answers the waiting call, whose lease is gone, with the lock (etcd#11456).
    test("the Lock service names the fencing token, and tells at once of a lease that ended", async () => {
      const [one, other] = side.wires;
      const first = await one.lock("fenced", 0n);
      const { kv } = await side.client.get(text(first.key));
      expect(first.create_revision).toBe(kv?.createRevision);
      const { id } = await side.client.leases.grant(60);
      const waiting = failure(other.lock("fenced", id));
      await standing(side, "fenced/", 2);
      await side.client.leases.revoke(id);
      expect(await waiting).toBe("2 mutex: session is expired");
      await one.unlock(first.key);
    });

    test("hansa lock and hansa elect stand in the same lines", async () => {
      const hansa = (...args: readonly string[]): Child =>
        new Child(process.execPath, [MAIN, ...args, "--endpoints", side.endpoints]);
      const ran = await finish(process.execPath, [
        ...[MAIN, "--endpoints", side.endpoints, "lock", "cli", "--", "sh", "-c"],
        'echo "$HANSA_LOCK_KEY $HANSA_FENCING_TOKEN $ETCD_LOCK_REV"; exit 3',
      ]);
      expect(ran.stdout).toMatch(/^cli\/[0-9a-f]+ (\d+) \1$/m);
      expect(ran.exit.code).toBe(3);
      const held = await side.client.lock("cli").acquire();
      const waiting = hansa("lock", "cli");
      await standing(side, "cli/", 2);
      await held.unlock();
      await waiting.line(/^cli\//, WAIT_MS_MAX);
      waiting.signal("SIGTERM");
      expect(await waiting.exited).toEqual({ code: 0 });
      await standing(side, "cli/", 0);
      const listener = hansa("elect", "cli-chair", "--listen");
      const candidate = hansa("elect", "cli-chair", "ada");
      await candidate.line(/^ada$/, WAIT_MS_MAX);
      await listener.line(/^ada$/, WAIT_MS_MAX);
      // Who loses it is told, and fails.
      await side.client.delete({ prefix: "cli-chair/" });
      expect(await candidate.exited).toEqual({ code: 1 });
      expect(candidate.output).toContain("CAMPAIGN_EXPIRED");
      listener.signal("SIGINT");
      expect(await listener.exited).toEqual({ code: 0 });
      expect((await finish(process.execPath, [MAIN, "elect", "x"])).exit.code).toBe(2);
    });

    test("who waits at a member that stops is told to go elsewhere at once", async () => {
      const stopping = cluster.voters[1] ?? cluster.member("n2");
      const wire = new QueueClient(stopping.endpoint);
      const held = await side.client.lock("stopping").acquire();
      const waiting = failure(wire.lock("stopping", 0n));
      await standing(side, "stopping/", 2);
      await stopping.terminate();
      expect(await waiting).toMatch(/^14 /);
      await held.unlock();
      stopping.start();
      await stopping.ready();
      wire.close();
    });
  });
});
