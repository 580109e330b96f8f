// Appends sent to one peer and not acknowledged, bounded in messages and bytes: what a slow follower can
// pin on the leader (scenario 23).
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { Copier } from "./fork.ts";

/** A ring of (last index, bytes), oldest first. */
export class InflightWindow {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #lastIndexes: Float64Array;
  readonly #sizes: Float64Array;
  #head = 0;
  #count = 0;
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    assert(messagesMax >= 1, `inflightMessagesMax ${messagesMax} lets nothing through`);
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
    this.#lastIndexes = new Float64Array(messagesMax);
    this.#sizes = new Float64Array(messagesMax);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** One message may pass when nothing is in flight, however large it is. */
  get isFull(): boolean {
    return this.#count >= this.#messagesMax || (this.#count > 0 && this.#bytes >= this.#bytesMax);
  }

  add(lastIndex: LogIndex, bytes: number): void {
    assert(!this.isFull, "a full window takes no message");
    const at = (this.#head + this.#count) % this.#messagesMax;
    this.#lastIndexes[at] = lastIndex;
    this.#sizes[at] = bytes;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Everything up to and including `index` has arrived. */
  freeTo(index: LogIndex): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#head] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#head] ?? 0;
      this.#head = (this.#head + 1) % this.#messagesMax;
      this.#count -= 1;
    }
  }

  copied(by: Copier): InflightWindow {
    const twin = new InflightWindow(this.#messagesMax, this.#bytesMax);
    twin.#count = by.of(this.#count);
    twin.#bytes = this.#bytes;
    for (let at = 0; at < twin.#count; at += 1) {
      const place = (this.#head + at) % this.#messagesMax;
      twin.#lastIndexes[at] = by.of(this.#lastIndexes[place] ?? 0);
      twin.#sizes[at] = by.of(this.#sizes[place] ?? 0);
    }
    return twin;
  }

  reset(): void {
    this.#head = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}
