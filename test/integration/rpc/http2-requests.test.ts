// Requests that are none: the stream alone ends, in HTTP/2's or HTTP's words, and the connection goes on.
import { describe, expect, test } from "@jest/globals";
import { ErrorCode } from "../../../rpc/http2/fault.ts";
import { Flag, FrameType } from "../../../rpc/http2/frame.ts";
import { ECHO, EXCHANGE, HELD } from "./carried.ts";
import { block, frame, message, requestBlock, uint32 } from "./frame-client.ts";
import { END_HEADERS, END_STREAM, carriersLeftEmpty, head } from "./hostile.ts";

const begun = carriersLeftEmpty();

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
    const { client, carried } = await begun({ limits: { streamWindowBytes: 20_000 } });
    const half = frame(FrameType.DATA, 0, 1, Buffer.alloc(12_000));
    // Nothing is given back while a stream does not read.
    client.greet().send(head(1, EXCHANGE));
    await client.pong();
    carried.sinks[0]?.pause();
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
