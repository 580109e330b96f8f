// What a hostile or broken peer may do to the carrier, each by name: the right error, bounded memory, and
// nothing left behind.
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../../../base/index.ts";
import { ErrorCode } from "../../../rpc/http2/fault.ts";
import { PREFACE } from "../../../rpc/http2/first-bytes.ts";
import { Flag, FrameType } from "../../../rpc/http2/frame.ts";
import { COUNT, Carried, ECHO, EXCHANGE, HELD } from "./carried.ts";
import type { CarriedOptions } from "./carried.ts";
import { FrameClient, block, frame, message, requestBlock, uint32 } from "./frame-client.ts";

const open: Carried[] = [];

async function begun(options: CarriedOptions = {}) {
  const carried = new Carried(options);
  open.push(carried);
  const port = await carried.carrier.listen("127.0.0.1", 0);
  return { carried, port, client: FrameClient.to(port) };
}

afterEach(async () => {
  for (const { carrier, bugs } of open.splice(0)) {
    await carrier.drain(0);
    expect(carrier.usage).toMatchObject({ connections: 0, heldBytes: 0 });
    expect(bugs).toEqual([]);
  }
});

const { END_HEADERS, END_STREAM } = Flag;
const head = (streamId: number, path = ECHO, flags: number = END_HEADERS): Buffer =>
  frame(FrameType.HEADERS, flags, streamId, requestBlock(path));
const setting = (id: number, value: number): Buffer =>
  Buffer.concat([Buffer.of(0, id), uint32(value)]);

/** Takes what it is written, and never says that it is through with it. */
class StuckSocket extends Duplex {
  writtenBytes = 0;
  override _read(): void {
    // Tests push.
  }
  override _write(chunk: Buffer): void {
    this.writtenBytes += chunk.length;
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turns(1);
}

async function firstWords(port: number, words: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
  socket.on("error", () => undefined);
  socket.write(words);
  await new Promise((resolve) => socket.on("close", resolve));
  return said;
}

describe("a connection's beginning", () => {
  test("in HTTP/1.1 is told what this port speaks, and closed", async () => {
    const { port } = await begun();
    const said = await firstWords(port, "GET /health HTTP/1.1\r\nhost: here\r\n\r\n");
    expect(said).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*This port speaks gRPC/s);
  });

  test("in HTTP/1.1 is handed on whole where somebody takes it", async () => {
    const taken: string[] = [];
    const { port } = await begun({
      onHttp1: (socket, firstBytes) => {
        taken.push(firstBytes.toString());
        socket.end("HTTP/1.1 204 No Content\r\n\r\n");
      },
    });
    expect(await firstWords(port, "GET / HTTP/1.1\r\n\r\n")).toMatch(/ 204 /);
    expect(taken).toEqual(["GET / HTTP/1.1\r\n\r\n"]);
  });

  test("in no known tongue is closed", async () => {
    const { port } = await begun();
    expect(await firstWords(port, "\x17\x03\x01")).toBe("");
  });

  test("in TLS is told in plain text that the port is plain", async () => {
    const { port } = await begun();
    expect(await firstWords(port, "\x16\x03\x01")).toContain("plain HTTP, not TLS");
  });

  test("without SETTINGS is a protocol error", async () => {
    const { client } = await begun();
    client.send(PREFACE, frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    expect(await client.goAway()).toBe(ErrorCode.PROTOCOL_ERROR);
  });

  test("that stays silent is closed in time", async () => {
    let nowMs = 0;
    const { client, port, carried } = await begun({
      monotonicMs: () => nowMs as MonotonicMs,
      keepaliveMs: 5,
    });
    client.send(PREFACE.subarray(0, 10));
    const other = FrameClient.to(port).send(PREFACE);
    await other.until(() => other.received[0]);
    expect(carried.carrier.usage.connections).toBe(2);
    nowMs = 10_001;
    await Promise.all([client.end(), other.end()]);
  });
});

describe("connections above the bound", () => {
  test("are told so in HTTP/2, and closed; those that are open go on", async () => {
    const { client, port, carried } = await begun({ connectionsMax: 2 });
    const second = FrameClient.to(port).greet();
    await client.greet().pong();
    await second.pong();
    const third = FrameClient.to(port);
    expect(await third.goAway()).toBe(ErrorCode.REFUSED_STREAM);
    const [settings, goAway] = third.received;
    expect(settings).toMatchObject({ type: FrameType.SETTINGS, flags: 0 });
    expect(goAway?.payload.toString("utf8", 8)).toMatch(/^2 connections are open here/);
    expect((await client.request(1, ECHO, Buffer.of(1)).answer(1)).get("grpc-status")).toBe("0");
    second.socket.destroy();
    await until(() => carried.carrier.usage.connections === 1);
    const next = FrameClient.to(port).greet();
    expect((await next.request(1, ECHO, Buffer.of(1)).answer(1)).get("grpc-status")).toBe("0");
  });

  test("count before they have said anything", async () => {
    const { client, port } = await begun({ connectionsMax: 2 });
    const silent = connect(port, "127.0.0.1");
    await new Promise<void>((resolve) => silent.on("connect", resolve));
    await client.greet().pong();
    expect(await FrameClient.to(port).goAway()).toBe(ErrorCode.REFUSED_STREAM);
    silent.destroy();
  });

  test("are closed without a word once many are being told", async () => {
    const { carried } = await begun({ connectionsMax: 1 });
    const sockets = Array.from({ length: 200 }, () => new StuckSocket());
    for (const socket of sockets) carried.carrier.accept(socket);
    expect(carried.carrier.usage.connections).toBeLessThanOrEqual(65);
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(135);
    for (const socket of sockets) socket.destroy();
    await turns(5);
  });

  test("that do not take their refusal are given up", async () => {
    let nowMs = 0;
    const { carried } = await begun({
      connectionsMax: 1,
      monotonicMs: () => nowMs as MonotonicMs,
      keepaliveMs: 5,
    });
    const [open, refused] = [new StuckSocket(), new StuckSocket()];
    carried.carrier.accept(open);
    carried.carrier.accept(refused);
    nowMs = 1_001;
    await until(() => refused.destroyed);
    expect(open.destroyed).toBe(false);
    open.destroy();
    await turns(5);
  });
});

describe("frames that no peer may send", () => {
  const cases: readonly (readonly [string, readonly Buffer[], number])[] = [
    [
      "one above the frame size",
      [Buffer.of(0, 0x40, 1, 0, 0, 0, 0, 0, 1)],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    ["DATA on stream 0", [frame(FrameType.DATA, 0, 0)], ErrorCode.PROTOCOL_ERROR],
    ["DATA on an idle stream", [frame(FrameType.DATA, 0, 7)], ErrorCode.PROTOCOL_ERROR],
    ["HEADERS on an even stream", [head(2)], ErrorCode.PROTOCOL_ERROR],
    [
      "RST_STREAM on an idle stream",
      [frame(FrameType.RST_STREAM, 0, 9, uint32(8))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "WINDOW_UPDATE on an idle stream",
      [frame(FrameType.WINDOW_UPDATE, 0, 9, uint32(8))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "WINDOW_UPDATE of the connection by nothing",
      [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "WINDOW_UPDATE above 2^31 - 1",
      [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff))],
      ErrorCode.FLOW_CONTROL_ERROR,
    ],
    ["PUSH_PROMISE", [frame(FrameType.PUSH_PROMISE, 0, 1, uint32(2))], ErrorCode.PROTOCOL_ERROR],
    [
      "PING of seven bytes",
      [frame(FrameType.PING, 0, 0, Buffer.alloc(7))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    [
      "PRIORITY on stream 0",
      [frame(FrameType.PRIORITY, 0, 0, Buffer.alloc(5))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    ["SETTINGS on a stream", [frame(FrameType.SETTINGS, 0, 1)], ErrorCode.PROTOCOL_ERROR],
    [
      "SETTINGS of a broken length",
      [frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    [
      "SETTINGS with ACK and a payload",
      [frame(FrameType.SETTINGS, 1, 0, Buffer.alloc(6))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
    [
      "an initial window above 2^31 - 1",
      [frame(FrameType.SETTINGS, 0, 0, setting(4, 2 ** 31))],
      ErrorCode.FLOW_CONTROL_ERROR,
    ],
    [
      "a frame size below the smallest",
      [frame(FrameType.SETTINGS, 0, 0, setting(5, 100))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    ["CONTINUATION of nothing", [frame(FrameType.CONTINUATION, 0, 1)], ErrorCode.PROTOCOL_ERROR],
    [
      "a header block that another frame interrupts",
      [head(1, ECHO, 0), frame(FrameType.PING, 0, 0, Buffer.alloc(8))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "a header block that is no HPACK",
      [frame(FrameType.HEADERS, END_HEADERS, 1, Buffer.of(0xff, 0xff, 0xff))],
      ErrorCode.COMPRESSION_ERROR,
    ],
    [
      "a stream that depends on itself",
      [
        frame(
          FrameType.HEADERS,
          END_HEADERS | Flag.PRIORITY,
          1,
          Buffer.concat([uint32(1), Buffer.of(0), requestBlock(ECHO)]),
        ),
      ],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "padding longer than its frame",
      [head(1), frame(FrameType.DATA, Flag.PADDED, 1, Buffer.of(9, 0))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    ["streams in falling order", [head(5), head(3)], ErrorCode.STREAM_CLOSED],
  ];
  test.each(cases)("%s", async (_, frames, code) => {
    const { client, carried } = await begun();
    client.greet().send(...frames);
    expect(await client.goAway()).toBe(code);
    expect(carried.carrier.usage.calls).toBe(0);
  });
});

describe("floods", () => {
  test("a header block without end (CVE-2024-27316) costs one block, then the connection", async () => {
    const { client } = await begun();
    client.greet().send(head(1, ECHO, 0));
    for (let at = 0; at < 20; at += 1)
      client.send(frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(9_000, 0x82)));
    expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });

  test("empty CONTINUATIONs without end, too", async () => {
    const { client } = await begun();
    client.greet().send(head(1, ECHO, 0));
    for (let at = 0; at < 20; at += 1) client.send(frame(FrameType.CONTINUATION, 0, 1));
    expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });

  test("rapid reset (CVE-2023-44487) is stopped after a bounded number of calls", async () => {
    const { client, carried } = await begun({
      limits: { resets: { burstCount: 50, perSecond: 0 } },
    });
    client.greet();
    for (let id = 1; id < 1_000; id += 2) {
      client.request(id, HELD, Buffer.of(1)).send(frame(FrameType.RST_STREAM, 0, id, uint32(8)));
    }
    expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
    expect(carried.held.length).toBe(51);
    expect(carried.held.every(({ call }) => call.signal.aborted)).toBe(true);
    for (const { reply } of carried.held) reply(new Uint8Array(0));
  });

  test("calls whose client has gone count until their handler has replied", async () => {
    const { client, carried } = await begun({ concurrentStreamsMax: 2 });
    client.greet();
    for (const id of [1, 3]) {
      client.request(id, HELD, Buffer.of(1)).send(frame(FrameType.RST_STREAM, 0, id, uint32(8)));
    }
    expect(await client.request(5, ECHO, Buffer.of(1)).resetOf(5)).toBe(ErrorCode.REFUSED_STREAM);
    for (const { reply } of carried.held) reply(new Uint8Array(0));
    expect((await client.request(7, ECHO, Buffer.of(1)).answer(7)).get("grpc-status")).toBe("0");
  });

  test("faults of one's own streams count as resets (CVE-2025-8671)", async () => {
    const { client } = await begun({ limits: { resets: { burstCount: 50, perSecond: 0 } } });
    client.greet();
    for (let id = 1; id < 1_000; id += 2) {
      client.send(head(id, HELD), frame(FrameType.WINDOW_UPDATE, 0, id, uint32(0)));
    }
    expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });

  test.each([
    ["SETTINGS", frame(FrameType.SETTINGS, 0, 0)],
    ["PRIORITY", frame(FrameType.PRIORITY, 0, 3, Buffer.alloc(5))],
    ["unknown frames", frame(0xbe, 0, 0)],
    ["empty DATA", frame(FrameType.DATA, 0, 1)],
  ])("%s without end", async (_, flood) => {
    const { client } = await begun({ limits: { idleFrames: { burstCount: 100, perSecond: 0 } } });
    client.greet().send(head(1, EXCHANGE), ...Array<Buffer>(200).fill(flood));
    expect(await client.goAway()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });

  test("PINGs by a peer that does not read", async () => {
    const { carried } = await begun();
    const socket = new StuckSocket();
    carried.carrier.accept(socket);
    const ping = frame(FrameType.PING, 0, 0, Buffer.alloc(8));
    socket.push(Buffer.concat([PREFACE, frame(FrameType.SETTINGS, 0, 0)]));
    for (let at = 0; at < 12; at += 1) {
      socket.push(Buffer.concat(Array<Buffer>(1_000).fill(ping)));
      await turns(2);
    }
    await turns(5);
    expect(socket.writable).toBe(false);
    expect(socket.writableLength).toBeLessThan(300_000);
    socket.destroy();
  });
});

describe("a peer that does not read", () => {
  test("is read no more once its output is full, and costs that much", async () => {
    const { carried } = await begun({ limits: { outputBytesMax: 100_000 } });
    const socket = new StuckSocket();
    carried.carrier.accept(socket);
    socket.push(
      Buffer.concat([
        PREFACE,
        frame(FrameType.SETTINGS, 0, 0, setting(4, 0x7fff_ffff)),
        frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fff_0000)),
        head(1, COUNT),
        frame(FrameType.DATA, END_STREAM, 1, message(Buffer.of(255))),
      ]),
    );
    await turns(20);
    expect(socket.writableLength).toBeLessThan(150_000);
    expect(carried.carrier.usage.heldBytes).toBeLessThan(150_000);
    for (let at = 0; at < 50; at += 1) socket.push(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    await turns(20);
    expect(socket.isPaused()).toBe(true);
    socket.destroy();
    await turns(5);
    expect(carried.closedStreams).toBe(1);
  });

  test("and opens no window holds answers up to a bound, then its calls fail", async () => {
    const { client, carried } = await begun({ limits: { heldBytesMax: 100_000 } });
    client.greet(setting(4, 0));
    for (const id of [1, 3, 5]) client.request(id, ECHO, Buffer.alloc(40_000 / 3));
    for (let id = 7; id < 30; id += 2) client.request(id, ECHO, Buffer.alloc(13_000));
    const refused = await client.answer(29);
    expect([
      refused.get("grpc-status"),
      refused.get("hansa-error"),
      refused.get("hansa-outcome"),
    ]).toEqual(["8", "too-many-requests", "unknown"]);
    expect(carried.carrier.usage.heldBytes).toBeLessThanOrEqual(100_000);
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(100_000)));
    expect((await client.answer(1)).get("grpc-status")).toBe("0");
  });

  test("of a whole answer is waited for only so long", async () => {
    let nowMs = 0;
    const { client, carried } = await begun({
      monotonicMs: () => nowMs as MonotonicMs,
      keepaliveMs: 5,
      keepaliveTimeoutMs: 1_000_000,
    });
    client.greet(setting(4, 10)).request(1, ECHO, Buffer.alloc(100));
    await client.until(() => (client.data(1).length === 10 ? true : undefined));
    nowMs = 60_001;
    expect(await client.resetOf(1)).toBe(ErrorCode.CANCEL);
    expect(carried.carrier.usage).toEqual({ connections: 1, calls: 0, heldBytes: 0 });
  });

  test("a silent one is pinged, then given up", async () => {
    let nowMs = 0;
    const { client } = await begun({
      monotonicMs: () => nowMs as MonotonicMs,
      keepaliveMs: 5,
      keepaliveTimeoutMs: 50,
    });
    client.greet();
    await client.pong();
    nowMs = 10;
    await client.until(() =>
      client.received.find(({ type, flags }) => type === FrameType.PING && flags === 0),
    );
    nowMs = 70;
    await client.end();
  });
});

describe("requests that are none", () => {
  test.each([
    [
      "DATA on a closed stream",
      [frame(FrameType.DATA, 0, 1, Buffer.of(1))],
      ErrorCode.STREAM_CLOSED,
    ],
  ])("%s", async (_, frames, code) => {
    const { client } = await begun();
    client.greet().request(1, ECHO, Buffer.of(1));
    await client.answer(1);
    expect(await client.send(...frames).resetOf(1)).toBe(code);
    await client.pong();
  });

  const pseudo = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", ECHO],
  ] as const;
  test.each([
    [
      "DATA after the end",
      [head(1, HELD), frame(FrameType.DATA, END_STREAM, 1, message(Buffer.of(1))), frame(0, 0, 1)],
      ErrorCode.STREAM_CLOSED,
    ],
    [
      "a window of a stream above 2^31 - 1",
      [head(1, HELD), frame(8, 0, 1, uint32(0x7fff_ffff))],
      ErrorCode.FLOW_CONTROL_ERROR,
    ],
    ["a second head", [head(1, HELD), head(1, HELD)], ErrorCode.PROTOCOL_ERROR],
    [
      "a trailer that is a pseudo field",
      [head(1, HELD), frame(1, END_HEADERS | END_STREAM, 1, block([[":path", "/"]]))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "an upper-case name",
      [frame(1, END_HEADERS, 1, block([...pseudo, ["Big", "1"]]))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "a connection field",
      [frame(1, END_HEADERS, 1, block([...pseudo, ["connection", "close"]]))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "two paths",
      [frame(1, END_HEADERS, 1, block([...pseudo, [":path", "/"]]))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    ["no path", [frame(1, END_HEADERS, 1, block(pseudo.slice(0, 2)))], ErrorCode.PROTOCOL_ERROR],
    [
      "a pseudo field behind others",
      [frame(1, END_HEADERS, 1, block([["a", "b"], ...pseudo]))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "a line break in a value",
      [frame(1, END_HEADERS, 1, block([...pseudo, ["a", "b\r\nc"]]))],
      ErrorCode.PROTOCOL_ERROR,
    ],
    [
      "PRIORITY of four bytes",
      [head(1, HELD), frame(2, 0, 1, Buffer.alloc(4))],
      ErrorCode.FRAME_SIZE_ERROR,
    ],
  ])("%s: the stream alone ends", async (_, frames, code) => {
    const { client } = await begun();
    expect(
      await client
        .greet()
        .send(...frames)
        .resetOf(1),
    ).toBe(code);
    expect((await client.request(9, ECHO, Buffer.of(1)).answer(9)).get("grpc-status")).toBe("0");
  });

  const declaring = (streamId: number, ...lengths: readonly string[]): Buffer =>
    frame(
      FrameType.HEADERS,
      END_HEADERS,
      streamId,
      requestBlock(
        ECHO,
        lengths.map((length) => ["content-length", length] as const),
      ),
    );
  const data = (bytes: number, flags: number = END_STREAM): Buffer =>
    frame(FrameType.DATA, flags, 1, message(Buffer.alloc(bytes)));

  test.each([
    ["less than declared", [declaring(1, "9"), data(3)]],
    ["less, ended by trailers", [declaring(1, "9"), data(3, 0), frame(1, 5, 1, block([]))]],
    ["nothing where something is declared", [declaring(1, "9"), frame(0, END_STREAM, 1)]],
    ["more than declared", [declaring(1, "7"), data(3)]],
    ["more than declared, not yet ended", [declaring(1, "7"), data(3, 0)]],
    ["two lengths", [declaring(1, "8", "8"), data(3)]],
    ["a length that is no number", [declaring(1, "+8"), data(3)]],
    ["a length beyond all numbers", [declaring(1, "9".repeat(16)), data(3)]],
  ])("content-length: %s (RFC 9113 section 8.1.1)", async (_, frames) => {
    const { client, carried } = await begun();
    client.greet().send(...frames);
    expect(await client.resetOf(1)).toBe(ErrorCode.PROTOCOL_ERROR);
    expect(client.data(1)).toHaveLength(0);
    expect(carried.carrier.usage.calls).toBe(0);
    expect((await client.request(9, ECHO, Buffer.of(1)).answer(9)).get("grpc-status")).toBe("0");
  });

  test("content-length: as much as declared, padding aside, is a request", async () => {
    const { client } = await begun();
    const padded = Buffer.concat([Buffer.of(2), message(Buffer.alloc(3)), Buffer.alloc(2)]);
    client.greet().send(declaring(1, "8"), frame(0, END_STREAM | Flag.PADDED, 1, padded));
    expect((await client.answer(1)).get("grpc-status")).toBe("0");
  });

  test("give back what they took of the connection's window", async () => {
    const { client } = await begun({ limits: { connectionWindowBytes: 65_535 } });
    client.greet();
    for (let id = 1; id < 40; id += 2) {
      client.send(declaring(id, "1"), frame(FrameType.DATA, 0, id, Buffer.alloc(10_000)));
    }
    expect(await client.resetOf(39)).toBe(ErrorCode.PROTOCOL_ERROR);
    expect((await client.request(41, ECHO, Buffer.of(1)).answer(41)).get("grpc-status")).toBe("0");
  });

  test("more than a window of DATA", async () => {
    const { client } = await begun({ limits: { streamWindowBytes: 20_000 } });
    const half = frame(FrameType.DATA, 0, 1, Buffer.alloc(12_000));
    // Nothing is given back while a stream does not read.
    client.greet().send(head(1, EXCHANGE));
    await client.pong();
    open[0]?.sinks[0]?.pause();
    expect(await client.send(half, half).resetOf(1)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
  });

  test("by another method, content type, or with too many fields are answered in HTTP", async () => {
    const { client } = await begun();
    const typed = block([...pseudo, ["content-type", "application/json"]]);
    const get = block([[":method", "GET"], ...pseudo.slice(1)]);
    const long = requestBlock(ECHO, [["long", "x".repeat(16_300)]]);
    client
      .greet()
      .send(
        frame(1, END_HEADERS | END_STREAM, 1, typed),
        frame(1, END_HEADERS | END_STREAM, 3, get),
      );
    client.send(
      frame(1, 0, 5, long.subarray(0, 9_000)),
      frame(9, END_HEADERS, 5, long.subarray(9_000)),
    );
    const [type, method] = [await client.answer(1), await client.answer(3)];
    expect([type.get(":status"), type.get("accept")]).toEqual(["415", "application/grpc"]);
    expect([method.get(":status"), method.get("allow")]).toEqual(["405", "POST"]);
    expect(method.get("hansa-message")).toMatch(/served in HTTP\/1\.1$/);
    expect((await client.answer(5)).get(":status")).toBe("431");
    expect(await client.resetOf(5)).toBe(ErrorCode.NO_ERROR);
  });

  test("above the limit of streams are refused, and may be made again", async () => {
    const { client, carried } = await begun({ concurrentStreamsMax: 1 });
    client.greet().request(1, HELD, Buffer.of(1)).request(3, ECHO, Buffer.of(1));
    expect(await client.resetOf(3)).toBe(ErrorCode.REFUSED_STREAM);
    carried.held[0]?.reply(new Uint8Array(0));
    await client.answer(1);
    expect((await client.request(5, ECHO, Buffer.of(1)).answer(5)).get("grpc-status")).toBe("0");
  });

  test("in parts beyond what a connection may hold fail, the others go on", async () => {
    const { client } = await begun({ limits: { partialBytesMax: 0 }, requestBytesMax: 0 });
    // Two messages of the largest size may be held: 1 MiB.
    const part = Buffer.concat([
      message(Buffer.alloc(512 * 1024)).subarray(0, 5),
      Buffer.alloc(10),
    ]);
    const begin = (id: number): Buffer[] => [head(id, EXCHANGE), frame(0, 0, id, part)];
    client.greet();
    for (let id = 1; id < 2_000; id += 2) client.send(...begin(id));
    const refused = await client.answer(1_999);
    expect([refused.get("grpc-status"), refused.get("hansa-error")]).toEqual([
      "8",
      "too-many-requests",
    ]);
    await client.pong();
  });
});

describe("compressed requests", () => {
  async function call(encoding: string, body: Buffer, path: string = ECHO) {
    const { client } = await begun({ requestBytesMax: 1_000 });
    const fields = requestBlock(path, [["grpc-encoding", encoding]]);
    client.greet().send(frame(1, END_HEADERS, 1, fields), frame(0, END_STREAM, 1, body));
    return { answer: await client.answer(1), data: client.data(1) };
  }

  test("are inflated", async () => {
    const text = Buffer.from("hello".repeat(50));
    for (const [encoding, bytes] of [
      ["gzip", gzipSync(text)],
      ["deflate", deflateSync(text)],
    ] as const) {
      const { answer, data } = await call(encoding, message(bytes, { compressed: true }));
      expect([answer.get("grpc-status"), data.subarray(5)]).toEqual(["0", text]);
    }
  });

  test("keep their order with what is not compressed, and their end", async () => {
    const body = Buffer.concat([
      message(gzipSync("one"), { compressed: true }),
      message(Buffer.from("two")),
    ]);
    const { answer, data } = await call("gzip", body, EXCHANGE);
    expect(answer.get("grpc-status")).toBe("0");
    expect(data).toEqual(Buffer.concat([message(Buffer.from("one")), message(Buffer.from("two"))]));
  });

  test("that would become too large, are broken, or of another kind, fail", async () => {
    const bomb = message(gzipSync(Buffer.alloc(2_000_000)), { compressed: true });
    expect((await call("gzip", bomb)).answer.get("grpc-status")).toBe("8");
    const broken = message(Buffer.of(1, 2, 3), { compressed: true });
    expect((await call("gzip", broken)).answer.get("grpc-status")).toBe("13");
    expect((await call("identity", broken)).answer.get("grpc-status")).toBe("13");
    const { answer } = await call("snappy", broken);
    expect([answer.get("grpc-status"), answer.get("grpc-accept-encoding")]).toEqual([
      "12",
      "identity,deflate,gzip",
    ]);
  });
});
