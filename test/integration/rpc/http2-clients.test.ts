// The carrier against clients that others wrote: grpc-js, node:http2 with its own HPACK encoder, h2load,
// nghttp and curl.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Call } from "../../../rpc/index.ts";
import { finish } from "../../e2e/child.ts";
import { describeWith } from "../../e2e/tools.ts";
import { COUNT, Carried, ECHO, EXCHANGE, HELD } from "./carried.ts";
import type { CarriedOptions } from "./carried.ts";
import { message } from "./frame-client.ts";

const identity = (bytes: Buffer): Buffer => bytes;

let open: { readonly carried: Carried; readonly client: Client }[] = [];

async function begun(options: CarriedOptions = {}, channel: Record<string, number> = {}) {
  const carried = new Carried(options);
  const port = await carried.carrier.listen("127.0.0.1", 0);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    ...channel,
  });
  open.push({ carried, client });
  return { carried, port, client };
}

afterEach(async () => {
  for (const { carried, client } of open) {
    client.close();
    await carried.carrier.drain(100);
    expect(carried.carrier.usage).toEqual({ connections: 0, calls: 0, heldBytes: 0 });
    expect(carried.bugs).toEqual([]);
  }
  open = [];
});

async function call(client: Client, path: string, request: Buffer, deadlineMs = 20_000) {
  return new Promise<Buffer>((resolve, reject) => {
    const deadline = Date.now() + deadlineMs;
    client.makeUnaryRequest(path, identity, identity, request, new Metadata(), { deadline }, done);
    function done(error: ServiceError | null, bytes?: Buffer): void {
      if (error === null) resolve(bytes ?? Buffer.alloc(0));
      else reject(error);
    }
  });
}

async function messagesOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  for await (const bytes of stream) messages.push(bytes as Buffer);
  return messages;
}

async function condition(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe("grpc-js", () => {
  test("sends and gets large messages in many frames, many at once", async () => {
    const { client } = await begun();
    const sizes = [0, 1, 16_379, 16_384, 65_535, 1_048_576, 1_900_000];
    const requests = sizes.map((size) => Buffer.alloc(size, size % 251));
    const answers = await Promise.all(
      [...requests, ...requests].map((request) => call(client, ECHO, request)),
    );
    answers.forEach((answer, at) => expect(answer.equals(requests[at % 7] ?? answer)).toBe(true));
    expect(answers.map(({ length }) => length)).toEqual([...sizes, ...sizes]);
  });

  test("is one connection too many, and gets in when another has gone", async () => {
    const { client, port } = await begun({ connectionsMax: 1 });
    await call(client, ECHO, Buffer.of(1));
    const other = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 100,
    });
    try {
      const refused = call(other, ECHO, Buffer.of(1));
      await expect(refused).rejects.toMatchObject({
        code: 14,
        details: "Stream refused by server",
      });
      client.close();
      await condition(() => open[0]?.carried.carrier.usage.connections === 0);
      for (;;) {
        const answer = await call(other, ECHO, Buffer.of(7)).catch(() => undefined);
        if (answer !== undefined) return expect(answer).toEqual(Buffer.of(7));
      }
    } finally {
      other.close();
    }
  });

  test("is refused a message above the limit", async () => {
    const { client } = await begun({ requestBytesMax: 1_000 });
    await expect(call(client, ECHO, Buffer.alloc(600_000))).rejects.toMatchObject({
      code: 8,
      details: "Received message larger than max (600000 vs 525288)",
    });
  });

  test("makes a thousand calls at once on one connection", async () => {
    const { client, carried } = await begun();
    const requests = Array.from({ length: 1_000 }, (_, at) => Buffer.from(String(at)));
    const answers = await Promise.all(requests.map((request) => call(client, ECHO, request)));
    expect(answers.map(String)).toEqual(requests.map(String));
    expect(carried.carrier.usage.calls).toBe(0);
  });

  test("cancels, and the handler sees it", async () => {
    const { client, carried } = await begun();
    const failed = new Promise<ServiceError | null>((resolve) => {
      const pending = client.makeUnaryRequest(HELD, identity, identity, Buffer.of(1), resolve);
      void condition(() => carried.held.length === 1).then(() => pending.cancel());
    });
    expect((await failed)?.code).toBe(1);
    const held = carried.held[0];
    await condition(() => held?.call.signal.aborted === true);
    held?.reply(new Uint8Array(0));
  });

  test("is told that its deadline has passed", async () => {
    const { carried, port } = await begun();
    // A client of its own keeps no deadline, so that the server's answer shows.
    const session = connect(`http://127.0.0.1:${port}`);
    const { trailers } = await request(session, HELD, { "grpc-timeout": "20m" }, Buffer.of(1));
    expect([trailers["grpc-status"], trailers["hansa-error"], trailers["hansa-outcome"]]).toEqual([
      "4",
      "deadline-exceeded",
      "unknown",
    ]);
    const call: Call | undefined = carried.held[0]?.call;
    expect(call?.signal.aborted).toBe(true);
    carried.held[0]?.reply(new Uint8Array(0));
    session.destroy();
  });

  test("streams both ways, and half-closes", async () => {
    const { client, carried } = await begun();
    const stream = client.makeBidiStreamRequest(EXCHANGE, identity, identity);
    const sent = Array.from({ length: 500 }, (_, at) => Buffer.alloc(at * 7, at));
    for (const bytes of sent) stream.write(bytes);
    stream.end();
    const got = await messagesOf(stream);
    expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
    expect(got.length).toBe(500);
    await condition(() => carried.closedStreams === 1);
  });

  test("reads a long stream slowly, and the server waits", async () => {
    const { client, carried } = await begun();
    const stream = client.makeServerStreamRequest(COUNT, identity, identity, Buffer.of(3));
    await new Promise((resolve) => stream.once("readable", resolve));
    // Windows of node:http2's default size: most of the 30 MB waits in the handler.
    expect(carried.carrier.usage.heldBytes).toBeLessThan(200_000);
    let count = 0;
    for await (const bytes of stream) {
      expect((bytes as Buffer).length).toBe(10_000);
      count += 1;
    }
    expect(count).toBe(3_000);
  });

  test("is held up by a stream that pauses, and loses nothing", async () => {
    const { client, carried } = await begun({ limits: { streamWindowBytes: 30_000 } });
    const stream = client.makeBidiStreamRequest(EXCHANGE, identity, identity);
    stream.write(Buffer.of(0));
    await condition(() => carried.sinks.length === 1);
    carried.sinks[0]?.pause();
    const sent = Array.from({ length: 100 }, (_, at) => Buffer.alloc(1_000, at));
    for (const bytes of sent) stream.write(bytes);
    stream.end();
    await call(client, ECHO, Buffer.of(1));
    carried.sinks[0]?.resume();
    expect((await messagesOf(stream)).slice(1)).toEqual(sent);
  });
});

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly data: Buffer;
}

async function request(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<Answer> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.end(message(body));
  let got: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on("response", (fields) => (got = fields));
  stream.on("trailers", (fields: IncomingHttpHeaders) => (trailers = fields));
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const data = Buffer.concat(parts);
  return { headers: got, trailers: "grpc-status" in got ? got : trailers, data };
}

describe("node:http2", () => {
  let carried: Carried;
  let session: ClientHttp2Session;

  beforeEach(async () => {
    const { port, carried: served } = await begun();
    carried = served;
    session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 10 } });
  });

  afterEach(() => session.destroy());

  test("with windows of ten bytes gets all of a message", async () => {
    const body = Buffer.from("x".repeat(777));
    const { data, trailers } = await request(session, ECHO, {}, body);
    expect([data.subarray(5), trailers["grpc-status"]]).toEqual([body, "0"]);
  });

  test("has its header fields read as its own encoder wrote them, whatever they are", async () => {
    const name = fc.stringMatching(/^[a-z0-9_-]{1,20}$/).map((text) => `x-${text}`);
    const value = fc.stringMatching(/^([!-~]([ -~]{0,200}[!-~])?)?$/);
    const fields = fc.dictionary(name, value, { maxKeys: 20 });
    await fc.assert(
      fc.asyncProperty(fields, async (headers) => {
        carried.held.length = 0;
        const answered = request(session, HELD, headers, Buffer.of(1));
        await condition(() => carried.held.length === 1);
        const [held] = carried.held;
        for (const [key, text] of Object.entries(headers))
          expect(held?.call.header(key)).toBe(text);
        held?.reply(new Uint8Array(0));
        expect((await answered).trailers["grpc-status"]).toBe("0");
      }),
      { numRuns: 200 },
    );
  });
});

describeWith(["h2load", "nghttp", "curl"], "programs", () => {
  let folder: string;
  let body: string;
  const words = Buffer.from("a message that comes back");

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hansa-http2-"));
    body = join(folder, "body");
    writeFileSync(body, message(words));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const typed = "content-type: application/grpc";

  test("h2load: ten connections, ten streams each", async () => {
    const { port, carried } = await begun();
    const url = `http://127.0.0.1:${port}${ECHO}`;
    const args = ["-n", "5000", "-c", "10", "-m", "10", "-d", body, "-H", typed, url];
    const { stdout } = await finish("h2load", args, { timeoutMs: 30_000 });
    expect(stdout).toContain("5000 succeeded, 0 failed, 0 errored");
    expect(carried.carrier.usage.calls).toBe(0);
  });

  test("nghttp: prints the status and ends cleanly", async () => {
    const { port } = await begun();
    const url = `http://127.0.0.1:${port}${ECHO}`;
    const { exit, stdout } = await finish("nghttp", ["-v", "-d", body, "-H", typed, url], {
      timeoutMs: 10_000,
    });
    expect(exit.code).toBe(0);
    expect(stdout).toContain("grpc-status: 0");
    expect(stdout).not.toMatch(/error_code=(?!NO_ERROR)/);
  });

  test("curl: gets the message", async () => {
    const { port } = await begun();
    const url = `http://127.0.0.1:${port}${ECHO}`;
    const args = ["-sS", "--http2-prior-knowledge", "-H", typed, "--data-binary", `@${body}`, url];
    const { exit, stdout } = await finish("curl", args, { timeoutMs: 10_000 });
    expect(exit.code).toBe(0);
    expect(stdout).toContain(words.toString());
  });
});
