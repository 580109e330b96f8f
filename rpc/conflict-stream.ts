// hansa.v1.Conflicts/Watch: the record of settled conflicts as it grows and, if asked, keys as they come into conflict.
// What a client does not read costs nothing but what the carrier holds: the stream goes on where it is when there is
// room, and tells of a key that changed often what it is then.
import { KvError } from "../base/index.ts";
import { hansa } from "../proto/index.ts";
import type { KeyRange } from "../store/index.ts";
import type { Header } from "./backend.ts";
import { countAsked, newsBytes, placeAsked } from "./conflict-codec.ts";
import type { ConflictNews } from "./conflict-codec.ts";
import { decoded, invalid } from "./decode.ts";
import type { Conflicts, OpenNews } from "./federated-desks.ts";
import type { Call, StreamSink, StreamSource } from "./service.ts";

export class ConflictStream implements StreamSource {
  readonly #conflicts: Conflicts;
  readonly #sink: StreamSink;
  readonly #call: Call;
  readonly #onClosed: () => void;
  #range: KeyRange | undefined;
  /** The first number of the record that it has not told of. */
  #next = 0;
  #tellsOpen = false;
  /** Up to where keys in conflict were told of, as the desk counts them. */
  #openTold = 0;
  /** The first answer comes at once, if it holds nothing: it says from where the stream tells. */
  #isFirst = true;
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
    const { range, from, open } = decoded(message, (reader) => {
      const asked = hansa.v1.ConflictWatchRequest.decode(reader);
      return { ...placeAsked(asked), open: asked.open };
    });
    this.#range = range;
    this.#next = from === 0 ? this.#conflicts.next : from;
    this.#tellsOpen = open;
    this.#unfollow = this.#conflicts.whenMore(() => this.#tell());
    this.#tell();
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
    const { next, openLast } = this.#conflicts;
    const hasOpen = this.#tellsOpen && this.#openTold !== openLast;
    if (this.#isFirst || hasOpen || this.#next < next) this.#ask(this.#range);
  }

  #ask(range: KeyRange): void {
    this.#asking = true;
    const wish = { range, from: this.#next, countMax: countAsked(0) };
    this.#conflicts.settledHere(wish, this.#call, (answer) => {
      this.#asking = false;
      if (this.#closed) return;
      const open = this.#openNews(range);
      if (!answer.ok) this.#sink.end(answer.error);
      else if (open instanceof KvError) this.#sink.end(open);
      else {
        const { conflicts: settled, next: reached, oldest } = answer.value;
        // A stream from beyond the end, as of a member that is behind, tells from there on once they come.
        const next = Math.max(this.#next, reached);
        this.#send(answer.header, { open: open.conflicts, settled, next, oldest });
        const isStuck = reached === this.#next && open.last === this.#openTold;
        this.#next = next;
        this.#openTold = open.last;
        if (!isStuck) this.#tell();
      }
    });
  }

  #openNews(range: KeyRange): OpenNews | KvError {
    if (!this.#tellsOpen) return { conflicts: [], last: this.#openTold };
    return this.#conflicts.openHere({ range, since: this.#openTold }, this.#call);
  }

  #send(header: Header, news: ConflictNews): void {
    const isNews = news.open.length > 0 || news.settled.length > 0;
    if (!isNews && !this.#isFirst) return;
    this.#isFirst = false;
    this.#full = !this.#sink.write(newsBytes(header, news, this.#conflicts));
  }
}
