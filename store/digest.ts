// A streaming hash of 53 bits: tells commands of a session apart and compares states. Two 32-bit lanes of
// murmur3's mixing; not for cryptography. Every variable part is preceded by its length.

export class Digest {
  #left = 0;
  #right = 0;

  constructor() {
    this.restart(0);
  }

  /** Begins again. `seed`: 0, or a value that an earlier digest gave, to go on from it. */
  restart(seed: number): this {
    this.#left = seed | 0;
    this.#right = 0x9e3779b9 ^ Math.floor(seed / 2 ** 32);
    return this;
  }

  word(word: number): this {
    let mixed = Math.imul(word, 0xcc9e2d51);
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    const left = this.#left ^ mixed;
    this.#left = (Math.imul((left << 13) | (left >>> 19), 5) + 0xe6546b64) | 0;
    const right = Math.imul(this.#right ^ word, 0x85ebca6b);
    this.#right = right ^ (right >>> 15) ^ this.#left;
    return this;
  }

  /** A safe integer, of either sign. */
  count(count: number): this {
    return this.word(count | 0).word(Math.floor(count / 2 ** 32) | 0);
  }

  /** An integer of up to 64 bits. */
  wide(value: bigint): this {
    if (value === 0n) return this.word(0).word(0);
    return this.word(Number(value & 0xffffffffn) | 0).word(
      Number((value >> 32n) & 0xffffffffn) | 0,
    );
  }

  flag(flag: boolean): this {
    return this.word(flag ? 1 : 0);
  }

  bytes(bytes: Uint8Array): this {
    const { length } = bytes;
    this.word(length);
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      this.word(
        (bytes[at] ?? 0) |
          ((bytes[at + 1] ?? 0) << 8) |
          ((bytes[at + 2] ?? 0) << 16) |
          ((bytes[at + 3] ?? 0) << 24),
      );
    }
    let rest = 0;
    for (let shift = 0; at < length; at += 1, shift += 8) rest |= (bytes[at] ?? 0) << shift;
    return (length & 3) === 0 ? this : this.word(rest);
  }

  /** A key, or any text of units below 256. */
  text(text: string): this {
    const { length } = text;
    this.word(length);
    let word = 0;
    for (let at = 0; at < length; at += 1) {
      word |= text.charCodeAt(at) << ((at & 3) * 8);
      if ((at & 3) === 3 || at === length - 1) {
        this.word(word);
        word = 0;
      }
    }
    return this;
  }

  /** 0 <= value < 2^53. */
  value(): number {
    const high = avalanche(this.#right ^ this.#left) & 0x1fffff;
    return high * 2 ** 32 + avalanche(this.#left);
  }
}

function avalanche(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
