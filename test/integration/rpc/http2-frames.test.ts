// Frames that no peer may send, and frames without end: the right error, after bounded work.
import { describe, expect, test } from "@jest/globals";
import { ErrorCode } from "../../../rpc/http2/fault.ts";
import { PREFACE } from "../../../rpc/http2/first-bytes.ts";
import { Flag, FrameType } from "../../../rpc/http2/frame.ts";
import { ECHO, EXCHANGE, HELD } from "./carried.ts";
import { frame, requestBlock, uint32 } from "./frame-client.ts";
import { END_HEADERS, StuckSocket, carriersLeftEmpty, head, setting, turns } from "./hostile.ts";

const begun = carriersLeftEmpty();

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
