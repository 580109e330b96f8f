// The asking side of hansa.region.v1.Homes: a write is sent to one member of its home region, to the next where that
// one is not reached. What was sent and not answered is not sent again: its outcome is unknown.
import { Metadata } from "@grpc/grpc-js";
import type { Client } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { KvErrorCode, MonotonicMs } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { CallContext, HandedOn } from "./backend.ts";
import { bytesIn, bytesOut, errorIn } from "./grpc-bytes.ts";
import { decodeHandedOn, handOnBytes } from "./home-codec.ts";
import type { HandOn } from "./home-codec.ts";
import type { PeerDialer } from "./peer-dial.ts";

const WRITE: MethodPath = "/hansa.region.v1.Homes/Write";

export interface HomeLinkLimits {
  /** For a connection to one member; then the next is tried. */
  readonly connectMs: number;
  /** Attempts of a write beside one at each member, none of which may have taken it. */
  readonly triesMax: number;
  /** Pauses between them double from the first to the second. */
  readonly pauseMinMs: number;
  readonly pauseMaxMs: number;
  /** Writes on their way to one region; more are refused. */
  readonly openMax: number;
  /** A connection that carries a write is pinged this often, and given up after so long without an answer. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

export const HOME_LINK_LIMITS_DEFAULT: HomeLinkLimits = {
  connectMs: 2_000,
  triesMax: 6,
  pauseMinMs: 50,
  pauseMaxMs: 1_000,
  openMax: 4_096,
  keepaliveMs: 2_000,
  keepaliveTimeoutMs: 4_000,
};

export interface HomeLinkOptions {
  readonly region: string;
  /** URLs; at least one. */
  readonly urls: readonly string[];
  readonly dialer: PeerDialer;
  readonly limits: HomeLinkLimits;
  readonly monotonicMs: () => MonotonicMs;
}

/** Refusals of one member that another one, or the same one soon, may not repeat. */
const PASSING: ReadonlySet<KvErrorCode> = new Set<KvErrorCode>([
  "unavailable",
  "no-leader",
  "not-leader",
  "leader-changed",
  "server-stopped",
  "timed-out",
  "timed-out-leader-fail",
  "timed-out-wait-applied",
  "lag-too-large",
  "too-many-requests",
  "auth-revision-old",
  "deadline-exceeded",
  "cancelled",
  "internal",
]);

/** Of a call's time, what is kept for the answer to arrive. */
const ANSWER_SHARE = 0.1;
const ANSWER_MS_MAX = 200;

type Done = (result: HandedOn | KvError) => void;

/** One write: which members were tried, and until when. */
interface Errand {
  readonly ask: (timeoutMs: number) => HandOn;
  readonly context: CallContext;
  readonly done: Done;
  /** Behind it there is no time left to tell its client. */
  readonly latestAtMs: number;
  tries: number;
}

export class HomeLink {
  readonly #options: HomeLinkOptions;
  readonly #clients = new Map<string, { readonly client: Client; readonly generation: number }>();
  #turn = 0;
  #open = 0;
  #closed = false;

  constructor(options: HomeLinkOptions) {
    this.#options = options;
  }

  /** Writes on their way. */
  get open(): number {
    return this.#open;
  }

  handOn(ask: Errand["ask"], context: CallContext, done: Done): void {
    const { limits } = this.#options;
    if (this.#open >= limits.openMax) {
      done(this.#failed("not-applied", `${this.#open} writes are on their way`));
      return;
    }
    this.#open += 1;
    const leftMs = context.deadlineAtMs - this.#options.monotonicMs();
    const latestAtMs = context.deadlineAtMs - Math.min(ANSWER_MS_MAX, ANSWER_SHARE * leftMs);
    this.#try({
      ...{ ask, context, latestAtMs, tries: 0 },
      done: (result) => {
        this.#open -= 1;
        done(result);
      },
    });
  }

  /** Writes on their way end with an outcome that is not known. */
  close(): void {
    this.#closed = true;
    for (const { client } of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #try(errand: Errand): void {
    const { limits, urls, monotonicMs } = this.#options;
    const { context, done, latestAtMs } = errand;
    const leftMs = latestAtMs - monotonicMs();
    const isOver = this.#closed || context.signal.aborted || leftMs <= 0;
    if (isOver || errand.tries >= limits.triesMax + urls.length) {
      done(this.#failed("not-applied", "none of its members took the write in time"));
      return;
    }
    errand.tries += 1;
    const client = this.#client();
    client.waitForReady(Date.now() + Math.min(leftMs, limits.connectMs), (fault) => {
      if (fault === undefined) this.#send(client, errand);
      else this.#next(errand);
    });
  }

  /** At another member, after a pause that grows: an election passes meanwhile. */
  #next(errand: Errand): void {
    this.#turn += 1;
    const { pauseMinMs, pauseMaxMs } = this.#options.limits;
    const pauseMs = Math.min(pauseMaxMs, pauseMinMs * 2 ** (errand.tries - 1));
    const leftMs = errand.latestAtMs - this.#options.monotonicMs();
    setTimeout(() => this.#try(errand), Math.max(0, Math.min(pauseMs, leftMs)));
  }

  #send(client: Client, errand: Errand): void {
    const { context, done, ask, latestAtMs } = errand;
    const timeoutMs = Math.ceil(latestAtMs - this.#options.monotonicMs());
    if (timeoutMs <= 0 || context.signal.aborted) {
      done(this.#failed("not-applied", "there was no time left to send it"));
      return;
    }
    const call = client.makeUnaryRequest(
      WRITE,
      bytesOut,
      bytesIn,
      handOnBytes(ask(timeoutMs)),
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error, response) => {
        context.signal.removeEventListener("abort", cancel);
        if (error === null) done(this.#answerIn(response));
        else this.#onError(errorIn(error), errand);
      },
    );
    const cancel = (): void => call.cancel();
    context.signal.addEventListener("abort", cancel);
    if (context.signal.aborted) cancel();
  }

  /** What passes by itself is told as this region's failure to reach the home: a client must not send it on anew. */
  #onError(error: KvError, errand: Errand): void {
    if (!PASSING.has(error.code)) errand.done(error);
    else if (error.outcome === "not-applied") this.#next(errand);
    else errand.done(this.#failed(error.outcome, error.message));
  }

  #answerIn(bytes: Uint8Array | undefined): HandedOn | KvError {
    try {
      return decodeHandedOn(bytes ?? new Uint8Array(0));
    } catch (cause) {
      if (!(cause instanceof KvError)) throw cause;
      return this.#failed("unknown", "its answer is malformed", cause);
    }
  }

  #failed(outcome: KvError["outcome"], why: string, cause?: KvError): KvError {
    const message = `region ${this.#options.region}: ${why}`;
    return new KvError("home-unreachable", outcome, message, { cause });
  }

  /** Of the member whose turn it is, with the certificates of today. */
  #client(): Client {
    const { urls, dialer, limits } = this.#options;
    const url = urls[this.#turn % urls.length] ?? "";
    const generation = dialer.generationOf(url);
    const known = this.#clients.get(url);
    if (known?.generation === generation) return known.client;
    known?.client.close();
    const client = dialer.clientTo(url, {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": limits.keepaliveMs,
      "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
    });
    this.#clients.set(url, { client, generation });
    return client;
  }
}
