// hansa.v1.Pipeline over a real connection: batches in, batches out, each call on its own.
import { afterAll, describe, expect, test } from "@jest/globals";
import { hansa } from "../../../proto/index.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { endServed, served, servicesOf } from "./served.ts";

const { ExchangeRequest, ExchangeResponse } = hansa.v1;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

afterAll(endServed);

async function exchange(options: Parameters<typeof servicesOf>[1] = {}) {
  const backend = new MemoryBackend();
  const { client } = await served(servicesOf(backend, options));
  const stream = client.stream("/hansa.v1.Pipeline/Exchange");
  const batches: hansa.v1.IReply[][] = [];
  let wake = (): void => undefined;
  stream.on("data", (message: Uint8Array) => {
    batches.push(ExchangeResponse.decode(message).replies);
    wake();
  });
  const ended = new Promise<number>((resolve) => {
    stream.on("error", (error: { readonly code?: number }) => resolve(error.code ?? -1));
    stream.on("end", () => resolve(0));
  });
  return {
    backend,
    ended,
    batches,
    end: () => stream.end(),
    send: (calls: hansa.v1.ICall[]) => stream.write(ExchangeRequest.encode({ calls }).finish()),
    until: async (holds: () => boolean): Promise<void> => {
      while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

const range = (id: number | bigint): hansa.v1.ICall => ({ id, range: { key: bytes("k") } });

describe("an exchange", () => {
  test("answers a batch in one, by id, each call well or not", async () => {
    const { send, batches, until, backend } = await exchange();
    send([
      { id: 2n ** 64n - 1n, put: { key: bytes("k"), value: bytes("v") } },
      range(0),
      { id: 7, put: {} },
      { id: 8 },
      { id: 9, txn: { success: [{ request_range: { key: bytes("k") } }] } },
    ]);
    await until(() => batches.length > 0);
    expect(batches).toHaveLength(1);
    const [put, read, refused, empty, txn] = batches[0] ?? [];
    expect(put).toMatchObject({ id: 2n ** 64n - 1n, put: { header: { revision: 2 } } });
    expect(read).toMatchObject({ range: { count: 1, kvs: [{ value: bytes("v") }] } });
    expect(refused).toMatchObject({
      id: 7,
      failure: {
        code: 3,
        message: "etcdserver: key is not provided",
        error: "key-not-provided",
        outcome: "not-applied",
      },
    });
    expect(empty).toMatchObject({ id: 8, failure: { code: 3, error: "invalid-argument" } });
    expect(txn).toMatchObject({ id: 9, txn: { succeeded: true } });
    expect(backend.writes.map(({ request }) => request.kind)).toEqual(["put"]);
  });

  test("gives each call the deadline it asks for, within the server's", async () => {
    const { send, batches, until, backend } = await exchange();
    const before = performance.now();
    send([
      { ...range(1), timeout_ms: 1_000 },
      { ...range(2), timeout_ms: 2 ** 31 },
    ]);
    await until(() => batches.length > 0);
    const limits = backend.ranges.map(({ context }) => context.deadlineAtMs - before);
    expect((limits[1] ?? 0) - (limits[0] ?? 0)).toBeGreaterThan(3_500);
  });

  test("answers out of order, and ends when all is answered", async () => {
    const { send, batches, until, backend, ended, end } = await exchange();
    backend.held = [];
    send([range(1), range(2)]);
    send([{ id: 3, put: { key: bytes("k") } }]);
    await until(() => batches.length === 1);
    expect(batches.flat().map(({ id }) => id)).toEqual([3]);
    end();
    for (const answer of backend.held.reverse()) answer();
    expect(await ended).toBe(0);
    expect(batches.flat().map(({ id }) => id)).toEqual([3, 2, 1]);
  });

  test("stops reading while too many calls are open, and refuses more than twice that", async () => {
    const { send, batches, until, backend } = await exchange({ pipelineCallsMax: 4 });
    backend.held = [];
    send(Array.from({ length: 10 }, (_, at) => range(at + 1)));
    send([{ id: 99, put: { key: bytes("late") } }]);
    await until(() => batches.length > 0);
    expect(batches.flat()).toMatchObject([
      { id: 9, failure: { error: "too-many-requests" } },
      { id: 10, failure: { error: "too-many-requests" } },
    ]);
    expect(backend.held).toHaveLength(8);
    for (const answer of backend.held.splice(0)) answer();
    await until(() => batches.flat().length === 11);
    expect(batches.flat().at(-1)).toMatchObject({ id: 99, put: {} });
  });

  test("ends at bytes that are no batch", async () => {
    const backend = new MemoryBackend();
    const { client } = await served(servicesOf(backend));
    const stream = client.stream("/hansa.v1.Pipeline/Exchange");
    stream.resume();
    const code = new Promise((resolve) => {
      stream.on("error", (error: { readonly code?: number }) => resolve(error.code));
    });
    stream.write(Uint8Array.of(10, 200));
    expect(await code).toBe(3);
  });
});
