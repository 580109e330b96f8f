// v3lockpb.Lock and v3electionpb.Election over a real machine: turns, fencing tokens, and what ends a wait.
import { afterAll, describe, expect, test } from "@jest/globals";
import { present } from "../../../base/index.ts";
import type { LeaseId, MemberId } from "../../../base/index.ts";
import { v3electionpb, v3lockpb } from "../../../proto/index.ts";
import type { MethodPath } from "../../../proto/index.ts";
import { until } from "../../e2e/until.ts";
import { del, grant as granted, put, rangeOf, revoke as revoked } from "../../store/requests.ts";
import { MachineBackend } from "./machine-backend.ts";
import { endServed, served, servicesOf } from "./served.ts";
import type { ServedOptions } from "./served.ts";

afterAll(endServed);

const WAIT_MS_MAX = 5_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array | null | undefined): string => Buffer.from(given ?? []).toString();
const LOCK: MethodPath = "/v3lockpb.Lock/Lock";
const CAMPAIGN: MethodPath = "/v3electionpb.Election/Campaign";

async function serving(options: ServedOptions = {}) {
  const backend = new MachineBackend();
  const { client } = await served(servicesOf(backend, options));
  const keys = (): string[] => {
    const found = backend.watches.host.range(rangeOf("\0", { until: "\0" }));
    return "kvs" in found ? found.kvs.map(({ key }) => String(key)) : [];
  };
  return { backend, client, keys };
}

type Serving = Awaited<ReturnType<typeof serving>>;

function grant({ backend }: Serving, ...ids: readonly number[]): void {
  for (const id of ids) backend.run(granted(BigInt(id), 60_000));
}

function revoke({ backend }: Serving, id: number): void {
  backend.run(revoked(BigInt(id)));
}

async function lock({ client }: Serving, lease: number, name = "door") {
  const request = v3lockpb.LockRequest.encode({ name: bytes(name), lease }).finish();
  return v3lockpb.LockResponse.decode(await client.call(LOCK, request));
}

async function unlock({ client }: Serving, key: Uint8Array | null | undefined) {
  const request = v3lockpb.UnlockRequest.encode({ key: key ?? bytes("") }).finish();
  return v3lockpb.UnlockResponse.decode(await client.call("/v3lockpb.Lock/Unlock", request));
}

async function campaign({ client }: Serving, lease: number, value: string) {
  const request = { name: bytes("chair"), lease, value: bytes(value) };
  const sent = v3electionpb.CampaignRequest.encode(request).finish();
  const { leader } = v3electionpb.CampaignResponse.decode(await client.call(CAMPAIGN, sent));
  return present(leader ?? undefined, "the leader's key");
}

/** How a call ends that is expected to fail. */
async function failure(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { code, details } = error as { readonly code: number; readonly details: string };
  return `${code} ${details}`;
}

/** Each that waits watches two keys. */
async function waiting({ backend }: Serving, count: number): Promise<void> {
  await until(`${count} wait`, WAIT_MS_MAX, () =>
    backend.watches.count === 2 * count ? true : undefined,
  );
}

describe("a lock", () => {
  test("that is free is held at once, by a key named for the lease, with a fencing token", async () => {
    const at = await serving();
    grant(at, 0x1234);
    const { key, create_revision, header } = await lock(at, 0x1234);
    expect(text(key)).toBe("door/1234");
    expect(create_revision).toBe(2);
    expect(header?.revision).toBe(2);
    await unlock(at, key);
    expect(at.keys()).toEqual([]);
    expect(await failure(unlock(at, bytes("")))).toBe("3 etcdserver: key is not provided");
  });

  test("goes from turn to turn in the order of asking, and the tokens grow", async () => {
    const at = await serving();
    grant(at, 1, 2, 3);
    const first = await lock(at, 1);
    const second = lock(at, 2);
    await waiting(at, 1);
    const third = lock(at, 3);
    await waiting(at, 2);
    // Keys beside the queue are none of it.
    at.backend.run(put("door", "x"));
    at.backend.run(put("door0", "x"));
    await unlock(at, first.key);
    const held = await second;
    expect(text(held.key)).toBe("door/2");
    await waiting(at, 1);
    await unlock(at, held.key);
    const last = await third;
    const tokens = [first, held, last].map(({ create_revision }) => Number(create_revision));
    expect(tokens).toEqual([...tokens].sort((one, other) => one - other));
    expect(new Set(tokens).size).toBe(3);
    expect(at.backend.watches.count).toBe(0);
  });

  test("passes over one in the middle that gives up", async () => {
    const at = await serving();
    grant(at, 1, 2, 3);
    const first = await lock(at, 1);
    const second = failure(lock(at, 2));
    await waiting(at, 1);
    const third = lock(at, 3);
    await waiting(at, 2);
    revoke(at, 2);
    expect(await second).toBe("2 mutex: session is expired");
    await waiting(at, 1);
    await unlock(at, first.key);
    expect(text((await third).key)).toBe("door/3");
  });

  test("asked for again with the same lease is the same lock", async () => {
    const at = await serving();
    grant(at, 1);
    const first = await lock(at, 1);
    const again = await lock(at, 1);
    expect(again.key).toEqual(first.key);
    expect(again.create_revision).toBe(first.create_revision);
  });

  test("needs a lease that exists", async () => {
    const at = await serving();
    expect(await failure(lock(at, 99))).toBe("5 etcdserver: requested lease not found");
    expect(at.keys()).toEqual([]);
  });

  test("without a lease rests on one of 60 s that the server makes", async () => {
    const at = await serving();
    const { key } = await lock(at, 0);
    expect(text(key)).toBe("door/7");
    const { leases } = at.backend.watches.host.machine;
    expect(leases.get(7n as LeaseId)?.ttlMs).toBe(60_000);
    // Its client goes before its turn: lease and place go too.
    const request = v3lockpb.LockRequest.encode({ name: bytes("door"), lease: 0 }).finish();
    const call = at.client.cancellable(LOCK, request);
    await waiting(at, 1);
    expect(leases.get(8n as LeaseId)).toBeDefined();
    call.cancel();
    await until("the lease is revoked", WAIT_MS_MAX, () =>
      leases.get(8n as LeaseId) === undefined ? true : undefined,
    );
    expect(at.keys()).toEqual(["door/7"]);
    expect(at.backend.watches.count).toBe(0);
  });

  test("is waited for no longer than the client lives, and its place goes with it", async () => {
    const at = await serving();
    grant(at, 1, 2);
    await lock(at, 1);
    const request = v3lockpb.LockRequest.encode({ name: bytes("door"), lease: 2 }).finish();
    const call = at.client.cancellable(LOCK, request);
    await waiting(at, 1);
    expect(at.keys()).toEqual(["door/1", "door/2"]);
    call.cancel();
    await until("its place is gone", WAIT_MS_MAX, () =>
      at.keys().length === 1 ? true : undefined,
    );
  });

  test("is waited for by a bounded number", async () => {
    const at = await serving({ keyWaitsMax: 1 });
    grant(at, 1, 2, 3);
    const { key } = await lock(at, 1);
    const second = lock(at, 2);
    await waiting(at, 1);
    expect(await failure(lock(at, 3))).toBe("8 etcdserver: too many requests");
    expect(at.keys()).toEqual(["door/1", "door/2"]);
    await unlock(at, key);
    await second;
  });

  test("is not waited for at a member that stops, or has had no leader for a while", async () => {
    const stopping = new AbortController();
    const at = await serving({ stopping: stopping.signal, leaderLossMs: 20 });
    grant(at, 1, 2, 3);
    await lock(at, 1);
    const second = failure(lock(at, 2));
    await waiting(at, 1);
    at.backend.leader = 0n;
    expect(await second).toBe("14 etcdserver: no leader");
    at.backend.leader = 5n as MemberId;
    const third = failure(lock(at, 3));
    await waiting(at, 1);
    stopping.abort();
    expect(await third).toBe("14 etcdserver: server stopped");
    expect(await failure(lock(at, 2))).toBe("14 etcdserver: server stopped");
  });
});

describe("an election", () => {
  const leaderOf = async ({ client }: Serving) => {
    const request = v3electionpb.LeaderRequest.encode({ name: bytes("chair") }).finish();
    const answer = await client.call("/v3electionpb.Election/Leader", request);
    return v3electionpb.LeaderResponse.decode(answer);
  };
  const proclaim = ({ client }: Serving, request: v3electionpb.IProclaimRequest) =>
    client.call(
      "/v3electionpb.Election/Proclaim",
      v3electionpb.ProclaimRequest.encode(request).finish(),
    );
  const resign = ({ client }: Serving, request: v3electionpb.IResignRequest) =>
    client.call(
      "/v3electionpb.Election/Resign",
      v3electionpb.ResignRequest.encode(request).finish(),
    );

  test("has a leader, who says who he is, and another when he resigns", async () => {
    const at = await serving();
    grant(at, 1, 2);
    expect(await failure(leaderOf(at))).toBe("2 election: no leader");
    const leader = await campaign(at, 1, "ada");
    expect(text(leader.key)).toBe("chair/1");
    expect(text(leader.name)).toBe("chair");
    expect([leader.rev, leader.lease]).toEqual([2, 1]);
    const second = campaign(at, 2, "bob");
    await waiting(at, 1);
    await proclaim(at, { leader, value: bytes("ada again") });
    expect(text((await leaderOf(at)).kv?.value)).toBe("ada again");
    await resign(at, { leader });
    const next = await second;
    expect(text((await leaderOf(at)).kv?.value)).toBe("bob");
    expect(Number(next.rev)).toBeGreaterThan(Number(leader.rev));
    // What he was says nothing any more, and takes nothing from another.
    expect(await failure(proclaim(at, { leader, value: bytes("?") }))).toBe(
      "2 election: not leader",
    );
    await resign(at, { leader });
    expect(text((await leaderOf(at)).kv?.value)).toBe("bob");
  });

  test("takes a candidate's second word, and keeps the lease of one that names none", async () => {
    const at = await serving();
    grant(at, 1);
    await campaign(at, 1, "first");
    const leader = await campaign(at, 1, "second");
    const { kv } = await leaderOf(at);
    expect(text(kv?.value)).toBe("second");
    await proclaim(at, { leader: { ...leader, lease: 0 }, value: bytes("third") });
    const again = await leaderOf(at);
    expect([text(again.kv?.value), again.kv?.lease]).toEqual(["third", 1]);
  });

  test("is lost by a candidate whose lease ends while he waits", async () => {
    const at = await serving();
    grant(at, 1, 2);
    await campaign(at, 1, "ada");
    const second = failure(campaign(at, 2, "bob"));
    await waiting(at, 1);
    revoke(at, 2);
    expect(await second).toBe("2 election: session is expired");
  });

  test("refuses who shows no leader's key", async () => {
    const at = await serving();
    expect(await failure(proclaim(at, { value: bytes("x") }))).toBe(
      '2 "leader" field must be provided',
    );
    expect(await failure(resign(at, {}))).toBe('2 "leader" field must be provided');
  });

  test("is observed: each leader, and each of his words", async () => {
    const at = await serving();
    grant(at, 1, 2);
    const request = v3electionpb.LeaderRequest.encode({ name: bytes("chair") }).finish();
    const stream = at.client.serverStream("/v3electionpb.Election/Observe", request);
    const seen: string[] = [];
    stream.on("data", (message: Uint8Array) => {
      const { header, kv } = v3electionpb.LeaderResponse.decode(message);
      seen.push(`${text(kv?.value)}@${String(header?.revision)}`);
    });
    stream.on("error", () => undefined);
    const told = (count: number) =>
      until(`${count} words`, WAIT_MS_MAX, () => (seen.length >= count ? true : undefined));
    await until("it is watched", WAIT_MS_MAX, () =>
      at.backend.watches.count === 1 ? true : undefined,
    );
    const leader = await campaign(at, 1, "ada");
    await told(1);
    await proclaim(at, { leader, value: bytes("ada again") });
    await told(2);
    const second = campaign(at, 2, "bob");
    await until("bob stands", WAIT_MS_MAX, () => (at.keys().length === 2 ? true : undefined));
    at.backend.run(del("chair/1"));
    await second;
    await told(3);
    expect(seen).toEqual(["ada@2", "ada again@3", "bob@5"]);
    stream.cancel();
    await until("nothing is watched", WAIT_MS_MAX, () =>
      at.backend.watches.count === 0 ? true : undefined,
    );
  });
});

test("bytes that are no request end the call", async () => {
  const at = await serving();
  for (const path of [LOCK, CAMPAIGN, "/v3electionpb.Election/Leader"] as const) {
    expect(await failure(at.client.call(path, Uint8Array.of(0x0a, 0xff)))).toMatch(/^3 hansa: /);
  }
});
