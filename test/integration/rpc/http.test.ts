// HTTP/1.1 on the port that also speaks gRPC: the gateway's calls and streams, the plain endpoints, what browsers
// ask for, WebSocket, and the end. etcd's answers to the same requests: test/e2e/gateway-etcd.test.ts.
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import type { MemberId } from "../../../base/index.ts";
import { KvError } from "../../../base/index.ts";
import { GATEWAY_PATHS } from "../../../rpc/http/gateway-paths.ts";
import type { Call, ServiceTable } from "../../../rpc/index.ts";
import { METHOD_PATHS, streamingOf } from "../../../proto/index.ts";
import { until as untilAsync } from "../../e2e/until.ts";
import { HttpServed, posted } from "./http-served.ts";
import type { HttpServedOptions } from "./http-served.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { put } from "../../store/requests.ts";
import { servicesOf } from "./served.ts";

const WAIT_MS_MAX = 10_000;
const open: HttpServed[] = [];

async function begun(options: Partial<HttpServedOptions> = {}) {
  const backend = new MemoryBackend();
  const services = options.services ?? servicesOf(backend);
  const alarms: { member: MemberId; type: "no-space" | "corrupt" }[] = [];
  const health = { backend, alarms: () => alarms };
  const served = await HttpServed.begin({ health: () => health, ...options, services });
  open.push(served);
  return { backend, served, alarms };
}

function until(what: string, holds: () => boolean): Promise<true> {
  return untilAsync(what, WAIT_MS_MAX, () => (holds() ? true : undefined));
}

afterEach(async () => {
  for (const served of open.splice(0)) {
    await served.end();
    expect(served.http.usage).toEqual({ connections: 0, requests: 0, heldBytes: 0 });
    expect(served.bugs).toEqual([]);
  }
});

const PUT_A = put("a", "1");
const chunkOf = (part: string): string => `${part.length.toString(16)}\r\n${part}\r\n`;
const HEADER =
  '"header":{"cluster_id":"17293822569102704641","member_id":"5","revision":"1","raft_term":"7","region":"eu"}';

describe("a call that answers once", () => {
  test("goes to the service and back as etcd's gateway writes it, under each prefix", async () => {
    const { served, backend } = await begun();
    for (const prefix of ["/v3", "/v3beta", "/v3alpha"]) {
      const { status, text, headers } = await served.ask(
        `${prefix}/lease/timetolive`,
        '{"ID":"7","keys":true}',
      );
      expect([status, text]).toEqual([200, `{${HEADER},"ID":"7","TTL":"-1"}`]);
      expect(headers.get("content-type")).toBe("application/json");
    }
    const put = await served.ask("/v3/kv/put", '{"key":"Zm9v","value":"YmFy","lease":0}');
    expect(put.status).toBe(200);
    expect(backend.writes.at(-1)?.request).toMatchObject({ kind: "put" });
  });

  test("takes an empty body for an empty request, and the older of two paths", async () => {
    const { served } = await begun();
    const none = await served.ask("/v3/kv/lease/leases", "");
    expect([none.status, none.text]).toEqual([200, `{${HEADER}}`]);
  });

  test("that fails says so in the words of both gateways, and Hansa's in headers", async () => {
    const { served, backend } = await begun();
    const message = "etcdserver: key is not provided";
    const refused = await served.ask("/v3/kv/range", "{}");
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      400,
      { error: message, message, code: 3, details: [] },
    ]);
    const cases = [
      ["lease-not-found", 404],
      ["leader-changed", 503],
      ["too-many-requests", 429],
      ["not-leader", 412],
      ["compacted", 400],
      ["corrupt", 500],
      ["deadline-exceeded", 504],
      ["permission-denied", 403],
      ["invalid-token", 401],
      ["unimplemented", 501],
    ] as const;
    for (const [code, status] of cases) {
      backend.error = new KvError(code, "unknown", "");
      const failed = await served.ask("/v3/kv/range", '{"key":"YQ=="}');
      expect([code, failed.status]).toEqual([code, status]);
      expect(failed.headers.get("hansa-error")).toBe(code);
      expect(failed.headers.get("hansa-outcome")).toBe("unknown");
    }
  });

  test("that is no JSON, no such message or too large is refused before any service", async () => {
    const { served, backend } = await begun({ messageBytesMax: 1_000 });
    const refusal = async (body: string): Promise<unknown> => {
      const { status, text } = await served.ask("/v3/kv/put", body);
      return [status, (JSON.parse(text) as { readonly message: string }).message];
    };
    expect(await refusal('{"key":')).toEqual([
      400,
      "hansa: JSON: the end at character 7; expected a value",
    ]);
    expect(await refusal('{"key":"YQ=="} {}')).toEqual([
      400,
      'hansa: JSON: "{}" at character 15; expected the end',
    ]);
    expect(await refusal(`{"value":"${"A".repeat(1_400)}"}`)).toEqual([
      429,
      "grpc: received message larger than max (1053 vs. 1000)",
    ]);
    expect(await refusal(`{"value":"${"A".repeat(3_000)}"}`)).toEqual([
      413,
      "hansa: the body has 3012 bytes or more; at most 2000 are taken",
    ]);
    expect(backend.writes).toEqual([]);
  });

  test("carries headers as metadata: the token, hasleader, and a deadline", async () => {
    const calls: Call[] = [];
    const services: ServiceTable = {
      "/etcdserverpb.KV/Range": { kind: "unary", handle: (_, call) => void calls.push(call) },
      "/etcdserverpb.KV/Put": {
        kind: "unary",
        handle: (bytes, call, reply) => {
          calls.push(call);
          reply(bytes);
        },
      },
    };
    const { served } = await begun({ services });
    const put = async (headers: Record<string, string>): Promise<Call | undefined> => {
      await served.ask("/v3/kv/put", "{}", { headers });
      return calls.at(-1);
    };
    const bare = await put({ authorization: "token.7", "grpc-metadata-hasleader": "true" });
    expect(bare?.header("token")).toBe("token.7");
    expect(bare?.header("hasleader")).toBe("true");
    expect((await put({ authorization: "Bearer token.8" }))?.header("token")).toBe("token.8");
    expect((await put({ "grpc-metadata-token": "token.9" }))?.header("token")).toBe("token.9");
    expect((await put({ token: "x", hasleader: "true" }))?.header("token")).toBeUndefined();
    expect(calls.at(-1)?.header("hasleader")).toBeUndefined();
    expect(calls.at(-1)?.caller).toEqual({ kind: "nobody" });

    const late = await served.ask("/v3/kv/range", "{}", { headers: { "grpc-timeout": "5m" } });
    expect([late.status, (JSON.parse(late.text) as { code: number }).code]).toEqual([504, 4]);
    expect(calls.at(-1)?.signal.aborted).toBe(true);
    const odd = await served.ask("/v3/kv/range", "{}", { headers: { "grpc-timeout": "soon" } });
    expect([odd.status, odd.text]).toEqual([
      400,
      '{"error":"invalid grpc-timeout: soon","message":"invalid grpc-timeout: soon","code":3,"details":[]}',
    ]);
  });

  test("whose client goes is told so", async () => {
    const calls: Call[] = [];
    const { served } = await begun({
      services: {
        "/etcdserverpb.KV/Range": { kind: "unary", handle: (_, call) => void calls.push(call) },
      },
    });
    const connection = served.dial();
    connection.send(posted("/v3/kv/range", "{}"));
    await until("the call has come", () => calls.length === 1);
    connection.end();
    await until("it is aborted", () => calls[0]?.signal.aborted === true);
  });
});

describe("a stream", () => {
  test("of several objects in a body answers in lines, and ends when all is answered", async () => {
    const { served } = await begun();
    const { status, text } = await served.ask("/v3/lease/keepalive", '{"ID":"1"}\n{"ID":2}');
    const line = (id: number): string => `{"result":{${HEADER},"ID":"${id}"}}\n`;
    expect([status, text]).toEqual([200, line(1) + line(2)]);
    expect((await served.ask("/v3/lease/keepalive", "")).text).toBe("");
  });

  test("that watches goes on after its body, a chunk for each answer, until the client goes", async () => {
    const { served, backend } = await begun();
    const connection = served.dial();
    connection.send(posted("/v3/watch", '{"create_request":{"key":"YQ=="}}'));
    await until("it is created", () => connection.said.includes('"created":true'));
    await served.ask("/v3/kv/put", '{"key":"YQ==","value":"MQ=="}');
    backend.watches.run(PUT_A);
    await until("it is told", () => connection.said.includes('"events"'));
    const chunks = connection.said.split("\r\n\r\n").slice(1).join("\r\n\r\n").split("\r\n");
    const lines = chunks.filter((chunk) => chunk.startsWith("{"));
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual([
      ["result"],
      ["result"],
    ]);
    connection.end();
    await until("its watch is gone", () => backend.watches.count === 0);
  });

  test("takes objects as they come, cut anywhere, while it answers", async () => {
    const { served, backend } = await begun();
    const connection = served.dial();
    connection.send("POST /v3/watch HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
    const text = '{"create_request":{"key":"a\\"}{"}} {"create_request":{"key":"Yg=="}}';
    for (const part of text.match(/.{1,7}/g) ?? []) {
      connection.send(chunkOf(part));
    }
    await until("one is refused", () => connection.said.includes('"error"'));
    expect(connection.said).toContain("expected base64");
    const again = served.dial();
    again.send("POST /v3/watch HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
    const two = '{"create_request":{"key":"YQ=="}}{"create_request":{"key":"Yg==","watch_id":9}}';
    for (const part of two.match(/.{1,5}/g) ?? []) {
      again.send(chunkOf(part));
    }
    await until("both are created", () => again.said.split('"created":true').length === 3);
    expect(backend.watches.count).toBe(2);
    for (const part of ['{"cancel_request":{"watch_', 'id":9}}\n']) again.send(chunkOf(part));
    await until("one is cancelled", () => backend.watches.count === 1);
    again.end();
    connection.end();
    await until("none is left", () => backend.watches.count === 0);
  });

  test("that fails before its first answer has HTTP's status, and afterwards a line", async () => {
    const { served, backend } = await begun();
    backend.leader = 0n;
    const headers = { "grpc-metadata-hasleader": "true" };
    const refused = await served.ask("/v3/watch", '{"create_request":{}}', { headers });
    const error = {
      grpc_code: 14,
      http_code: 503,
      message: "etcdserver: no leader",
      http_status: "Service Unavailable",
      code: 14,
      details: [],
    };
    expect([refused.status, JSON.parse(refused.text)]).toEqual([503, { error }]);
    const later = await served.ask("/v3/watch", '{"create_request":{"key":"YQ=="}}', {
      headers: { "grpc-timeout": "50m" },
    });
    const [first = "", second = ""] = later.text.split("\n");
    expect(later.status).toBe(200);
    expect(first).toContain('"created":true');
    expect(JSON.parse(second)).toMatchObject({ error: { grpc_code: 4, http_code: 504 } });
  });

  test("of a method with one request takes one object, or none", async () => {
    const { served } = await begun();
    const snapshot = await served.ask("/v3/maintenance/snapshot", "");
    expect(snapshot.status).toBe(503);
    const two = await served.ask("/v3/maintenance/snapshot", "{}{}");
    expect([two.status, two.text]).toEqual([400, expect.stringContaining("expected the end")]);
  });
});

describe("the plain endpoints", () => {
  test("say what this is, in digits that clients compute with", async () => {
    const { served } = await begun();
    const { status, text } = await served.ask("/version");
    expect([status, text]).toEqual([
      200,
      '{"etcdserver":"3.4.0","etcdcluster":"3.4.0","hansa":"0.1.0"}',
    ]);
    const wrong = await served.ask("/version", "");
    expect([wrong.status, wrong.text, wrong.headers.get("allow")]).toEqual([
      405,
      "Method Not Allowed\n",
      "GET, HEAD",
    ]);
  });

  test("say whether the member is well, and why not", async () => {
    const { served, backend, alarms } = await begun();
    const health = async (query = ""): Promise<unknown> => {
      const { status, text } = await served.ask(`/health${query}`);
      return [status, text.trim()];
    };
    expect(await health()).toEqual([200, '{"health":"true"}']);
    alarms.push({ member: 1n as MemberId, type: "no-space" });
    expect(await health()).toEqual([503, '{"health":"false","reason":"ALARM NOSPACE"}']);
    expect(await health("?exclude=NOSPACE")).toEqual([200, '{"health":"true"}']);
    alarms.push({ member: 1n as MemberId, type: "corrupt" });
    expect(await health("?exclude=NOSPACE")).toEqual([
      503,
      '{"health":"false","reason":"ALARM CORRUPT"}',
    ]);
    expect(await health("?exclude=NOSPACE&exclude=CORRUPT")).toEqual([200, '{"health":"true"}']);
    alarms.length = 0;
    backend.leader = 0n;
    backend.isHealthy = false;
    expect(await health()).toEqual([503, '{"health":"false","reason":"RAFT NO LEADER"}']);
    expect(await health("?serializable=true")).toEqual([200, '{"health":"true"}']);
    backend.leader = 5n as MemberId;
    expect(await health()).toEqual([
      503,
      '{"health":"false","reason":"RANGE ERROR:etcdserver: request timed out"}',
    ]);
    expect(served.healths).toEqual([true, false, true, false, true, false, true, false]);
  });

  test("answer probes as a whole and one by one", async () => {
    const { served, backend, alarms } = await begun();
    const probe = async (path: string): Promise<unknown> => {
      const { status, text } = await served.ask(path);
      return [status, text];
    };
    expect(await probe("/livez")).toEqual([200, "ok\n"]);
    expect(await probe("/livez?verbose")).toEqual([200, "[+]serializable_read ok\nok\n"]);
    expect(await probe("/readyz?verbose")).toEqual([
      200,
      "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n",
    ]);
    backend.isHealthy = false;
    alarms.push({ member: 1n as MemberId, type: "corrupt" });
    expect(await probe("/readyz")).toEqual([
      503,
      "[-]data_corruption failed: alarm CORRUPT\n[+]serializable_read ok\n" +
        "[-]linearizable_read failed: RANGE ERROR:etcdserver: request timed out\n[+]non_learner ok\n",
    ]);
    const excluded = "/readyz?exclude=linearizable_read&exclude=data_corruption&exclude=unheard_of";
    expect(await probe(excluded)).toEqual([200, "ok\n"]);
    expect(await probe("/readyz/linearizable_read")).toEqual([503, expect.anything()]);
    expect(await probe("/readyz/non_learner?verbose")).toEqual([200, "[+]non_learner ok\nok\n"]);
    expect(await probe("/livez/linearizable_read")).toEqual([404, expect.anything()]);
    expect(await probe("/livez")).toEqual([200, "ok\n"]);
  });

  test("say that a member that starts is not ready", async () => {
    const { served } = await begun({ health: () => undefined });
    expect(await served.ask("/health")).toMatchObject({
      status: 503,
      text: '{"health":"false","reason":"server is starting"}\n',
    });
    expect((await served.ask("/readyz")).text).toContain("[-]linearizable_read failed: server is");
    expect((await served.ask("/metrics")).status).toBe(503);
  });

  test("give metrics as they are registered, and refuse etcd's debugging by name", async () => {
    const text = {
      contentType: "text/plain; version=0.0.4",
      text: () => Promise.resolve("up 1\n"),
    };
    const { served } = await begun({ metrics: () => text });
    const metrics = await served.ask("/metrics");
    expect([metrics.status, metrics.text]).toEqual([200, "up 1\n"]);
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const path of ["/debug/vars", "/debug/pprof/heap", "/config/local/log"]) {
      expect(await served.ask(path)).toMatchObject({
        status: 404,
        text: expect.stringContaining("see /metrics"),
      });
    }
  });

  test("those who ask for the same at once share the answer", async () => {
    const { served, backend } = await begun();
    backend.held = [];
    const asked = Array.from({ length: 20 }, () => served.ask("/livez"));
    await until("all have come", () => served.http.usage.requests === 20);
    backend.held[0]?.();
    expect((await Promise.all(asked)).map(({ text }) => text)).toEqual(Array(20).fill("ok\n"));
    expect(backend.ranges.length).toBe(1);
  });
});

describe("paths and browsers", () => {
  test("what is not there says so as etcd does", async () => {
    const { served } = await begun();
    const shown = async (path: string, init: RequestInit = {}): Promise<unknown> => {
      const { status, text } = await served.ask(path, undefined, init);
      return [status, text];
    };
    expect(await shown("/v3/kv/range")).toEqual([405, "Method Not Allowed\n"]);
    expect(await shown("/v3/kv/range", { method: "PUT", body: "{}" })).toEqual([
      405,
      expect.anything(),
    ]);
    expect(await shown("/v3/nothing", { method: "POST" })).toEqual([404, "Not Found\n"]);
    expect(await shown("/v3/kv/range/", { method: "POST" })).toEqual([404, "Not Found\n"]);
    expect(await shown("/V3/kv/range", { method: "POST" })).toEqual([404, "404 page not found\n"]);
    expect(await shown("/")).toEqual([404, "404 page not found\n"]);
    expect(await shown("/v3/%zz", { method: "POST" })).toEqual([404, expect.anything()]);
  });

  test("pages of allowed origins may read the answers", async () => {
    const any = (await begun()).served;
    const preflight = await any.ask("/v3/kv/range", undefined, {
      method: "OPTIONS",
      headers: { origin: "https://console" },
    });
    expect([preflight.status, preflight.text]).toEqual([200, ""]);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const some = (await begun({ corsOrigins: ["https://console"] })).served;
    const allowed = async (origin: string): Promise<string | null> => {
      const { headers } = await some.ask("/version", undefined, { headers: { origin } });
      return headers.get("access-control-allow-origin");
    };
    expect([await allowed("https://console"), await allowed("https://other")]).toEqual([
      "https://console",
      null,
    ]);
  });

  test("a request to a name that is not ours is refused where names are known", async () => {
    const { served } = await begun({ hostsAllowed: ["etcd.internal"] });
    const asked = async (host: string): Promise<string> => {
      const connection = served.dial();
      connection.send(`GET /version HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      await connection.closed;
      return connection.said.split("\r\n", 1)[0] ?? "";
    };
    expect(await asked("etcd.internal:2379")).toBe("HTTP/1.1 200 OK");
    expect(await asked("evil.example")).toBe("HTTP/1.1 421 Misdirected Request");
  });

  test("calls that pass Express by are bound as those that do not", async () => {
    // Where anybody may ask from anywhere, plain calls of the gateway are not led through Express.
    const open = (await begun({ messageBytesMax: 1_000 })).served;
    const named = { corsOrigins: ["https://console"], hostsAllowed: ["127.0.0.1"] };
    const bound = (await begun({ messageBytesMax: 1_000, ...named })).served;
    const large = `{"value":"${"A".repeat(3_000)}"}`;
    const bodies = ['{"key":"YQ=="}', "", '{"key":', large, '{"key":"YQ=="} {}'];
    for (const path of ["/v3/kv/put", "/v3/kv/put?pretty", "/v3/kv/put/", "/v3/nothing"]) {
      for (const body of bodies) {
        const headers = { origin: "https://console" };
        const [passing, led] = await Promise.all(
          [open, bound].map((served) => served.ask(path, body, { headers })),
        );
        expect([path, passing?.status, passing?.text]).toEqual([path, led?.status, led?.text]);
        expect(passing?.headers.get("access-control-allow-origin")).toBe("*");
        expect(led?.headers.get("access-control-allow-origin")).toBe("https://console");
        for (const name of ["access-control-allow-methods", "access-control-allow-headers"]) {
          expect(passing?.headers.get(name)).toBe(led?.headers.get(name));
        }
      }
    }
  });

  test("the gateway refuses names and tells origins apart where either is bound", async () => {
    const named = (await begun({ hostsAllowed: ["etcd.internal"] })).served;
    const connection = named.dial();
    connection.send(posted("/v3/kv/range", '{"key":"YQ=="}', ["connection: close"]));
    await connection.closed;
    expect(connection.said).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n/);
    const some = (await begun({ corsOrigins: ["https://console"] })).served;
    const headers = { origin: "https://other" };
    const { status, headers: answered } = await some.ask("/v3/kv/range", '{"key":"YQ=="}', {
      headers,
    });
    expect([status, answered.get("access-control-allow-origin")]).toEqual([200, null]);
  });

  test("a client that asks for h2c on top is answered in HTTP/1.1, its body too", async () => {
    const { served } = await begun();
    const connection = served.dial();
    const upgrade = ["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMA"];
    connection.send(posted("/v3/kv/range", '{"key":"YQ=="}', upgrade));
    await until("it is answered", () => connection.said.includes('"header"'));
    expect(connection.said).toMatch(/^HTTP\/1\.1 200 OK/);
    connection.send(
      "GET /version HTTP/1.1\r\nhost: h\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    );
    await until("and again", () => connection.said.includes("etcdserver"));
    connection.end();
  });

  test("gRPC goes on beside on the same port", async () => {
    const { served } = await begun();
    const client = new Client(`127.0.0.1:${served.port}`, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const method = "/etcdserverpb.Lease/LeaseLeases";
    const grpc = new Promise<number>((resolve, reject) => {
      client.makeUnaryRequest(method, same, same, Buffer.alloc(0), (error, bytes) => {
        if (error === null) resolve(bytes?.length ?? 0);
        else reject(error);
      });
    });
    expect((await served.ask("/v3/lease/leases", "{}")).status).toBe(200);
    expect(await grpc).toBeGreaterThan(0);
    client.close();
  });
});

describe("WebSocket", () => {
  test("carries a watch: an object is a message, either way", async () => {
    const { served, backend } = await begun();
    const url = served.url("/v3/watch").replace("http", "ws");
    const socket = new WebSocket(url);
    const answers: string[] = [];
    socket.on("message", (data: Buffer) => answers.push(data.toString()));
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send('{"create_request":{"key":"YQ=="}}');
    await until("it is created", () => answers.length === 1);
    backend.watches.run(PUT_A);
    await until("it is told", () => answers.length === 2);
    expect(answers[1]).toContain('"events":[{"kv":{"key":"YQ=="');
    const code = new Promise((resolve) => socket.once("close", resolve));
    socket.send("nonsense");
    expect(await code).toBe(1011);
    expect(JSON.parse(answers.at(-1) ?? "")).toMatchObject({ error: { grpc_code: 3 } });
    await until("its watch is gone", () => backend.watches.count === 0);
  });

  test("takes its token as a protocol, and pages of allowed origins alone", async () => {
    const calls: Call[] = [];
    const services: ServiceTable = {
      "/etcdserverpb.Watch/Watch": {
        kind: "stream",
        open: (sink, call) => {
          calls.push(call);
          sink.end();
          const nothing = (): void => undefined;
          return { onMessage: nothing, onEnd: nothing, onDrain: nothing, onClose: nothing };
        },
      },
      "/etcdserverpb.KV/Range": { kind: "unary", handle: () => undefined },
    };
    const { served } = await begun({ services, corsOrigins: ["https://console"] });
    const url = served.url("/v3/watch").replace("http", "ws");
    const socket = new WebSocket(url, ["Bearer", "token.7"], { origin: "https://console" });
    expect(await new Promise((resolve) => socket.once("close", resolve))).toBe(1000);
    expect(socket.protocol).toBe("Bearer");
    expect(calls.map((call) => call.header("token"))).toEqual(["token.7"]);
    const refused = (path: string, origin: string): Promise<string> => {
      const other = new WebSocket(served.url(path).replace("http", "ws"), { origin });
      return new Promise((resolve) => other.once("error", ({ message }) => resolve(message)));
    };
    expect(await refused("/v3/watch", "https://other")).toContain("403");
    expect(await refused("/v3/nothing", "https://console")).toContain("404");
    expect(await refused("/v3/kv/range", "https://console")).toContain("400");
    expect(calls.length).toBe(1);
  });
});

describe("the end", () => {
  test("ends streams with the reason, lets calls end, and takes no more", async () => {
    const replies: ((bytes: Uint8Array) => void)[] = [];
    const backend = new MemoryBackend();
    const { served } = await begun({
      services: {
        ...servicesOf(backend),
        "/etcdserverpb.KV/Range": { kind: "unary", handle: (_, __, reply) => replies.push(reply) },
      },
    });
    const [watch, call, idle] = [served.dial(), served.dial(), served.dial()];
    watch.send(posted("/v3/watch", '{"create_request":{"key":"YQ=="}}'));
    call.send(posted("/v3/kv/range", "{}"));
    idle.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await until("all stand", () => {
      return watch.said.includes("created") && replies.length === 1 && idle.said.includes("3.4.0");
    });
    const drained = served.http.drain(WAIT_MS_MAX);
    await idle.closed;
    await watch.closed;
    expect(watch.said).toContain('"message":"etcdserver: server stopped"');
    replies[0]?.(new Uint8Array(0));
    await call.closed;
    await drained;
    expect(call.said).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n.*\{\}$/is);
    const late = served.dial();
    late.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await late.closed;
    expect(late.said).toBe("");
  });
});

test("every method of etcd's services has a path of its own, and no path has two", () => {
  const offered = METHOD_PATHS.filter((path) => /^\/(?:etcdserverpb|v3)/.test(path));
  expect(Object.keys(GATEWAY_PATHS).sort()).toEqual([...offered].sort());
  const paths = Object.values(GATEWAY_PATHS).flat();
  expect(new Set(paths).size).toBe(paths.length);
  const without = offered.filter((path) => {
    return Object.entries(GATEWAY_PATHS).some(([known, at]) => known === path && at.length === 0);
  });
  expect(without.map((path) => [path, streamingOf(path)])).toEqual([
    ["/etcdserverpb.KV/RangeStream", "server"],
  ]);
});
