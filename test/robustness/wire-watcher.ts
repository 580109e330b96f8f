// A client of real members that watches by raw gRPC: at one of them or at any, cut off and back, slow for a while.
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { etcdserverpb } from "../../proto/index.ts";
import { tick } from "../e2e/until.ts";
import type { Chance } from "../sim/chance.ts";
import type { Subscription } from "./subscription.ts";
import type { WatchAnswer } from "./watch-answer.ts";
import type { WatchRecord } from "./watch-record.ts";
import { WatchSession } from "./watch-session.ts";

const THINK_MS_MAX = 250;
/** Nothing heard of a question for so long: the connection may be one that nobody knows to be dead. */
const SILENT_MS_MAX = 3_000;
/** Of ids that the client chooses, beyond those that members do. */
const FIRST_ID = 1_000_000;

type Stream = ClientDuplexStream<etcdserverpb.IWatchRequest, WatchAnswer>;

export interface WireWatcherOptions {
  readonly name: string;
  /** host:port of those that it may ask. */
  readonly endpoints: readonly string[];
  readonly chance: Chance;
  readonly subscriptions: readonly Subscription[];
  /** Each time that it thinks. */
  readonly cutRate: number;
  readonly stallRate: number;
  readonly onHeard?: (answer: WatchAnswer) => void;
  readonly onBroken: (what: string) => void;
}

export class WireWatcher {
  readonly #options: WireWatcherOptions;
  #session: WatchSession | undefined;
  #stream: Stream | undefined;
  #client: Client | undefined;
  #askedAtMs: number | undefined;
  #links = 0;
  #idNext = 0;
  #calm = false;
  #stopping = false;
  readonly #running: Promise<void>;

  /** Begins at once. */
  constructor(options: WireWatcherOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get records(): readonly WatchRecord[] {
    return this.#options.subscriptions.flatMap(({ records }) => records);
  }

  get answers(): number {
    return this.#options.subscriptions.reduce((sum, { told }) => sum + told, 0);
  }

  /** How far all of it was told. */
  get next(): number {
    return Math.min(...this.#options.subscriptions.map(({ next }) => next));
  }

  /** No fault of its own any more. */
  calm(): void {
    this.#calm = true;
    this.#stream?.resume();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#cut();
  }

  async #run(): Promise<void> {
    const { chance, cutRate, stallRate } = this.#options;
    while (!this.#stopping) {
      const asked = this.#askedAtMs;
      const isSilent = asked !== undefined && performance.now() - asked > SILENT_MS_MAX;
      if (isSilent || (!this.#calm && chance.hits(cutRate))) this.#cut();
      if (this.#stream === undefined) this.#connect();
      else if (!this.#calm && chance.hits(stallRate)) this.#stream.pause();
      else this.#askProgress(this.#stream);
      await tick(chance.between(0, THINK_MS_MAX));
      if (this.#stream?.isPaused() === true) this.#stream.resume();
    }
  }

  #askProgress(stream: Stream): void {
    if (this.#session === undefined) return;
    this.#createMissing(this.#session, stream);
    if (this.#session.progressAsked) return;
    this.#askedAtMs = performance.now();
    stream.write(this.#session.progress());
  }

  #connect(): void {
    const { name, endpoints, chance } = this.#options;
    const endpoint = chance.pick(endpoints);
    this.#links += 1;
    const session = new WatchSession(`${name} at ${endpoint} link ${this.#links}`);
    const client = new Client(endpoint, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 50,
    });
    const stream: Stream = client.makeBidiStreamRequest(
      "/etcdserverpb.Watch/Watch",
      (message: etcdserverpb.IWatchRequest) =>
        Buffer.from(etcdserverpb.WatchRequest.encode(message).finish()),
      (bytes: Buffer): WatchAnswer => etcdserverpb.WatchResponse.decode(bytes),
    );
    const over = (): void => {
      if (this.#stream === stream) this.#cut();
    };
    stream.on("data", (answer: WatchAnswer) => {
      if (this.#stream === stream) this.#take(session, answer);
    });
    stream.on("error", over);
    stream.on("end", over);
    [this.#session, this.#stream, this.#client] = [session, stream, client];
    this.#askProgress(stream);
  }

  /** Those that are new, and those that a member ended: auth was switched on, or what they were to be told is gone. */
  #createMissing(session: WatchSession, stream: Stream): void {
    const { chance, subscriptions } = this.#options;
    for (const subscription of subscriptions) {
      if (session.has(subscription)) continue;
      this.#idNext += 1;
      stream.write(session.create(subscription, chance.hits(0.5) ? FIRST_ID + this.#idNext : 0));
    }
  }

  #take(session: WatchSession, answer: WatchAnswer): void {
    this.#options.onHeard?.(answer);
    try {
      session.take(answer);
    } catch (cause) {
      this.#options.onBroken(cause instanceof Error ? cause.message : String(cause));
      this.#cut();
    }
    this.#askedAtMs = session.progressAsked ? this.#askedAtMs : undefined;
  }

  #cut(): void {
    this.#session?.end();
    const [stream, client] = [this.#stream, this.#client];
    this.#session = undefined;
    this.#stream = undefined;
    this.#client = undefined;
    this.#askedAtMs = undefined;
    stream?.cancel();
    client?.close();
  }
}
