// The client's spans: none and no headers without an SDK; with one, a span a call, and its context at the server.
import { AsyncLocalStorage } from "node:async_hooks";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { ROOT_CONTEXT, context, propagation, trace } from "@opentelemetry/api";
import type { Attributes, Context, Span, SpanContext, TextMapPropagator } from "@opentelemetry/api";
import { Client, KvError } from "../../client/index.ts";
import type { Call, ServiceTable, UnaryHandler } from "../../rpc/index.ts";
import { MachineBackend } from "./rpc/machine-backend.ts";
import { endServed, served, servicesOf } from "./rpc/served.ts";

interface Told {
  readonly name: string;
  readonly attributes: Attributes;
  readonly status: number | undefined;
}

const told: Told[] = [];
/** Of each call that reached the server. */
const headers: (string | undefined)[] = [];
const SPAN_CONTEXT: SpanContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
};

/** The least that a program registers: spans that are kept here, contexts that follow its promises. */
function register(): void {
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...args) =>
      storage.run(active, () => run.call(self as never, ...args)),
    bind: (_, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  propagation.setGlobalPropagator({
    inject: (active, carrier, setter) => {
      const span = trace.getSpanContext(active);
      if (span === undefined) return;
      setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-01`);
    },
    extract: (active) => active,
    fields: () => ["traceparent"],
  } satisfies TextMapPropagator);
  trace.setGlobalTracerProvider({
    getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }),
  });
}

function startSpan(name: string): Span {
  const attributes: Attributes = {};
  let status: number | undefined;
  const span: Span = {
    spanContext: () => SPAN_CONTEXT,
    setAttribute: (key, value) => {
      attributes[key] = value;
      return span;
    },
    setAttributes: (more) => {
      Object.assign(attributes, more);
      return span;
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: ({ code }) => {
      status = code;
      return span;
    },
    updateName: () => span,
    end: () => void told.push({ name, attributes, status }),
    isRecording: () => true,
    recordException: () => undefined,
  };
  return span;
}

/** Notes what reaches the KV methods. */
function noting(table: ServiceTable): ServiceTable {
  const noted = (handle: UnaryHandler) => ({
    kind: "unary" as const,
    handle: (...[request, call, reply]: [Uint8Array, Call, Parameters<UnaryHandler>[2]]) => {
      headers.push(call.header("traceparent"));
      handle(request, call, reply);
    },
  });
  const entries = Object.entries(table).map(([path, method]) =>
    path.startsWith("/etcdserverpb.KV/") && method.kind === "unary"
      ? [path, noted(method.handle)]
      : [path, method],
  );
  return Object.fromEntries(entries) as ServiceTable;
}

let client: Client;

beforeAll(async () => {
  const { port } = await served(noting(servicesOf(new MachineBackend())));
  client = new Client({ endpoints: [`127.0.0.1:${port}`], discover: false, writes: "never" });
});

afterEach(() => {
  told.length = 0;
  headers.length = 0;
});

afterAll(async () => {
  await client.close();
  await endServed();
});

test("without an SDK there is no span, and no header", async () => {
  await client.put("k", "1");
  expect(told).toEqual([]);
  expect(headers.filter((header) => header !== undefined)).toEqual([]);
});

describe("with an SDK", () => {
  beforeAll(register);

  test("each call is a span, whose context reaches the server", async () => {
    await client.put("k", "secret");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      name: "put",
      attributes: {
        "db.system.name": "hansa",
        "db.operation.name": "put",
        "rpc.system": "grpc",
        "server.address": "127.0.0.1",
        "hansa.attempts": 1,
      },
    });
    expect(headers).toEqual([`00-${SPAN_CONTEXT.traceId}-${SPAN_CONTEXT.spanId}-01`]);
    expect(JSON.stringify(told)).not.toContain("secret");
  });

  test("a call that fails says how", async () => {
    const error: unknown = await client
      .put("k", "", { lease: 99n })
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(KvError);
    expect(told.at(-1)).toMatchObject({
      status: 2,
      attributes: {
        "error.type": "lease-not-found",
        "rpc.grpc.status_code": 5,
        "hansa.outcome": "not-applied",
      },
    });
  });
});
