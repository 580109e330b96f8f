// Small rows side by side in larger buffers: a byte array with a buffer of its own costs some 500 bytes beside
// its content, a view into a shared one about a hundred. A shared buffer stays in memory as long as one of its
// rows is held: who holds rows for long packs them anew now and then, beside others that stay.

const SLAB_BYTES = 16 * 1024;
/** Larger rows gain little, and would leave the ends of slabs unused. */
const PACKED_BYTES_MAX = 1024;

export class RowPacker {
  #slab = new ArrayBuffer(0);
  #used = 0;

  /** The same bytes, in a buffer that other rows share; a large row as it is. */
  pack(row: Uint8Array): Uint8Array {
    if (row.length > PACKED_BYTES_MAX) return row;
    if (this.#slab.byteLength - this.#used < row.length) {
      this.#slab = new ArrayBuffer(SLAB_BYTES);
      this.#used = 0;
    }
    const packed = new Uint8Array(this.#slab, this.#used, row.length);
    packed.set(row);
    this.#used += row.length;
    return packed;
  }
}
