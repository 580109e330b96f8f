// Compressed requests: inflated in order and up to the bound; what is broken or of another kind fails.
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { ECHO, EXCHANGE } from "./carried.ts";
import { frame, message, requestBlock } from "./frame-client.ts";
import { END_HEADERS, END_STREAM, carriersLeftEmpty } from "./hostile.ts";

const begun = carriersLeftEmpty();

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
