// hansa.v1.Conflicts/Watch: the record of settled conflicts as it grows. What a client does not read costs nothing but
// what the carrier holds: the stream goes on from the number it has told of when there is room.
import { hansa } from "../proto/index.ts";
import type { KeyRange } from "../store/index.ts";
import { countAsked, numberAsked, rangeAsked, settledBytes } from "./conflict-codec.ts";
import { decoded, invalid } from "./decode.ts";
import type { Conflicts } from "./federated-desks.ts";
import type { Call, StreamSink, StreamSource } from "./service.ts";

export class ConflictStream implements StreamSource {
  readonly #conflicts: Conflicts;
  readonly #sink: StreamSink;
  readonly #call: Call;
  readonly #onClosed: () => void;
  #range: KeyRange | undefined;
  /** The first number that it has not told of. */
  #next = 0;
  #asking = false;
  #full = false;
  #closed = false;
  #unfollow: () => void = () => undefined;

  constructor(conflicts: Conflicts, sink: StreamSink, call: Call, onClosed: () => void) {
    this.#conflicts = conflicts;
    this.#sink = sink;
    this.#call = call;
    this.#onClosed = onClosed;
  }

  onMessage(message: Uint8Array): void {
    if (this.#range !== undefined) throw invalid("a stream of conflicts is asked for once");
    const asked = decoded(message, (reader) => hansa.v1.ConflictWatchRequest.decode(reader));
    const from = numberAsked(asked.from);
    this.#range = rangeAsked(asked.key, asked.range_end);
    this.#next = from === 0 ? this.#conflicts.next : from;
    this.#unfollow = this.#conflicts.whenMore(() => this.#tell());
    // The first answer comes at once, if it holds nothing: it says from where the stream tells.
    this.#ask(this.#range, { isFirst: true });
  }

  onDrain(): void {
    this.#full = false;
    this.#tell();
  }

  onEnd(): void {
    // The one request is all that a server stream's client sends.
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unfollow();
    this.#onClosed();
  }

  #tell(): void {
    if (this.#range === undefined || this.#asking || this.#full || this.#closed) return;
    if (this.#next < this.#conflicts.next) this.#ask(this.#range, { isFirst: false });
  }

  #ask(range: KeyRange, { isFirst }: { readonly isFirst: boolean }): void {
    this.#asking = true;
    const wish = { range, from: this.#next, countMax: countAsked(0) };
    this.#conflicts.settledHere(wish, this.#call, (answer) => {
      this.#asking = false;
      if (this.#closed) return;
      if (!answer.ok) {
        this.#sink.end(answer.error);
        return;
      }
      const { value, header } = answer;
      const isStuck = value.next === this.#next;
      // Beyond the end: from there on once they come.
      this.#next = Math.max(this.#next, value.next);
      if (isFirst || value.conflicts.length > 0) {
        this.#full = !this.#sink.write(settledBytes(header, value, this.#conflicts));
      }
      if (!isStuck) this.#tell();
    });
  }
}
