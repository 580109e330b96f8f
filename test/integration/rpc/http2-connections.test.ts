// What a hostile or broken peer may do to a connection before it makes a call, each by name, and what happens to
// connections above the bound.
import { connect } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../../../base/index.ts";
import { ErrorCode } from "../../../rpc/http2/fault.ts";
import { PREFACE } from "../../../rpc/http2/first-bytes.ts";
import { FrameType } from "../../../rpc/http2/frame.ts";
import { ECHO } from "./carried.ts";
import { FrameClient, frame } from "./frame-client.ts";
import { StuckSocket, carriersLeftEmpty, turns, until } from "./hostile.ts";

const begun = carriersLeftEmpty();

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
