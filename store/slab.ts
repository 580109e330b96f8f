// Small byte arrays side by side in larger buffers: one with a buffer of its own costs some 500 bytes beside its
// content, a view into a shared one about a hundred. Space is never used again: a buffer stays as long as one of its
// arrays is held. So whoever holds arrays lets go of neighbours at about the same time, or packs what stays anew:
// rows.ts fills one with what is held until the engine has it, and value-cache.ts passes its rows in the order in
// which they came and packs those that stay, whether it evicts or they are dropped.

const SLAB_BYTES = 16 * 1024;
/** Larger ones gain little, and would leave the ends of slabs unused. */
const SHARED_BYTES_MAX = 1024;

export class Slab {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** `length` zero bytes. */
  take(length: number): Uint8Array {
    if (length > SHARED_BYTES_MAX) return new Uint8Array(length);
    if (this.#buffer.byteLength - this.#used < length) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES);
      this.#used = 0;
    }
    const taken = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += length;
    return taken;
  }

  /** The same bytes beside others; what is large stays where it is. */
  pack(bytes: Uint8Array): Uint8Array {
    if (bytes.length > SHARED_BYTES_MAX) return bytes;
    const packed = this.take(bytes.length);
    packed.set(bytes);
    return packed;
  }
}
