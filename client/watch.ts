// A watch that outlives connections and members: it goes on at another from the revision after the last it told
// of, so that nothing is missed and nothing told twice. One stream a watch: who reads slowly is sent little.
import { KvError } from "../base/index.ts";
import { GRPC, errorCodeOf } from "../proto/index.ts";
import type { etcdserverpb, mvccpb } from "../proto/index.ts";
import { KeyValue, headerOf, proofOf } from "./answer.ts";
import type { ReadAnswer } from "./answer.ts";
import type { Connection } from "./connection.ts";
import type { Courier } from "./courier.ts";
import { streamErrorOf } from "./failure.ts";
import { checkedCount } from "./request.ts";
import { wireRangeOf } from "./bytes.ts";
import type { KeySelector } from "./bytes.ts";
import type { Space } from "./space.ts";
import { resumed } from "./resumed-stream.ts";
import type { Destination } from "./router.ts";
import { answered, countOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/** What a watch tells of, and whom it asks. */
export interface WatchOptions {
  /** The first revision to tell of; absent: the one after the watch is made. */
  readonly startRevision?: number;
  /** With each event the pair that stood there before. */
  readonly prevKv?: boolean;
  /** Leave the others out. */
  readonly only?: "puts" | "deletes";
  /**
   * Also tell, with no events, up to where everything was told when nothing happens: every so many ms, at
   * least 100; etcd keeps to an interval of its own.
   */
  readonly progressMs?: number;
  /** Each answer says how old it can be, and which member says so; needs a server that proves it. */
  readonly proof?: boolean;
  /** Whom to ask; a member of another kind where there is none (default `any`). */
  readonly member?: Destination;
  /**
   * Whether to leave a member that has had no leader for a while (default true). Off: it is watched on, and
   * tells what it has once it has it.
   */
  readonly requireLeader?: boolean;
  /** Aborting ends the watch with `cancelled`. */
  readonly signal?: AbortSignal;
}

/** What the watch has yet to tell is gone from the history: `compactRevision` is where another can begin. */
export class CompactedError extends KvError {
  /** The oldest revision that is still there. */
  readonly compactRevision: number;

  /** Thrown by `Watcher.next`. */
  constructor(compactRevision: number, address: string) {
    const text = `what was to be told is compacted; a watch can begin at ${compactRevision} (${address})`;
    super("compacted", "not-applied", text);
    this.compactRevision = compactRevision;
  }
}

/** One change of one key. */
export interface WatchEvent {
  readonly kind: "put" | "delete";
  /** Of a delete only key and `modRevision` say something. */
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
}

/** Whole revisions: everything up to `revision` has been told with it. */
export interface WatchAnswer extends ReadAnswer {
  /** In the order of their revisions; empty: nothing happened up to `revision`. */
  readonly events: readonly WatchEvent[];
}

/**
 * What `Client.watch` gives: an iterable of answers. Leaving a `for await` loop ends it, and so do `close`, the
 * signal and `Client.close`.
 */
export class Watcher implements AsyncIterableIterator<WatchAnswer, undefined> {
  readonly #courier: Courier;
  readonly #options: WatchOptions;
  readonly #create: etcdserverpb.IWatchCreateRequest;
  readonly #answers: AsyncGenerator<WatchAnswer, undefined>;
  readonly #abort = new AbortController();
  readonly #open: Set<Watcher>;
  readonly #space: Space;
  /** 0 until the first member has said where its store stands. */
  #next: number;
  /** Whose revisions they are; undefined until the first member has answered. */
  #clusterId: bigint | undefined;
  #cancelStream: () => void = () => undefined;
  /** Of a revision that comes in parts. */
  #fragments: mvccpb.IEvent[] = [];

  /** Made by `Client.watch`; it is in `open` until it ends. @throws {KvError} as `Client.watch` */
  constructor(
    courier: Courier,
    keys: KeySelector,
    options: WatchOptions,
    { open, space }: { readonly open: Set<Watcher>; readonly space: Space },
  ) {
    const { key, rangeEnd } = wireRangeOf(keys);
    const { startRevision = 0, prevKv, only, progressMs = BOOKMARK_MS, proof, signal } = options;
    this.#space = space;
    this.#courier = courier;
    this.#options = options;
    this.#next = checkedCount("startRevision", startRevision);
    this.#create = {
      ...space.outer({ key, range_end: rangeEnd }),
      fragment: true,
      // Asked for in any case: a watch that is told nothing for long goes on from there, not from where what it
      // was last told has long been compacted.
      progress_notify: true,
      progress_interval_ms: checkedCount("progressMs", progressMs),
      ...(prevKv === true ? { prev_kv: true } : {}),
      ...(only === undefined ? {} : { filters: [only === "puts" ? NO_DELETE : NO_PUT] }),
      ...(proof === true ? { with_proof: true } : {}),
    };
    this.#open = open;
    open.add(this);
    this.#answers = this.#run();
    signal?.addEventListener("abort", this.#stop, { once: true });
    if (signal?.aborted === true) this.#stop();
  }

  /** The first revision that it has not told of; 0: not known yet. A watch from it goes on where this one is. */
  get nextRevision(): number {
    return this.#next;
  }

  /**
   * The next answer.
   *
   * @throws {CompactedError} when what it has yet to tell is gone
   * @throws {KvError} `cancelled`, and whatever refuses the watch for good
   */
  next(): Promise<IteratorResult<WatchAnswer, undefined>> {
    return this.#answers.next();
  }

  async return(): Promise<IteratorResult<WatchAnswer, undefined>> {
    this.#stop();
    return this.#answers.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it; a `next` that waits ends with `cancelled`. May be called again. */
  close(): void {
    this.#stop();
  }

  readonly #stop = (): void => {
    this.#abort.abort();
    this.#cancelStream();
    this.#options.signal?.removeEventListener("abort", this.#stop);
    this.#open.delete(this);
  };

  async *#run(): AsyncGenerator<WatchAnswer, undefined> {
    const { member: destination = "any" } = this.#options;
    const { signal } = this.#abort;
    try {
      yield* resumed(this.#courier, { destination, signal }, (connection, onHeard) =>
        this.#follow(connection, onHeard),
      );
    } finally {
      this.#stop();
    }
  }

  /** One stream to one member, until it breaks. */
  async *#follow(
    connection: Connection,
    onHeard: () => void,
  ): AsyncGenerator<WatchAnswer, undefined> {
    const { requireLeader = true } = this.#options;
    const stream = connection.stream(METHODS.watch, { requireLeader });
    this.#cancelStream = () => stream.cancel();
    // Iterating shows the error of the stream; the one of the cancelation after it is nobody's.
    stream.on("error", () => undefined);
    this.#fragments = [];
    try {
      stream.write({ create_request: { ...this.#create, start_revision: this.#next } });
      for await (const message of stream as AsyncIterable<etcdserverpb.IWatchResponse>) {
        const answer = this.#onMessage(message, connection.address);
        if (message.created === true) onHeard();
        if (answer !== undefined) yield answer;
      }
    } catch (cause) {
      throw streamErrorOf(cause, connection.address);
    } finally {
      this.#cancelStream = () => undefined;
      stream.cancel();
    }
  }

  /** @throws {KvError} when the member ends the watch */
  #onMessage(message: etcdserverpb.IWatchResponse, address: string): WatchAnswer | undefined {
    const { created, canceled, events, fragment } = message;
    if (canceled === true) throw refusalOf(message, address);
    if (created === true) {
      const { clusterId, revision } = headerOf(message.header);
      this.#clusterId ??= clusterId;
      if (clusterId !== this.#clusterId) throw ofAnotherCluster(address);
      if (this.#next === 0) this.#next = revision + 1;
      return undefined;
    }
    this.#fragments.push(...(events ?? []));
    if (fragment === true) return undefined;
    const told = this.#fragments;
    this.#fragments = [];
    return this.#answerOf(message, told);
  }

  /** etcd's own header may be ahead of the events that come with it, but not of none. */
  #answerOf(
    message: etcdserverpb.IWatchResponse,
    told: readonly mvccpb.IEvent[],
  ): WatchAnswer | undefined {
    const events = told
      .map((event) => this.#eventOf(event))
      .filter(({ kv }) => kv.modRevision >= this.#next);
    const header = headerOf(message.header);
    const proof = proofOf(message.proof);
    const revision = events.at(-1)?.kv.modRevision ?? header.revision;
    const isNews = events.length > 0 || (told.length === 0 && revision >= this.#next - 1);
    if (!isNews) return undefined;
    this.#next = revision + 1;
    if (events.length === 0 && this.#options.progressMs === undefined) return undefined;
    return { header, revision, events, ...(proof === undefined ? {} : { proof }) };
  }

  #eventOf(wire: mvccpb.IEvent): WatchEvent {
    const kv = this.#space.innerPair(new KeyValue(answered(wire.kv, "pair in its event")));
    const before = wire.prev_kv;
    const kind = wire.type === 1 ? "delete" : "put";
    if (before === null || before === undefined) return { kind, kv };
    return { kind, kv, prevKv: this.#space.innerPair(new KeyValue(before)) };
  }
}

/** How often a watch that nobody asked for progress hears of it, in ms; etcd keeps to an interval of its own. */
const BOOKMARK_MS = 60_000;
/** WatchCreateRequest.FilterType. */
const NO_PUT = 0;
const NO_DELETE = 1;

/** Gone on there by a number that means something else, it would leave out what it was to tell (federation trap 20). */
function ofAnotherCluster(address: string): KvError {
  const text = `${address} is of another cluster than the watch began in, and counts other revisions`;
  return new KvError("invalid-argument", "not-applied", text);
}

function refusalOf(message: etcdserverpb.IWatchResponse, address: string): KvError {
  const compacted = countOf(message.compact_revision);
  if (compacted > 0) return new CompactedError(compacted, address);
  const reason = message.cancel_reason ?? "";
  const code = errorCodeOf(GRPC.INVALID_ARGUMENT, reason);
  return new KvError(code, "not-applied", `${reason} (${address})`);
}
