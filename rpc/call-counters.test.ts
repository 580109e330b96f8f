// Every call that begins ends once, by whichever side, and by the code that its client gets.
import { expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { GRPC } from "../proto/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { callOf } from "../test/rpc/call.ts";
import { CallCounters } from "./call-counters.ts";
import type { MethodCounters } from "./call-counters.ts";
import type { Method, StreamSink, StreamSource } from "./service.ts";

const UNARY: MethodPath = "/etcdserverpb.KV/Put";
const STREAM: MethodPath = "/etcdserverpb.Watch/Watch";
const MESSAGE = new Uint8Array(7);
const LATE = new KvError("timed-out", "unknown", "etcdserver: request timed out");

function counting(path: MethodPath, method: Method): { method: Method; counters: MethodCounters } {
  let nowMs = 0;
  const calls = new CallCounters(() => (nowMs += 250) as MonotonicMs, { timed: true });
  const counted = calls.counted({ [path]: method })[path];
  const counters = calls.methods.get(path);
  if (counted === undefined || counters === undefined) throw new Error(`${path} is lost`);
  return { method: counted, counters };
}

function codes({ ended }: MethodCounters): Readonly<Record<number, number>> {
  return Object.fromEntries([...ended.entries()].filter(([, count]) => count > 0));
}

test("a unary call counts its message, its answer and its time", () => {
  const { method, counters } = counting(UNARY, {
    kind: "unary",
    handle: (_request, _call, reply) => {
      reply(MESSAGE);
    },
  });
  if (method.kind !== "unary") throw new Error("another kind");
  const answers: unknown[] = [];
  method.handle(MESSAGE, callOf(), (result) => answers.push(result));
  expect(answers).toEqual([MESSAGE]);
  expect(counters).toMatchObject({ started: 1, open: 0, received: 1, sent: 1 });
  expect(counters).toMatchObject({ receivedBytes: 12, sentBytes: 12 });
  expect(codes(counters)).toEqual({ 0: 1 });
  expect(counters.seconds).toMatchObject({ count: 1, sum: 0.25 });
});

test("a refusal, thrown or replied, counts by its code; one that nobody waits for as cancelled", () => {
  const gone = new AbortController();
  gone.abort();
  const replying = counting(UNARY, {
    kind: "unary",
    handle: (_request, _call, reply) => {
      reply(LATE);
    },
  });
  const throwing = counting(UNARY, {
    kind: "unary",
    handle: () => {
      throw LATE;
    },
  });
  if (replying.method.kind !== "unary" || throwing.method.kind !== "unary") throw new Error("kind");
  replying.method.handle(MESSAGE, callOf(), () => undefined);
  replying.method.handle(MESSAGE, callOf({ signal: gone.signal }), () => undefined);
  const { handle } = throwing.method;
  expect(() => {
    handle(MESSAGE, callOf(), () => undefined);
  }).toThrow(LATE);
  expect(codes(replying.counters)).toEqual({ [GRPC.UNAVAILABLE]: 1, [GRPC.CANCELLED]: 1 });
  expect(codes(throwing.counters)).toEqual({ [GRPC.UNAVAILABLE]: 1 });
  expect(throwing.counters.open).toBe(0);
});

test("a stream ends once: by its handler, or by the client that left", () => {
  const sinks: StreamSink[] = [];
  const closed: string[] = [];
  const { method, counters } = counting(STREAM, {
    kind: "stream",
    open: (sink) => {
      sinks.push(sink);
      const nothing = (): void => undefined;
      return {
        onMessage: (message) => void sink.write(message),
        onEnd: nothing,
        onDrain: nothing,
        onClose: () => closed.push("closed"),
      };
    },
  });
  if (method.kind !== "stream") throw new Error("another kind");
  const sink = { write: () => true, end: () => undefined, pause: () => undefined };
  const open = (): StreamSource => method.open({ ...sink, resume: () => undefined }, callOf());
  const [first, second] = [open(), open()];
  first.onMessage(MESSAGE);
  expect(counters).toMatchObject({ started: 2, open: 2, received: 1, sent: 1 });
  sinks[0]?.end();
  first.onClose();
  second.onClose();
  expect(closed).toEqual(["closed", "closed"]);
  expect(counters.open).toBe(0);
  expect(codes(counters)).toEqual({ 0: 1, [GRPC.CANCELLED]: 1 });
});
