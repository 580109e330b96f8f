// v3electionpb.Election/Observe: who leads, and each word of his, until another does. Nothing is held for an
// observer that does not read but what the carrier holds: it goes on where it is when there is room.
import { KvError } from "../base/index.ts";
import type { Key, Revision } from "../base/index.ts";
import { Writer, v3electionpb } from "../proto/index.ts";
import { WatchChannel } from "../store/index.ts";
import type { KeyValue, Watch, WatchEvent } from "../store/index.ts";
import type { BackendCalls } from "./backend-calls.ts";
import type { Backend, Header } from "./backend.ts";
import { decoded } from "./decode.ts";
import { writeHeader } from "./header.ts";
import { endOf, oldestIn, prefixOf } from "./key-queue.ts";
import { writeKeyValueField } from "./kv-answer.ts";
import type { Call, StreamSink, StreamSource } from "./service.ts";

export interface ObserverOptions {
  readonly backend: Pick<Backend, "watches" | "header">;
  readonly calls: BackendCalls;
}

/** LeaderResponse. */
export function leaderAnswerBytes(header: Header, kv: KeyValue): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  writeKeyValueField(writer, 2, kv);
  return writer.finish(true);
}

export class ElectionObserver implements StreamSource {
  readonly #options: ObserverOptions;
  readonly #sink: StreamSink;
  readonly #call: Call;
  readonly #channel: WatchChannel;
  #prefix = "";
  #watch: Watch | undefined;
  #full = false;
  #closed = false;
  /** There is somebody new to look for once there is room. */
  #looks = false;

  constructor(options: ObserverOptions, sink: StreamSink, call: Call) {
    this.#options = options;
    this.#sink = sink;
    this.#call = call;
    this.#channel = new WatchChannel(() => !this.#full && !this.#closed);
  }

  onMessage(message: Uint8Array): void {
    const { name } = decoded(message, (reader) => v3electionpb.LeaderRequest.decode(reader));
    this.#prefix = prefixOf(name);
    this.#look();
  }

  onDrain(): void {
    this.#full = false;
    if (this.#looks) this.#look();
    this.#options.backend.watches.resume(this.#channel);
  }

  onEnd(): void {
    // The one request is all that a server stream's client sends.
  }

  onClose(): void {
    this.#closed = true;
    this.#unwatch();
  }

  /** Tells who leads and follows his key; while nobody does, waits for the first that stands. */
  #look(): void {
    this.#unwatch();
    this.#looks = this.#full;
    if (this.#full) return;
    oldestIn(this.#options.calls, this.#prefix, this.#call).then(
      ({ header, kv }) => {
        if (this.#closed) return;
        if (kv === undefined) this.#awaitSomebody(header.revision);
        else {
          this.#tell(leaderAnswerBytes(header, kv));
          this.#follow(kv.key, header.revision);
        }
      },
      (cause: unknown) => {
        if (!(cause instanceof KvError)) throw cause;
        this.#sink.end(cause);
      },
    );
  }

  #awaitSomebody(revision: Revision): void {
    const range = { key: this.#prefix as Key, end: endOf(this.#prefix) };
    this.#open({ ...range, deletes: false }, revision, () => this.#look());
  }

  #follow(key: Key, revision: Revision): void {
    this.#open({ key, deletes: true }, revision, (events) => {
      for (const { kind, kv, revision: at } of events) {
        if (kind === "delete") {
          this.#look();
          return;
        }
        this.#tell(this.#wordBytes(kv, at));
      }
    });
  }

  /** Looks again, instead, when what comes after `revision` is compacted. */
  #open(
    range: { readonly key: Key; readonly end?: Key; readonly deletes: boolean },
    revision: Revision,
    onEvents: (events: readonly WatchEvent[]) => void,
  ): void {
    const { watches } = this.#options.backend;
    const startRevision = (revision + 1) as Revision;
    if (startRevision < watches.floor) {
      this.#look();
      return;
    }
    const request = { ...range, startRevision, prevKv: false, puts: true };
    const listener = {
      onEvents,
      onCompacted: () => this.#look(),
      onRefused: (why: KvError) => this.#sink.end(why),
    };
    this.#watch = watches.open(request, this.#channel, listener, this.#call.caller);
  }

  #unwatch(): void {
    if (this.#watch !== undefined) this.#options.backend.watches.cancel(this.#watch);
    this.#watch = undefined;
  }

  #wordBytes(kv: Uint8Array, revision: Revision): Uint8Array {
    const writer = new Writer();
    writeHeader(writer, this.#options.backend.header(), revision);
    writer.uint32((2 << 3) | 2).bytes(kv);
    return writer.finish(true);
  }

  #tell(bytes: Uint8Array): void {
    if (!this.#sink.write(bytes)) this.#full = true;
  }
}
