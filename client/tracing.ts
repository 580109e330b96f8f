// A span for each call, by @opentelemetry/api: where the program has registered no SDK there is none, and no cost
// but the question. What a call is about, keys and values, is in no span.
import { SpanKind, SpanStatusCode, context, propagation, trace } from "@opentelemetry/api";
import type { Span } from "@opentelemetry/api";
import type { Metadata } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import { WIRE_STATUS } from "../proto/index.ts";

/** What a call tells its span. */
export interface CallNotes {
  /** It is being asked of this `host:port`. */
  attempt(address: string): void;
}

const UNNOTED: CallNotes = { attempt: () => undefined };

/** Asks whichever provider is registered when it is used. */
const tracer = trace.getTracer("hansa/client");

/**
 * Runs one call inside a span named for it, which ends with it. Attributes are those of OpenTelemetry's semantic
 * conventions for databases and RPC, and `hansa.attempts` and `hansa.outcome`.
 */
export async function traced<T>(
  operation: string,
  run: (notes: CallNotes) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(operation, { kind: SpanKind.CLIENT });
  // Not sampled, or nobody listens: what surrounds the call goes on to the server as it is.
  if (!span.isRecording()) return run(UNNOTED);
  span.setAttributes({
    "db.system.name": "hansa",
    "db.operation.name": operation,
    "rpc.system": "grpc",
  });
  let attempts = 0;
  const notes: CallNotes = {
    attempt: (address) => {
      attempts += 1;
      const port = address.slice(address.lastIndexOf(":") + 1);
      span.setAttribute("server.address", address.slice(0, -port.length - 1));
      span.setAttribute("server.port", Number(port));
      span.setAttribute("hansa.attempts", attempts);
    },
  };
  try {
    return await context.with(trace.setSpan(context.active(), span), () => run(notes));
  } catch (error) {
    noteFailure(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** The message of an error of the store names addresses and numbers, never keys. */
function noteFailure(span: Span, error: unknown): void {
  if (!(error instanceof KvError)) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  span.setAttributes({
    "error.type": error.code,
    "rpc.grpc.status_code": WIRE_STATUS[error.code].grpc,
    "hansa.outcome": error.outcome,
  });
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}

/** Puts the surrounding trace into a request's headers, as the registered propagator writes it. */
export function carryTrace(metadata: Metadata): void {
  propagation.inject(context.active(), metadata, {
    set: (headers, name, value) => {
      headers.set(name, value);
    },
  });
}

/** Whether the surrounding trace is recorded: then each call goes by itself, with headers of its own. */
export function isTraced(): boolean {
  return trace.getSpan(context.active())?.isRecording() === true;
}
