// What a hostile or broken client of HTTP/1.1 may do, each by name: it is bounded, the others are served meanwhile,
// and nothing of it is left.
import { afterEach, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import type { MonotonicMs } from "../../../base/index.ts";
import { NOBODY } from "../../../store/index.ts";
import type { ServiceTable, StreamSink } from "../../../rpc/index.ts";
import { until as untilAsync } from "../../e2e/until.ts";
import { HttpServed, posted } from "./http-served.ts";
import type { HttpServedOptions, RawConnection } from "./http-served.ts";
import { put } from "../../store/requests.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { servicesOf } from "./served.ts";

const WAIT_MS_MAX = 20_000;
const NEVER = new AbortController().signal;
const open: { readonly served: HttpServed; readonly connections: RawConnection[] }[] = [];

async function begun(options: Partial<HttpServedOptions> = {}) {
  const backend = new MemoryBackend();
  const services = options.services ?? servicesOf(backend);
  const health = { backend, alarms: () => [] };
  const served = await HttpServed.begin({ health: () => health, ...options, services });
  const connections: RawConnection[] = [];
  open.push({ served, connections });
  const dial = (): RawConnection => {
    const connection = served.dial();
    connections.push(connection);
    return connection;
  };
  /** Whoever asks as others do. */
  const othersAreServed = async (): Promise<void> => {
    const { status, text } = await served.ask("/v3/lease/leases", "{}", {
      headers: { connection: "close" },
    });
    expect([status, text.startsWith('{"header"')]).toEqual([200, true]);
  };
  return { backend, served, dial, othersAreServed };
}

function until(what: string, holds: () => boolean): Promise<true> {
  return untilAsync(what, WAIT_MS_MAX, () => (holds() ? true : undefined));
}

afterEach(async () => {
  for (const { served, connections } of open.splice(0)) {
    for (const connection of connections) connection.end();
    await served.end();
    expect(served.http.usage).toEqual({ connections: 0, requests: 0, heldBytes: 0 });
    expect(served.carrier.usage).toMatchObject({ connections: 0, calls: 0 });
    expect(served.bugs).toEqual([]);
  }
});

describe("slow clients", () => {
  test("of heads are given up, the first and later ones, while others are served", async () => {
    const { dial, othersAreServed } = await begun({ limits: { headMs: 300, idleMs: 300 } });
    const first = Array.from({ length: 50 }, dial);
    const later = dial();
    for (const connection of first) connection.send("POST /v3/kv/range HTTP/1.1\r\nhost: h\r\nx: ");
    later.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\nGET /ver");
    const dribble = setInterval(() => {
      for (const { socket } of first) if (!socket.destroyed) socket.write("a");
    }, 20);
    await othersAreServed();
    await Promise.all([...first, later].map(({ closed }) => closed));
    clearInterval(dribble);
    expect(later.said).toContain("etcdserver");
    await othersAreServed();
  });

  test("of bodies are told so and given up, however steadily they drip", async () => {
    const { dial, othersAreServed, served } = await begun({ limits: { bodyMs: 300 } });
    const connections = ["/v3/kv/put", "/v3/maintenance/snapshot", "/v3/watch"].map((path) => {
      const connection = dial();
      connection.send(`POST ${path} HTTP/1.1\r\nhost: h\r\ncontent-length: 5000\r\n\r\n{"key":"`);
      return connection;
    });
    const dribble = setInterval(() => {
      for (const { socket } of connections) if (!socket.destroyed) socket.write("A");
    }, 20);
    await othersAreServed();
    await until("all are told", () =>
      connections.every(({ said }) => said.includes("has not come")),
    );
    clearInterval(dribble);
    for (const { said } of connections) expect(said).toMatch(/^HTTP\/1\.1 408 Request Timeout/);
    await until("nothing is held", () => served.http.usage.heldBytes === 0);
  });

  test("of answers cost no more than what they do not take, and are given up", async () => {
    const { dial, backend, served, othersAreServed } = await begun({ limits: { stallMs: 200 } });
    keepBig(backend);
    const slow = dial();
    slow.socket.pause();
    for (let at = 0; at < 8; at += 1) slow.send(posted("/v3/kv/range", '{"key":"YmlnQQ=="}'));
    await othersAreServed();
    await until("it is given up", () => served.http.usage.connections === 0);
    await othersAreServed();
  });
});

/** A value of about a megabyte. */
function keepBig(backend: MemoryBackend): void {
  const body = new Uint8Array(0);
  const context = { deadlineAtMs: Infinity as MonotonicMs, signal: NEVER, caller: NOBODY };
  backend.write(put("bigA", "x".repeat(1 << 20)), body, context, () => undefined);
}

describe("too much", () => {
  test("of a body is refused before it has come, and the connection goes on", async () => {
    const { dial, served } = await begun({ messageBytesMax: 1_000 });
    const connection = dial();
    connection.send(`POST /v3/kv/put HTTP/1.1\r\nhost: h\r\ncontent-length: 3000\r\n\r\n{"key":`);
    await until("it is refused", () => connection.said.includes("413 Payload Too Large"));
    connection.send("A".repeat(3_000 - 7));
    connection.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await until("the next is answered", () => connection.said.includes("etcdserver"));
    const chunked = dial();
    chunked.send("POST /v3/watch HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
    chunked.send(`c00\r\n{"a":"${"A".repeat(3_066)}\r\n`);
    await until("it is refused", () => chunked.said.includes("at most 2000 are taken"));
    expect(served.http.usage.heldBytes).toBe(0);
  });

  test("of all bodies together is refused, and the others' requests are not lost", async () => {
    const { dial, served, othersAreServed } = await begun({ limits: { heldBytesMax: 100_000 } });
    const body = `{"value":"${"A".repeat(40_000)}`;
    const head = "POST /v3/kv/put HTTP/1.1\r\nhost: h\r\ncontent-length: 50000\r\n\r\n";
    const connections = Array.from({ length: 8 }, dial);
    for (const connection of connections) connection.send(head + body);
    await until("most are refused", () => {
      return connections.filter(({ said }) => said.includes("429 Too Many Requests")).length >= 6;
    });
    expect(served.http.usage.heldBytes).toBeLessThanOrEqual(100_000);
    for (const connection of connections) connection.end();
    await until("nothing is held", () => served.http.usage.heldBytes === 0);
    await othersAreServed();
  });

  test("of a head, its lines or depth is refused", async () => {
    const { dial, served } = await begun();
    const long = dial();
    long.send(`GET /version HTTP/1.1\r\nhost: h\r\nx: ${"a".repeat(20_000)}\r\n\r\n`);
    await long.closed;
    expect(long.said).toMatch(/^HTTP\/1\.1 431 /);
    const deep = await served.ask("/v3/kv/txn", `{"success":${"[".repeat(100_000)}`);
    expect([deep.status, deep.text]).toEqual([400, expect.stringContaining("deeper than 400")]);
    const nested = `${'{"success":[{"request_txn":'.repeat(130)}{}${"}]}".repeat(130)}`;
    const txn = await served.ask("/v3/kv/txn", nested);
    expect([txn.status, txn.text]).toEqual([400, expect.stringContaining("nest")]);
  });

  test("of connections is closed, of either protocol", async () => {
    const { dial, served } = await begun({ connectionsMax: 4 });
    const first = Array.from({ length: 4 }, dial);
    for (const connection of first) connection.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await until("all are served", () => first.every(({ said }) => said.includes("etcdserver")));
    const more = dial();
    more.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await more.closed;
    expect(more.said).toContain("4 connections are open here");
    first[0]?.end();
    await until("one has gone", () => served.http.usage.connections === 3);
    const again = dial();
    again.send("GET /version HTTP/1.1\r\nhost: h\r\n\r\n");
    await until("it is served", () => again.said.includes("etcdserver"));
  });
});

describe("a flood", () => {
  test("of requests sent ahead ends its connection; a few are all answered in order", async () => {
    const { dial, othersAreServed } = await begun({ limits: { pipelinedMax: 50 } });
    const request = posted("/v3/lease/keepalive", '{"ID":"7"}');
    const few = dial();
    few.send(request.repeat(50));
    const flood = dial();
    flood.send(request.repeat(20_000));
    await othersAreServed();
    await flood.closed;
    await until("the few are answered", () => few.said.split("HTTP/1.1 200").length === 51);
  });

  test("of answers that nobody reads holds the service up, and nothing else", async () => {
    let written = 0;
    const write = (sink: StreamSink): void => {
      while (written < 1_000_000 && sink.write(new Uint8Array(0))) written += 1;
    };
    const services: ServiceTable = {
      ...servicesOf(new MemoryBackend()),
      "/v3electionpb.Election/Observe": {
        kind: "stream",
        open: (sink) => {
          const nothing = (): void => undefined;
          const onDrain = (): void => write(sink);
          return { onMessage: onDrain, onEnd: nothing, onDrain, onClose: nothing };
        },
      },
    };
    const { dial, othersAreServed, served } = await begun({ services });
    const connection = dial();
    connection.socket.pause();
    connection.send(posted("/v3/election/observe", "{}"));
    const held = await untilAsync("it is held up", WAIT_MS_MAX, async () => {
      const before = written;
      await othersAreServed();
      return before > 0 && before === written ? before : undefined;
    });
    expect(held).toBeLessThan(1_000_000);
    connection.socket.resume();
    await until("it goes on", () => written > held);
    connection.end();
    await until("it is over", () => served.http.usage.connections <= 1);
  });

  test("of WebSocket messages is bounded, and one that is too large ends it", async () => {
    const { served, othersAreServed } = await begun({ messageBytesMax: 1_000 });
    const socket = new WebSocket(served.url("/v3/watch").replace("http", "ws"));
    await new Promise((resolve) => socket.once("open", resolve));
    const code = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    socket.send(`{"a":"${"A".repeat(5_000)}"}`);
    await othersAreServed();
    expect(await code).toBe(1009);
    await until("nothing is held", () => served.http.usage.heldBytes === 0);
  });
});

test("truncated, malformed and smuggled requests end with their connection alone", async () => {
  const { dial, othersAreServed } = await begun();
  const cases = [
    "GET /version HTTP/9.9\r\nhost: h\r\n\r\n",
    "GET /version HTTP/1.1\r\n\r\n",
    "POST /v3/kv/put HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
    "POST /v3/kv/put HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n{}",
    "POST /v3/kv/put HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
    "POST /v3/kv/put HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "GET /version HTTP/1.1\r\nhost: h\r\nx y: z\r\n\r\n",
    "GET /version HTTP/1.1\nhost: h\n\n\0",
  ];
  for (const text of cases) {
    const connection = dial();
    connection.send(text);
    await until(JSON.stringify(text), () => /^HTTP\/1\.1 4\d\d /.test(connection.said));
    expect([text, connection.said]).not.toEqual([text, expect.stringContaining(" 200 ")]);
    connection.end();
  }
  for (const text of [
    "POST /v3/watch HTTP/1.1\r\nhost: h\r\ncontent-length: 90\r\n\r\n{",
    "PRI",
    "G",
  ]) {
    const cut = dial();
    cut.send(text);
    cut.socket.end();
    await cut.closed;
  }
  await othersAreServed();
});
