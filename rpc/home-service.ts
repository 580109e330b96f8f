// hansa.region.v1.Homes: writes that other regions hand on to this one, the home of their keys (federation 12). Served
// as if the client had come here, in the name of a user of this region, and on keys of that home alone.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import type { ExchangeHello } from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { Caller, Request } from "../store/index.ts";
import { invalid } from "./decode.ts";
import { decodeHandOn, handedOnBytes, handedOnRequest } from "./home-codec.ts";
import type { HandOn } from "./home-codec.ts";
import { refusedRegion } from "./region-service.ts";
import { unary } from "./service.ts";
import type { Call, Reply, ServiceTable } from "./service.ts";

const WRITE: MethodPath = "/hansa.region.v1.Homes/Write";

export interface HomeServiceOptions {
  /** What clients are served with here. */
  readonly services: ServiceTable;
  readonly monotonicMs: () => MonotonicMs;
  /** Why the speaker is not heard; judged before the write is looked at. */
  readonly refusalOf: (hello: ExchangeHello, call: Call) => string | undefined;
  readonly regionOf: (hello: ExchangeHello) => string;
  /** Why the write is not for this region. */
  readonly faultOf: (request: Request) => string | undefined;
  /** Another region's word for who asks: a user of this region by that name, with the rights that it has here. */
  readonly callerOf: (user: string) => Caller;
  /** What the applied state has seen. */
  readonly token: () => Uint8Array;
  /** Writes at a time; more are refused. */
  readonly openMax: number;
}

export function homeServiceTable(options: HomeServiceOptions): ServiceTable {
  let open = 0;
  return {
    [WRITE]: unary((bytes, call, reply) => {
      const asked = decodeHandOn(bytes);
      const reason = options.refusalOf(asked.hello, call);
      if (reason !== undefined) throw refusedRegion(reason);
      check(options, asked);
      if (open >= options.openMax) {
        throw new KvError("too-many-requests", "not-applied", `${open} writes of other regions`);
      }
      open += 1;
      let isOpen = true;
      const end = (): void => {
        if (isOpen) open -= 1;
        isOpen = false;
      };
      // Whoever waits for other regions for a caller that has gone is not answered.
      call.signal.addEventListener("abort", end, { once: true });
      const answer: Reply = (result) => {
        end();
        const isDone = result instanceof Uint8Array;
        reply(isDone ? handedOnBytes({ response: result, causalToken: options.token() }) : result);
      };
      serve(options, asked, call, answer);
    }),
  };
}

/** @throws {KvError} unless it is a write under a home of this region. */
function check({ faultOf }: HomeServiceOptions, { method, request }: HandOn): void {
  const write = handedOnRequest(method, request);
  if ("requestId" in write && write.requestId !== undefined) {
    throw invalid("a request id is of a session of its own region");
  }
  const fault = faultOf(write);
  if (fault !== undefined) throw new KvError("federation-refused", "not-applied", fault);
}

function serve(options: HomeServiceOptions, asked: HandOn, call: Call, answer: Reply): void {
  const { services, monotonicMs, callerOf, regionOf } = options;
  const method = services[asked.method];
  if (method?.kind !== "unary") {
    answer(invalid(`${asked.method} is not served`));
    return;
  }
  const deadlineAtMs = Math.min(call.deadlineAtMs, monotonicMs() + asked.timeoutMs) as MonotonicMs;
  const named: Call = {
    ...{ deadlineAtMs, forwarded: true, fromRegion: regionOf(asked.hello) },
    signal: call.signal,
    caller: callerOf(asked.user),
    header: () => undefined,
  };
  try {
    method.handle(asked.request, named, answer);
  } catch (cause) {
    if (!(cause instanceof KvError)) throw cause;
    answer(cause);
  }
}
