// A peer that does not read what it is answered: bounded memory, and an end in time.
import { describe, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../../../base/index.ts";
import { ErrorCode } from "../../../rpc/http2/fault.ts";
import { PREFACE } from "../../../rpc/http2/first-bytes.ts";
import { FrameType } from "../../../rpc/http2/frame.ts";
import { COUNT, ECHO } from "./carried.ts";
import { frame, message, uint32 } from "./frame-client.ts";
import { END_STREAM, StuckSocket, carriersLeftEmpty, head, setting, turns } from "./hostile.ts";

const begun = carriersLeftEmpty();

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
