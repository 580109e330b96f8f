// A snapshot's bytes cut into chunks of one size, each chained to the one before: what is sent, and staged (federation 11).
import { BOOTSTRAP_LIMITS } from "./bootstrap-part.ts";
import { digestNext } from "./bootstrap-staging.ts";
import type { BootstrapChunk } from "./bootstrap-staging.ts";
import type { Hash } from "./chain.ts";

export class BootstrapChunks {
  readonly #hash: Hash;
  #id: Uint8Array = new Uint8Array(0);
  #digest: Uint8Array = new Uint8Array(0);
  #count = 0;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** How many there were, and the digest of all of them. */
  get count(): number {
    return this.#count;
  }

  get digest(): Uint8Array {
    return this.#digest;
  }

  /** The chunks that are full with this part. */
  push(part: Uint8Array): readonly BootstrapChunk[] {
    this.#waiting.push(part);
    this.#bytes += part.length;
    const chunks: BootstrapChunk[] = [];
    while (this.#bytes >= BOOTSTRAP_LIMITS.chunkBytesMax) {
      chunks.push(this.#cut(BOOTSTRAP_LIMITS.chunkBytesMax));
    }
    return chunks;
  }

  /** The last one, if something is left for it. */
  end(): readonly BootstrapChunk[] {
    return this.#bytes === 0 ? [] : [this.#cut(this.#bytes)];
  }

  #cut(length: number): BootstrapChunk {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      const taken = first.subarray(0, length - at);
      bytes.set(taken, at);
      at += taken.length;
      if (taken.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(taken.length);
    }
    this.#bytes -= length;
    const number = this.#count;
    this.#digest = digestNext(this.#hash, this.#digest, number, bytes);
    if (number === 0) this.#id = this.#digest;
    this.#count += 1;
    return { id: this.#id, number, bytes };
  }
}
