// A transaction that came and is too large for one entry of the log goes in piece by piece, each the next entry of who
// leads, from where the region's log has it; then the entry that applies it whole (federation 3, scenario 43).
import type { Hash } from "./chain.ts";
import { sameDot } from "./dot.ts";
import type { Dot } from "./dot.ts";
import type { Chunk, Staging } from "./staging.ts";
import type { Shipped } from "./transaction-codec.ts";

export type StagingEffect =
  /** To be proposed; ends in `onProposed`, with 1 if it was taken. */
  | { readonly kind: "stage"; readonly chunk: Chunk }
  /** To be proposed; ends in `onProposed`. */
  | { readonly kind: "apply-staged"; readonly shipped: Shipped };

export class StagedProposals {
  readonly #hash: Hash;
  readonly #chunkBytesMax: number;
  /** Of the transaction that is under way: hashed once. */
  #current: { readonly bytes: Uint8Array; readonly digest: Uint8Array } | undefined;
  /** Its last chunk was refused: what is staged under its dot is something else. */
  #anew: Dot | undefined;

  constructor(hash: Hash, chunkBytesMax: number) {
    this.#hash = hash;
    this.#chunkBytesMax = chunkBytesMax;
  }

  /** `staged`: by the applied state. */
  next(shipped: Shipped, staged: Staging["staged"]): StagingEffect {
    const { bytes } = shipped;
    const { origin, sequence } = shipped.transaction;
    const dot = { origin, sequence };
    const isAnew = this.#anew !== undefined && sameDot(this.#anew, dot);
    const goesOn = !isAnew && staged !== undefined && sameDot(staged.dot, dot);
    const offset = goesOn ? staged.bytes : 0;
    if (offset >= bytes.length) return { kind: "apply-staged", shipped };
    if (this.#current?.bytes !== bytes) this.#current = { bytes, digest: this.#hash(bytes) };
    const { digest } = this.#current;
    const part = bytes.subarray(offset, offset + this.#chunkBytesMax);
    return {
      kind: "stage",
      chunk: { dot, digest, totalBytes: bytes.length, offset, bytes: part },
    };
  }

  /** What was proposed had no effect: the next begins at the first chunk. */
  onRefused({ origin, sequence }: Dot): void {
    this.#anew = { origin, sequence };
  }

  onTaken(): void {
    this.#anew = undefined;
  }
}
