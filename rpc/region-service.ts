// hansa.region.v1.Exchange: streams that other regions open to pull from this member. The first message is a hello,
// judged by the configuration and by the certificate that the connection has proved; before it nothing is said.
import { KvError } from "../base/index.ts";
import type { WallMs } from "../base/index.ts";
import type {
  CompareQuestion,
  ConfigNews,
  ExchangeHello,
  OriginId,
  Position,
  ServeMessage,
} from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { decodePullMessage, serveMessageBytes } from "./region-codec.ts";
import { stream } from "./service.ts";
import type { Call, ServiceTable, StreamSink, StreamSource } from "./service.ts";

const PULL: MethodPath = "/hansa.region.v1.Exchange/Pull";

/** One stream of a puller that is let in. */
export interface PullerSession {
  onWant(positions: readonly Position[]): void;
  onConfig(config: ConfigNews): void;
  onClock(askedAtMs: WallMs): void;
  onAsk(id: number, of: readonly OriginId[], via: readonly OriginId[]): void;
  onCompare(id: number, question: CompareQuestion): void;
  /** There is room again after `send` gave false. */
  onDrain(): void;
  onClose(): void;
}

export interface PullerOutlet {
  /** False: the way is full until `onDrain`. */
  send(message: ServeMessage): boolean;
  end(error: KvError): void;
}

export interface RegionServiceOptions {
  /** Why the speaker may not pull; undefined: it may. Judged before anything is answered. */
  readonly refusalOf: (hello: ExchangeHello, call: Call) => string | undefined;
  /** Answers the hello through `outlet` first. */
  readonly open: (hello: ExchangeHello, outlet: PullerOutlet) => PullerSession;
  readonly onRefused: (hello: ExchangeHello, reason: string) => void;
}

export function regionServiceTable(options: RegionServiceOptions): ServiceTable {
  const sessions = new Sessions(options);
  return { [PULL]: stream((sink, call) => sessions.open(sink, call)) };
}

interface Opened {
  readonly from: OriginId;
  readonly session: PullerSession;
}

/** One stream a region: another one ends the first, whose connection the region has given up. */
class Sessions {
  readonly #options: RegionServiceOptions;
  readonly #sinks = new Map<OriginId, StreamSink>();

  constructor(options: RegionServiceOptions) {
    this.#options = options;
  }

  open(sink: StreamSink, call: Call): StreamSource {
    let opened: Opened | undefined;
    return {
      onMessage: (bytes) => {
        if (opened === undefined) opened = this.#greet(sink, call, bytes);
        else take(opened.session, bytes);
      },
      onEnd: () => sink.end(),
      onDrain: () => opened?.session.onDrain(),
      onClose: () => {
        if (opened === undefined) return;
        if (this.#sinks.get(opened.from) === sink) this.#sinks.delete(opened.from);
        opened.session.onClose();
      },
    };
  }

  /** @throws {KvError} when this is nobody to serve. */
  #greet(sink: StreamSink, call: Call, bytes: Uint8Array): Opened {
    const message = decodePullMessage(bytes);
    if (message?.kind !== "hello") throw refusedRegion("the first message is no hello");
    const { hello } = message;
    const reason = this.#options.refusalOf(hello, call);
    if (reason !== undefined) {
      this.#options.onRefused(hello, reason);
      throw refusedRegion(reason);
    }
    const from = hello.from.origin;
    this.#sinks.get(from)?.end(refusedRegion("the region opened another stream"));
    this.#sinks.set(from, sink);
    const session = this.#options.open(hello, {
      send: (answer) => sink.write(serveMessageBytes(answer)),
      end: (error) => sink.end(error),
    });
    return { from, session };
  }
}

/** @throws {KvError} when the bytes are no message, or one that has no place here. */
function take(session: PullerSession, bytes: Uint8Array): void {
  const message = decodePullMessage(bytes);
  switch (message?.kind) {
    case "hello":
      throw refusedRegion("a second hello");
    case "want":
      session.onWant(message.positions);
      break;
    case "config":
      session.onConfig(message.config);
      break;
    case "clock":
      session.onClock(message.askedAtMs);
      break;
    case "ask":
      session.onAsk(message.id, message.of, message.via);
      break;
    case "compare":
      session.onCompare(message.id, message.question);
      break;
    case undefined:
      break;
  }
}

/** The refusal of a whole stream. */
export function refusedRegion(reason: string): KvError {
  return new KvError("invalid-argument", "not-applied", `hansa: region refused: ${reason}`);
}
