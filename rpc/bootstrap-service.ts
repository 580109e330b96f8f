// hansa.region.v1.States: a stream that gives this region's state to another region. Who asks is judged as who pulls is,
// by the configuration and by the certificate that the connection has proved; before that nothing is said.
import { KvError } from "../base/index.ts";
import type { ExchangeHello, OriginId } from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { decodeTakeState, statePartBytes } from "./bootstrap-codec.ts";
import type { StatePart, TakeState } from "./bootstrap-codec.ts";
import { refusedRegion } from "./region-service.ts";
import { stream } from "./service.ts";
import type { Call, ServiceTable, StreamSink } from "./service.ts";

const TAKE: MethodPath = "/hansa.region.v1.States/Take";

export interface StateOutlet {
  /** False: the way is full until `onDrain`. */
  send(part: StatePart): boolean;
  /** Well, after the end was sent; else with what is wrong. */
  end(error?: KvError): void;
}

export interface StateSession {
  onDrain(): void;
  onClose(): void;
}

export interface StateServiceOptions {
  /** Why the speaker may not ask; undefined: it may. */
  readonly refusalOf: (hello: ExchangeHello, call: Call) => string | undefined;
  /** Answers the hello through `outlet` first. @throws {KvError} why nothing is given now. */
  readonly open: (asked: TakeState, outlet: StateOutlet) => StateSession;
}

export function stateServiceTable({ refusalOf, open }: StateServiceOptions): ServiceTable {
  /** One a region: another one ends the first, whose connection the region has given up. */
  const sinks = new Map<OriginId, StreamSink>();
  return {
    [TAKE]: stream((sink, call) => {
      let opened: { readonly from: OriginId; readonly session: StateSession } | undefined;
      return {
        onMessage: (bytes) => {
          if (opened !== undefined) throw refusedRegion("it asks twice");
          const asked = decodeTakeState(bytes);
          const reason = refusalOf(asked.hello, call);
          if (reason !== undefined) throw refusedRegion(reason);
          const from = asked.hello.from.origin;
          sinks.get(from)?.end(refusedRegion("the region asked anew"));
          sinks.set(from, sink);
          const session = open(asked, {
            send: (part) => sink.write(statePartBytes(part)),
            end: (error) => sink.end(error),
          });
          opened = { from, session };
        },
        onEnd: () => undefined,
        onDrain: () => opened?.session.onDrain(),
        onClose: () => {
          if (opened === undefined) return;
          if (sinks.get(opened.from) === sink) sinks.delete(opened.from);
          opened.session.onClose();
        },
      };
    }),
  };
}

/** Another member, or the same one later, may give it. */
export function notNow(reason: string): KvError {
  return new KvError("unavailable", "not-applied", `hansa: no state is given: ${reason}`);
}
