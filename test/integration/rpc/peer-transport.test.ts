// Two members that talk over real streams: greeting, order, loss and return, bounds, refusals, forwarding.
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { Client, credentials } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { KvError, Mulberry32 } from "../../../base/index.ts";
import type { LogIndex, NodeId } from "../../../base/index.ts";
import { etcdserverpb, hansa } from "../../../proto/index.ts";
import { PEER_LIMITS_DEFAULT, PeerDialer, PeerTransport } from "../../../rpc/index.ts";
import type { CallContext, PeerEvent, PeerIdentity, PeerMessage } from "../../../rpc/index.ts";
import { helloFrame, messagesFrame } from "../../../rpc/peer-codec.ts";
import { forwardTable } from "../../../rpc/peer-forward.ts";
import { helloTo } from "../../../rpc/peer-identity.ts";
import { NOBODY } from "../../../store/index.ts";
import { ask } from "../../rpc/call.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { endServed, monotonicMs, served, servicesOf } from "./served.ts";

const node = (id: number): NodeId => id as NodeId;

function identity(id: number, change: Partial<PeerIdentity> = {}): PeerIdentity {
  const incarnation = 0xf100_0000_0000_0000n + BigInt(id);
  return { clusterId: 0xc0ffee_0000_0001n, group: 0, node: node(id), incarnation, ...change };
}

function ack(from: number, to: number, match: number): PeerMessage {
  return {
    kind: "consensus",
    envelope: {
      from: node(from),
      to: node(to),
      incarnation: identity(from).incarnation,
      epoch: { config: 0, round: 3, node: 0 },
      body: { kind: "append-ack", match: match as LogIndex },
    },
  };
}

function matchOf(message: PeerMessage): number {
  if (message.kind !== "consensus" || message.envelope.body.kind !== "append-ack") return -1;
  return message.envelope.body.match;
}

/** What one transport reports, with a way to wait for it. */
class Reports {
  readonly received: PeerMessage[] = [];
  readonly events: PeerEvent[] = [];
  readonly unreachable: NodeId[] = [];
  #waiting: (() => void)[] = [];

  changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

const transports: PeerTransport[] = [];

interface Started {
  readonly transport: PeerTransport;
  readonly reports: Reports;
}

function started(
  self: PeerIdentity,
  peers: ReadonlyMap<NodeId, { readonly ports: readonly number[]; readonly incarnation?: bigint }>,
  limits: Partial<typeof PEER_LIMITS_DEFAULT> = {},
  backend = new MemoryBackend(),
): Started {
  const reports = new Reports();
  const report = <T>(list: T[], value: T): void => {
    list.push(value);
    reports.changed();
  };
  const transport = new PeerTransport({
    self,
    peers: new Map(
      [...peers].map(([id, { ports, incarnation }]) => [
        id,
        {
          addresses: ports.map((port) => `http://127.0.0.1:${port}`),
          incarnation: incarnation ?? identity(id).incarnation,
        },
      ]),
    ),
    clientServices: servicesOf(backend),
    dialer: new PeerDialer(),
    limits: { ...PEER_LIMITS_DEFAULT, pauseMinMs: 5, pauseMaxMs: 20, ...limits },
    monotonicMs,
    random: new Mulberry32(1),
    onMessages: (_, messages) => {
      reports.received.push(...messages);
      reports.changed();
    },
    onUnreachable: (peer) => report(reports.unreachable, peer),
    onEvent: (event) => report(reports.events, event),
  });
  transports.push(transport);
  return { transport, reports };
}

const NOBODY_LISTENS = 1;

/** Node 2 serves; node 1 connects to it. */
async function pair(options: {
  readonly one?: Partial<PeerIdentity>;
  readonly two?: Partial<PeerIdentity>;
  readonly backend?: MemoryBackend;
  readonly limits?: Partial<typeof PEER_LIMITS_DEFAULT>;
}) {
  const two = started(
    identity(2, options.two),
    new Map([[node(1), { ports: [NOBODY_LISTENS] }]]),
    {},
    options.backend,
  );
  const { port, carrier } = await served(two.transport.table());
  const peers = new Map([[node(2), { ports: [port] }]]);
  const one = started(identity(1, options.one), peers, options.limits);
  return { one, two, port, carrier };
}

afterEach(() => {
  for (const transport of transports.splice(0)) transport.close();
});
afterAll(endServed);

describe("a pair of members", () => {
  test("delivers what is sent, in order, from the greeting on", async () => {
    const { one, two } = await pair({});
    one.transport.send(node(2), [ack(1, 2, 1), ack(1, 2, 2)]);
    await one.reports.until(() => one.transport.counters.get(node(2))?.connected === true);
    one.transport.send(node(2), [ack(1, 2, 3)]);
    await two.reports.until(() => two.reports.received.length === 3);
    expect(two.reports.received.map(matchOf)).toEqual([1, 2, 3]);
    expect(one.transport.counters.get(node(2))).toMatchObject({
      connects: 1,
      sentMessages: 3,
      droppedMessages: 0,
    });
    expect(two.transport.counters.get(node(1))).toMatchObject({ receivedMessages: 3 });
  });

  test("cuts a turn's messages into frames, and loses none", async () => {
    const { one, two } = await pair({ limits: { frameBytesMax: 200 } });
    const messages = Array.from({ length: 50 }, (_, at) => ack(1, 2, at));
    one.transport.send(node(2), messages);
    await two.reports.until(() => two.reports.received.length === 50);
    expect(two.reports.received.map(matchOf)).toEqual(messages.map(matchOf));
  });

  test("of whom one has several addresses is connected by the one that answers", async () => {
    const two = started(identity(2), new Map([[node(1), { ports: [NOBODY_LISTENS] }]]));
    const { port } = await served(two.transport.table());
    const one = started(identity(1), new Map([[node(2), { ports: [NOBODY_LISTENS, port] }]]));
    await one.reports.until(() => one.transport.counters.get(node(2))?.connected === true);
    one.transport.send(node(2), [ack(1, 2, 1)]);
    await two.reports.until(() => two.reports.received.length === 1);
  });

  test("begins each attempt with a connection of its own", async () => {
    const sockets: Socket[] = [];
    // Takes connections and says nothing, as an address does whose answers are lost on the way.
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const peers = new Map([[node(2), { ports: [port] }]]);
    const one = started(identity(1), peers, { greetingMs: 20 });
    await one.reports.until(() => one.reports.unreachable.length >= 3);
    await new Promise<void>((resolve) => {
      silent.on("connection", () => (sockets.length >= 3 ? resolve() : undefined));
      if (sockets.length >= 3) resolve();
    });
    expect(one.reports.events).toMatchObject([{ kind: "lost", reason: "no hello in time" }]);
    one.transport.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  test("reports a lost way once, drops meanwhile, and returns by itself", async () => {
    const { one, carrier, port } = await pair({});
    await one.reports.until(() => one.transport.counters.get(node(2))?.connected === true);
    await carrier.drain(1_000);
    await one.reports.until(() => one.reports.unreachable.length > 0);
    expect(one.reports.events.map(({ kind }) => kind)).toEqual(["connected", "lost"]);
    one.transport.send(node(2), [ack(1, 2, 1)]);
    const counters = one.transport.counters.get(node(2));
    expect(counters).toMatchObject({ connected: false });

    const again = started(identity(2), new Map([[node(1), { ports: [NOBODY_LISTENS] }]]));
    const { Http2Carrier } = await import("../../../rpc/index.ts");
    const revived = new Http2Carrier({
      services: again.transport.table(),
      monotonicMs,
      callTimeoutMs: 5_000,
      requestBytesMax: 1536 * 1024,
      connectionsMax: 100,
      concurrentStreamsMax: 100,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 20_000,
      onBug: (cause) => {
        throw cause;
      },
    });
    await revived.listen("127.0.0.1", port);
    await one.reports.until(() => counters?.connects === 2);
    one.transport.send(node(2), [ack(1, 2, 2)]);
    await again.reports.until(() => again.reports.received.length > 0);
    expect(again.reports.received.map(matchOf)).toContain(2);
    await revived.drain(1_000);
  });

  test("holds no more than its bounds for a peer that is not there", async () => {
    const { transport, reports } = started(
      identity(1),
      new Map([[node(2), { ports: [NOBODY_LISTENS] }]]),
      { queueMessagesMax: 10 },
    );
    transport.send(
      node(2),
      Array.from({ length: 25 }, (_, at) => ack(1, 2, at)),
    );
    expect(transport.counters.get(node(2))?.droppedMessages).toBe(15);
    await reports.until(() => reports.unreachable.length > 0);
    expect(reports.unreachable[0]).toBe(2);
  });

  test("drops the newest when an open stream is full, and says so after the call", async () => {
    const { one, two } = await pair({ limits: { queueBytesMax: 1_000, frameBytesMax: 200 } });
    await one.reports.until(() => one.transport.counters.get(node(2))?.connected === true);
    one.transport.send(
      node(2),
      Array.from({ length: 100 }, (_, at) => ack(1, 2, at)),
    );
    expect(one.reports.unreachable).toEqual([]);
    const { sentMessages, droppedMessages } = { ...one.transport.counters.get(node(2)) };
    expect([sentMessages, droppedMessages].every((count) => (count ?? 0) > 0)).toBe(true);
    await two.reports.until(() => two.reports.received.length === sentMessages);
    expect(two.reports.received.map(matchOf)).toEqual(
      Array.from({ length: sentMessages ?? 0 }, (_, at) => at),
    );
    expect(one.reports.unreachable).toEqual([2]);
  });
});

describe("who is not who it should be", () => {
  const cases: readonly [string, Parameters<typeof pair>[0], RegExp][] = [
    ["another cluster", { one: { clusterId: 7n } }, /cluster 7; this member belongs to c0ffee/],
    ["another group", { one: { group: 3 } }, /group 3; this replica is of 0/],
    ["a lost disk", { one: { incarnation: 5n } }, /incarnation 5 of node 1/],
    ["a stranger", { one: { node: node(9), incarnation: 1n } }, /node 9 is not a member/],
    ["a wrong address", { two: { node: node(3) } }, /meant for node 2; this is node 3/],
  ];

  test.each(cases)("is refused with the reason: %s", async (_, options, reason) => {
    const { one, two } = await pair(options);
    await one.reports.until(() => one.reports.events.length > 0);
    await two.reports.until(() => two.reports.events.some(({ kind }) => kind === "refused"));
    const refusals = two.reports.events.flatMap((event) =>
      event.kind === "refused" ? [event.reason] : [],
    );
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(reason);
    expect(one.reports.events.map((event) => ("reason" in event ? event.reason : ""))).toEqual([
      expect.stringMatching(reason),
    ]);
  });

  test("is refused by the opener too", async () => {
    const two = started(
      identity(2, { incarnation: 77n }),
      new Map([[node(1), { ports: [NOBODY_LISTENS] }]]),
    );
    const { port } = await served(two.transport.table());
    const one = started(identity(1), new Map([[node(2), { ports: [port] }]]));
    await one.reports.until(() => one.reports.events.length > 0);
    expect(one.reports.events[0]).toMatchObject({
      kind: "refused",
      reason: expect.stringMatching(/incarnation 4d of node 2/) as unknown,
    });
    expect(one.transport.counters.get(node(2))).toMatchObject({ connected: false });
  });
});

describe("an incoming stream", () => {
  async function ended(frames: readonly Uint8Array[]) {
    const { two, port } = await pair({});
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const stream = client.makeBidiStreamRequest(
      "/hansa.peer.v1.Peer/Stream",
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes: Buffer) => bytes,
    );
    stream.resume();
    const error = new Promise<ServiceError>((resolve) => stream.on("error", resolve));
    for (const frame of frames) stream.write(frame);
    const { code, details } = await error;
    client.close();
    return { code, details, two };
  }

  const hello = helloFrame(helloTo(identity(1), node(2)));

  test("must begin with a hello", async () => {
    const { code, details } = await ended([messagesFrame([ack(1, 2, 1)])]);
    expect([code, details]).toEqual([3, "hansa: peer refused: the first frame is no hello"]);
  });

  test("may not carry another's words", async () => {
    const { details, two } = await ended([hello, messagesFrame([ack(1, 2, 1), ack(3, 2, 1)])]);
    expect(details).toBe("hansa: peer refused: node 1 speaks for another");
    expect(two.reports.received).toEqual([]);
    expect(two.transport.counters.get(node(1))).toMatchObject({ refusedStreams: 1 });
  });

  test("ends at the first bytes that are no frame", async () => {
    const { code, details } = await ended([hello, new Uint8Array([18, 250, 1, 2])]);
    expect(code).toBe(3);
    expect(details).toMatch(/^hansa: the message is malformed/);
  });
});

describe("a forwarded call", () => {
  const request = etcdserverpb.RangeRequest.encode({
    key: Uint8Array.of(107),
    on_miss: 2,
  }).finish();

  function context(): CallContext & { readonly abort: AbortController } {
    const abort = new AbortController();
    return {
      deadlineAtMs: (monotonicMs() + 5_000) as CallContext["deadlineAtMs"],
      signal: abort.signal,
      caller: NOBODY,
      abort,
    };
  }

  async function forwarded(
    one: Started,
    method: Parameters<PeerTransport["forward"]>[1],
    call: CallContext,
  ) {
    return new Promise((resolve) => {
      one.transport.forward(node(2), method, request, call, resolve);
    });
  }

  test("is answered by the peer as if its client were there, and not handed on again", async () => {
    const backend = new MemoryBackend();
    const { one } = await pair({ backend });
    const answer = await forwarded(one, "/etcdserverpb.KV/Range", context());
    expect(etcdserverpb.RangeResponse.decode(answer as Uint8Array).proof).toMatchObject({
      role: 1,
    });
    expect(backend.ranges.map(({ options }) => options.onMiss)).toEqual(["wait"]);
  });

  test("is whom the member that hands it on says it is", async () => {
    const backend = new MemoryBackend();
    const { one } = await pair({ backend });
    const caller = { kind: "user", name: "ann", authRevision: 3 } as const;
    await forwarded(one, "/etcdserverpb.KV/Range", { ...context(), caller });
    expect(backend.ranges.map((asked) => asked.context.caller)).toEqual([caller]);
  });

  test("is nobody that a stranger says it is", () => {
    const backend = new MemoryBackend();
    const table = forwardTable(
      servicesOf(backend),
      monotonicMs,
      (hello) => `${hello.from} is none`,
    );
    const hello = { version: 1, cluster_id: 1, group: 1, from: 3, to: 1, incarnation: 9 };
    const asked = { method: "/etcdserverpb.KV/Range", request, timeout_ms: 1_000 };
    const handed = (more: hansa.peer.v1.IForwardRequest): void => {
      const bytes = hansa.peer.v1.ForwardRequest.encode({ ...asked, ...more }).finish();
      ask(table, "/hansa.peer.v1.Peer/Forward", bytes);
    };
    const caller = { user: "root", auth_revision: 9 };
    expect(() => handed({ caller })).toThrow("peer refused: it has not said who it is");
    expect(() => handed({ caller, hello })).toThrow("peer refused: 3 is none");
    expect(() => handed({ caller: { server: true } })).toThrow("peer refused");
    expect(backend.ranges).toEqual([]);
    handed({});
    expect(backend.ranges.map((each) => each.context.caller)).toEqual([NOBODY]);
  });

  test("brings the peer's refusal back whole", async () => {
    const backend = new MemoryBackend();
    backend.error = new KvError("compacted", "not-applied", "compacted");
    const { one } = await pair({ backend });
    const error = await forwarded(one, "/etcdserverpb.KV/Range", context());
    expect(error).toMatchObject({
      code: "compacted",
      outcome: "not-applied",
      message: expect.stringMatching(/required revision has been compacted/) as unknown,
    });
  });

  test("is a read, or waits for other regions", async () => {
    const { one } = await pair({});
    const error = await forwarded(one, "/etcdserverpb.KV/Put", context());
    expect(error).toMatchObject({ code: "invalid-argument" });
  });

  test("is the comparison with other regions: the leader alone speaks with them", async () => {
    const { one } = await pair({});
    const error = await forwarded(one, "/hansa.v1.Federation/Verify", context());
    expect(error).toMatchObject({ code: "federation-refused" });
  });

  test("ends when its client has gone, and within its bound", async () => {
    const backend = new MemoryBackend();
    backend.held = [];
    const { one } = await pair({ backend, limits: { forwardsMax: 1 } });
    const call = context();
    const first = forwarded(one, "/etcdserverpb.KV/Range", call);
    expect(await forwarded(one, "/etcdserverpb.KV/Range", context())).toMatchObject({
      code: "too-many-requests",
    });
    call.abort.abort();
    expect(await first).toMatchObject({ code: "cancelled" });
  });
});
