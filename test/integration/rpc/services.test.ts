// The services as a client meets them: over a real gRPC connection, with a map beneath.
import { afterAll, describe, expect, test } from "@jest/globals";
import { KvError } from "../../../base/index.ts";
import { etcdserverpb, grpc, hansa, METHOD_PATHS, streamingOf } from "../../../proto/index.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { endServed, served, servicesOf } from "./served.ts";

const { RangeRequest, RangeResponse, PutRequest, PutResponse, TxnRequest } = etcdserverpb;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

afterAll(endServed);

async function started(options: Parameters<typeof servicesOf>[1] = {}) {
  const backend = new MemoryBackend();
  return { backend, ...(await served(servicesOf(backend, options), options)) };
}

describe("KV", () => {
  test("a put goes to the log as the very bytes that came, and a range answers with proof", async () => {
    const { backend, client } = await started();
    const request = PutRequest.encode({
      key: bytes("k"),
      value: bytes("v"),
      lease: 2n ** 62n,
    }).finish();
    const put = PutResponse.decode(await client.call("/etcdserverpb.KV/Put", request));
    expect(put.header).toEqual({
      cluster_id: 0xf000_0000_0000_0001n,
      member_id: 5,
      revision: 2,
      raft_term: 7,
      region: "eu",
    });
    expect(backend.writes.map(({ body }) => Buffer.from(body))).toEqual([Buffer.from(request)]);

    const asked = RangeRequest.encode({
      key: bytes("k"),
      read_mode: hansa.v1.ReadMode.LEARNER,
      max_staleness_ms: 0,
      min_revision: 2,
      on_miss: hansa.v1.OnMiss.FAIL,
    }).finish();
    const range = RangeResponse.decode(await client.call("/etcdserverpb.KV/Range", asked));
    expect(range.kvs).toEqual([
      {
        key: bytes("k"),
        value: bytes("v"),
        create_revision: 2,
        mod_revision: 2,
        version: 1,
        lease: 2n ** 62n,
      },
    ]);
    expect(range.count).toBe(1);
    expect(range.proof).toMatchObject({
      used: hansa.v1.ReadMode.INDEX,
      role: hansa.v1.ReadProof.Role.LEADER,
      applied_index: 11,
      staleness_bound_ms: 0,
      clock_drift_max: 0.01,
    });
    expect(backend.ranges.map(({ options }) => options)).toEqual([
      { mode: "learner", maxStalenessMs: 0, minRevision: 2, onMiss: "fail" },
    ]);
  });

  test("a plain etcd request asks for the default mode and any age", async () => {
    const { backend, client } = await started();
    await client.call("/etcdserverpb.KV/Range", RangeRequest.encode({ key: bytes("k") }).finish());
    expect(backend.ranges.map(({ options }) => options)).toEqual([
      { mode: "default", minRevision: 0, onMiss: "wait" },
    ]);
  });

  test("a transaction that cannot write stays out of the log, whatever its depth", async () => {
    const { backend, client } = await started();
    const range = { request_range: { key: bytes("k") } };
    const reading = TxnRequest.encode({
      success: [{ request_txn: { failure: [range] } }],
    }).finish();
    await client.call("/etcdserverpb.KV/Txn", reading);
    expect(backend.readTxns).toHaveLength(1);
    const put = { request_put: { key: bytes("k") } };
    const writing = TxnRequest.encode({ success: [{ request_txn: { failure: [put] } }] }).finish();
    await client.failure("/etcdserverpb.KV/Txn", writing);
    expect(backend.writes.map(({ request }) => request.kind)).toEqual(["txn"]);
  });

  test("refusals have etcd's codes and texts, and say that nothing was done", async () => {
    const { client } = await started({ requestBytesMax: 1000 });
    const sort = 7 as etcdserverpb.RangeRequest.SortOrder;
    const failures = await Promise.all([
      client.failure("/etcdserverpb.KV/Range", RangeRequest.encode({}).finish()),
      client.failure(
        "/etcdserverpb.KV/Range",
        RangeRequest.encode({ key: bytes("k"), sort_order: sort }).finish(),
      ),
      client.failure(
        "/etcdserverpb.KV/Put",
        PutRequest.encode({ key: bytes("k"), value: bytes("v"), ignore_value: true }).finish(),
      ),
      client.failure(
        "/etcdserverpb.KV/Put",
        PutRequest.encode({ key: bytes("k"), value: new Uint8Array(1001) }).finish(),
      ),
      client.failure("/etcdserverpb.KV/Compact", new Uint8Array(0)),
      client.failure("/etcdserverpb.KV/Range", Uint8Array.of(10, 200)),
    ]);
    const trailer = (name: string): string[] =>
      failures.map(({ metadata }) => String(metadata.get(name)[0]));
    expect(failures.map(({ code, details }) => `${code} ${details}`)).toEqual([
      "3 etcdserver: key is not provided",
      "3 etcdserver: invalid sort option",
      "3 etcdserver: value is provided",
      "3 etcdserver: request is too large",
      "11 etcdserver: mvcc: required revision has been compacted",
      expect.stringMatching(/^3 hansa: the message is malformed/),
    ]);
    expect(trailer("hansa-outcome")).toEqual(Array(6).fill("not-applied"));
    expect(trailer("hansa-error")).toEqual([
      "key-not-provided",
      "invalid-sort-option",
      "value-provided",
      "request-too-large",
      "compacted",
      "invalid-argument",
    ]);
  });

  test("a message far above the limit is not read at all", async () => {
    const { client } = await started({ requestBytesMax: 1000 });
    const request = PutRequest.encode({ key: bytes("k"), value: new Uint8Array(600_000) }).finish();
    const { code } = await client.failure("/etcdserverpb.KV/Put", request);
    expect(code).toBe(8);
  });

  test("a miss is forwarded only when asked, once, and as it came", async () => {
    const forwarded: string[] = [];
    const { backend, client } = await started({
      forwardToLeader: (method, request, _, reply) => {
        forwarded.push(method);
        reply(request);
        return true;
      },
    });
    backend.error = new KvError("too-stale", "not-applied", "hansa: the state here is 9 ms old");
    const ask = (on_miss: hansa.v1.OnMiss): Uint8Array =>
      RangeRequest.encode({ key: bytes("k"), on_miss }).finish();
    const failed = await client.failure("/etcdserverpb.KV/Range", ask(hansa.v1.OnMiss.FAIL));
    expect([failed.code, failed.details]).toEqual([9, "hansa: the state here is 9 ms old"]);
    const request = ask(hansa.v1.OnMiss.FORWARD);
    expect(Buffer.from(await client.call("/etcdserverpb.KV/Range", request))).toEqual(
      Buffer.from(request),
    );
    expect(forwarded).toEqual(["/etcdserverpb.KV/Range"]);
  });

  test("a long range streams in parts that together are the whole", async () => {
    const { client } = await started();
    for (const name of ["a", "b", "c"]) {
      const request = { key: bytes(name), value: new Uint8Array(400_000).fill(name.charCodeAt(0)) };
      await client.call("/etcdserverpb.KV/Put", PutRequest.encode(request).finish());
    }
    const all = RangeRequest.encode({ key: bytes("a"), range_end: bytes("\0") }).finish();
    const parts: etcdserverpb.IRangeResponse[] = [];
    for await (const part of client.serverStream("/etcdserverpb.KV/RangeStream", all)) {
      const { range_response } = etcdserverpb.RangeStreamResponse.decode(part as Uint8Array);
      if (range_response) parts.push(range_response);
    }
    expect(parts.map(({ kvs }) => kvs?.length)).toEqual([2, 1]);
    expect(
      parts.map(({ count, proof }) => [count ?? 0, proof !== null && proof !== undefined]),
    ).toEqual([
      [0, false],
      [3, true],
    ]);
    expect(parts.every(({ header }) => header?.revision === 4)).toBe(true);
  });
});

describe("calls", () => {
  test("end by the client's deadline or the server's, whichever is first", async () => {
    const { backend, client } = await started();
    const before = performance.now();
    const request = RangeRequest.encode({ key: bytes("k") }).finish();
    await client.call("/etcdserverpb.KV/Range", request);
    await client.call("/etcdserverpb.KV/Range", request, { "grpc-timeout": "1S" });
    const [own, asked] = backend.ranges.map(({ context }) => context.deadlineAtMs - before);
    expect(own).toBeGreaterThanOrEqual(5_000);
    expect(asked).toBeGreaterThanOrEqual(1_000 - 2);
    expect(asked).toBeLessThan(5_000);
  });

  test("are seen to be abandoned", async () => {
    const { backend, client } = await started();
    backend.held = [];
    const request = RangeRequest.encode({ key: bytes("k") }).finish();
    const failure = await client.failure("/etcdserverpb.KV/Range", request, {
      "grpc-timeout": "30m",
    });
    expect(failure.code).toBe(4);
    const signal = backend.ranges[0]?.context.signal;
    if (signal?.aborted === false) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }
    expect(signal?.aborted).toBe(true);
  });

  test("that require a leader fail at once without one", async () => {
    const { backend, client } = await started();
    backend.leader = 0n;
    const request = RangeRequest.encode({ key: bytes("k") }).finish();
    await client.call("/etcdserverpb.KV/Range", request);
    const failure = await client.failure("/etcdserverpb.KV/Range", request, { hasleader: "true" });
    expect([failure.code, failure.details]).toEqual([14, "etcdserver: no leader"]);
  });

  test("of services that are not there say so, each of them", async () => {
    const backend = new MemoryBackend();
    const services = servicesOf(backend);
    const { client } = await served(services);
    const absent = METHOD_PATHS.filter((path) => services[path] === undefined);
    expect(absent.length).toBeGreaterThan(0);
    for (const path of absent.filter((path) => streamingOf(path) === "unary")) {
      const failure = await client.failure(path, new Uint8Array(0));
      expect([failure.code, failure.details]).toEqual([
        12,
        `hansa: ${path.slice(1)} is not implemented`,
      ]);
    }
    for (const path of absent.filter((path) => streamingOf(path) !== "unary")) {
      const observed = client.serverStream(path, new Uint8Array(0));
      const ended = new Promise<{ code?: number }>((resolve) => observed.on("error", resolve));
      observed.resume();
      expect((await ended).code).toBe(12);
    }
  });
});

describe("the member", () => {
  test("states itself, its cluster and a session", async () => {
    const { client } = await started();
    const status = etcdserverpb.StatusResponse.decode(
      await client.call("/etcdserverpb.Maintenance/Status", new Uint8Array(0)),
    );
    expect(status).toMatchObject({ version: "0.1.0", dbSize: 4096, leader: 5, raftIndex: 12 });
    expect(status.header).toMatchObject({ member_id: 5, revision: 1 });
    const list = etcdserverpb.MemberListResponse.decode(
      await client.call("/etcdserverpb.Cluster/MemberList", new Uint8Array(0)),
    );
    expect(list.members).toMatchObject([{ ID: 0x8e9e_05c5_2164_694dn, name: "n1" }]);
    expect(Object.keys(list.header ?? {})).not.toContain("revision");
    const session = hansa.v1.SessionOpenResponse.decode(
      await client.call(
        "/hansa.v1.Session/Open",
        hansa.v1.SessionOpenRequest.encode({ ttl_ms: 60_000 }).finish(),
      ),
    );
    expect(session).toMatchObject({ session: 9, ttl_ms: 60_000 });
  });

  test("is healthy or not, and watches see each change once", async () => {
    const { backend, client } = await started();
    const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1;
    const named = (service: string): Uint8Array => HealthCheckRequest.encode({ service }).finish();
    const check = await client.call("/grpc.health.v1.Health/Check", named("etcdserverpb.KV"));
    expect(HealthCheckResponse.decode(check).status).toBe(1);
    const unknown = await client.failure("/grpc.health.v1.Health/Check", named("no.such.Service"));
    expect([unknown.code, unknown.details]).toEqual([5, "unknown service"]);

    const watch = client.serverStream("/grpc.health.v1.Health/Watch", named(""));
    const seen: number[] = [];
    for await (const message of watch) {
      seen.push(HealthCheckResponse.decode(message as Uint8Array).status);
      backend.isHealthy = !backend.isHealthy;
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([1, 2, 1]);
  });

  test("refuses health watches beyond its limit", async () => {
    const { client } = await started({ healthWatchesMax: 1 });
    const first = client.serverStream("/grpc.health.v1.Health/Watch", new Uint8Array(0));
    first.on("error", () => undefined);
    await new Promise((resolve) => first.once("data", resolve));
    const second = client.serverStream("/grpc.health.v1.Health/Watch", new Uint8Array(0));
    second.resume();
    const failure = await new Promise<{ code?: number }>((resolve) => second.on("error", resolve));
    expect(failure.code).toBe(8);
    first.cancel();
  });
});

describe("the carrier", () => {
  test("says why it cannot listen", async () => {
    const { port } = await started();
    const second = await started();
    await expect(second.carrier.listen("127.0.0.1", port)).rejects.toThrow("EADDRINUSE");
  });

  test("drains: streams end with the reason, open calls are waited for", async () => {
    const { backend, carrier, client } = await started();
    const watch = client.serverStream("/grpc.health.v1.Health/Watch", new Uint8Array(0));
    const watchEnd = new Promise<{ details?: string }>((resolve) => watch.on("error", resolve));
    await new Promise((resolve) => watch.once("data", resolve));
    backend.held = [];
    const range = client.call(
      "/etcdserverpb.KV/Range",
      RangeRequest.encode({ key: bytes("k") }).finish(),
    );
    const arrived = async (): Promise<void> => {
      while (backend.held?.length === 0) await new Promise((resolve) => setImmediate(resolve));
    };
    await arrived();
    const drained = carrier.drain(5_000);
    expect((await watchEnd).details).toBe("etcdserver: server stopped");
    for (const answer of backend.held) answer();
    expect(RangeResponse.decode(await range).count).toBe(0);
    client.close();
    await drained;
  });
});
