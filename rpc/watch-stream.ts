// One stream of watches: ids, control messages and responses. What a watch is told comes from the backend when
// the stream can take it, and is written at once.
import type { KvError, MonotonicMs, PlantedBug, Revision } from "../base/index.ts";
import type { Int64 } from "../proto/index.ts";
import { WatchChannel } from "../store/index.ts";
import type { Watch, WatchEvent } from "../store/index.ts";
import type { Backend, ClientListener } from "./backend.ts";
import { decoded } from "./decode.ts";
import type { Call, StreamSink, StreamSource } from "./service.ts";
import { nameOfCode, statusOf } from "./status.ts";
import { eventBytes, eventParts, readWatchCall, watchAnswerBytes } from "./watch-codec.ts";
import type { WatchAnswer, WatchCreate } from "./watch-codec.ts";

export interface WatchOptions {
  readonly backend: Backend;
  readonly monotonicMs: () => MonotonicMs;
  /** Of one response of a watch that takes fragments. */
  readonly fragmentBytesMax: number;
  /** Watches of this member; more are refused. */
  readonly watchesMax: number;
  /** etcd's --watch-progress-notify-interval: of watches that ask for progress and name none. */
  readonly progressIntervalMs: number;
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug;
}

/** Who calls `beat`, for streams that ask for it. */
export interface WatchBeats {
  readonly minMs: number;
  readonly begin: (one: WatchStream) => void;
  readonly end: (one: WatchStream) => void;
}

interface Open {
  readonly id: Int64;
  readonly watch: Watch;
  readonly fragment: boolean;
  readonly withProof: boolean;
  /** Of progress; undefined: it asked for none. */
  readonly intervalMs: number | undefined;
  toldAtMs: MonotonicMs;
}

/** etcd's id in answers that belong to no watch. */
const NO_ID = -1;
/** etcd's words. */
const EMPTY_RANGE = "mvcc: watcher range is empty";
const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";
const COMPACTED = "mvcc: required revision has been compacted";
const TOO_MANY = "etcdserver: too many requests";
const FROM_KEY = "\0";

export class WatchStream implements StreamSource {
  readonly #options: WatchOptions;
  readonly #sink: StreamSink;
  readonly #call: Call;
  readonly #beats: WatchBeats;
  readonly #channel: WatchChannel;
  readonly #open = new Map<Int64, Open>();
  #idNext = 0;
  #full = false;
  #closed = false;
  /** Somebody waits to hear up to where all of them were told. */
  #asked = false;

  constructor(options: WatchOptions, sink: StreamSink, call: Call, beats: WatchBeats) {
    this.#options = options;
    this.#sink = sink;
    this.#call = call;
    this.#beats = beats;
    this.#channel = new WatchChannel(() => !this.#full && !this.#closed);
  }

  onMessage(message: Uint8Array): void {
    const call = decoded(message, readWatchCall);
    switch (call?.kind) {
      case "create":
        this.#create(call.create);
        break;
      case "cancel":
        this.#cancel(call.id);
        break;
      case "progress":
        this.#asked = true;
        this.#answerProgress();
        break;
      case undefined:
        break;
    }
  }

  /** Whoever has no more to ask still listens, as in etcd: a body of HTTP ends, its answer goes on. */
  onEnd(): void {
    // The client's going ends it.
  }

  onDrain(): void {
    this.#full = false;
    this.#sink.resume();
    this.#options.backend.watches.resume(this.#channel);
  }

  onClose(): void {
    this.#end();
  }

  /** Tells watches that asked for it, and were told nothing for their interval, up to where that holds. */
  beat(nowMs: MonotonicMs): void {
    const { watches } = this.#options.backend;
    for (const open of this.#open.values()) {
      if (this.#full) return;
      if (open.intervalMs === undefined || nowMs - open.toldAtMs < open.intervalMs) continue;
      const revision = watches.toldUpTo(open.watch);
      if (revision === undefined) continue;
      open.toldAtMs = nowMs;
      this.#write({ id: open.id, revision }, open);
    }
  }

  #create(create: WatchCreate): void {
    const { watches } = this.#options.backend;
    const { request, startRevision } = create;
    const refused = this.#refusal(create);
    if (refused !== undefined) {
      const { revision } = watches;
      this.#write({ id: NO_ID, revision, created: true, canceled: true, cancelReason: refused });
      return;
    }
    const id = this.#idOf(create.id);
    this.#write({ id, revision: watches.revision, created: true }, create);
    const { floor } = watches;
    if (startRevision > 0 && startRevision < floor) {
      this.#write({ id, revision: watches.revision, canceled: true, compactRevision: floor });
      return;
    }
    const listener: ClientListener = {
      onEvents: (events, upTo) => this.#tell(open, events, upTo),
      onCompacted: (compactRevision) => this.#compacted(open, compactRevision),
      onRefused: (why) => this.#refused(open, why),
    };
    const watch = watches.open(request, this.#channel, listener, this.#call.caller);
    const { progressNotify, progressIntervalMs, fragment, withProof } = create;
    const askedMs =
      progressIntervalMs === 0 ? this.#options.progressIntervalMs : progressIntervalMs;
    const open: Open = {
      id,
      watch,
      fragment,
      withProof,
      intervalMs: progressNotify ? Math.max(this.#beats.minMs, askedMs) : undefined,
      toldAtMs: this.#options.monotonicMs(),
    };
    this.#open.set(id, open);
    if (progressNotify) this.#beats.begin(this);
  }

  #refusal({ request: { key, end }, startRevision, id }: WatchCreate): string | undefined {
    const { backend, watchesMax } = this.#options;
    if (end !== undefined && end !== FROM_KEY && key >= end) return EMPTY_RANGE;
    if (startRevision < 0) return COMPACTED;
    if (this.#open.has(id) && id !== 0) return DUPLICATE_ID;
    const why = backend.authority.refusesRead(this.#call.caller, {
      key,
      ...(end === undefined ? {} : { end }),
    });
    if (why !== undefined) return refusalText(why);
    return backend.watches.count >= watchesMax ? TOO_MANY : undefined;
  }

  #idOf(asked: Int64): Int64 {
    if (asked !== 0) return asked;
    while (this.#open.has(this.#idNext)) this.#idNext += 1;
    this.#idNext += 1;
    return this.#idNext - 1;
  }

  #cancel(id: Int64): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#forget(open);
    const { watches } = this.#options.backend;
    watches.cancel(open.watch);
    this.#write({ id, revision: watches.revision, canceled: true });
  }

  #refused(open: Open, why: KvError): void {
    this.#forget(open);
    const { revision } = this.#options.backend.watches;
    const cancelReason = refusalText(why);
    this.#write({ id: open.id, revision, canceled: true, cancelReason }, open);
  }

  #compacted(open: Open, compactRevision: Revision): void {
    this.#forget(open);
    const { revision } = this.#options.backend.watches;
    this.#write({ id: open.id, revision, canceled: true, compactRevision }, open);
  }

  #forget(open: Open): void {
    this.#open.delete(open.id);
    if (open.intervalMs === undefined) return;
    for (const { intervalMs } of this.#open.values()) if (intervalMs !== undefined) return;
    this.#beats.end(this);
  }

  #tell(open: Open, events: readonly WatchEvent[], upTo: Revision): void {
    open.toldAtMs = this.#options.monotonicMs();
    const answer = { id: open.id, revision: upTo };
    const parts = open.fragment
      ? eventParts(events, this.#options.fragmentBytesMax)
      : [eventBytes(events)];
    const unmarked = this.#options.planted === "watch-splits-revision";
    parts.forEach((part, at) => {
      this.#write(answer, open, [part], !unmarked && at < parts.length - 1);
    });
  }

  /** Only when all watches of the stream were told everything: the answer holds for each of them (etcd#15220). */
  #answerProgress(): void {
    if (!this.#asked || this.#closed) return;
    const { watches } = this.#options.backend;
    const behind = [...this.#open.values()].some(
      ({ watch }) => watches.toldUpTo(watch) === undefined,
    );
    const hasty = this.#options.planted === "progress-ahead-of-events";
    if ((behind && !hasty) || this.#full) {
      watches.whenAdvanced(() => this.#answerProgress());
      return;
    }
    this.#asked = false;
    this.#write({ id: NO_ID, revision: watches.revision });
  }

  #write(
    answer: Omit<WatchAnswer, "header" | "proof">,
    options: { readonly withProof: boolean } = { withProof: false },
    events: readonly Uint8Array[] = [],
    isFragment = false,
  ): void {
    const { backend } = this.#options;
    const told = { ...answer, header: backend.header() };
    const whole = options.withProof ? { ...told, proof: backend.watches.proof() } : told;
    const bytes = watchAnswerBytes(whole, events, isFragment);
    if (this.#sink.write(bytes)) return;
    // What the client still asks must wait too: each answer would be held.
    this.#full = true;
    this.#sink.pause();
  }

  #end(): void {
    this.#closed = true;
    this.#beats.end(this);
    const { watches } = this.#options.backend;
    for (const { watch } of this.#open.values()) watches.cancel(watch);
    this.#open.clear();
  }
}

/** As etcd's server prints a status in a reason. */
function refusalText(why: KvError): string {
  const { code, message } = statusOf(why);
  return `rpc error: code = ${nameOfCode(code)} desc = ${message}`;
}
