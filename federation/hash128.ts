// MurmurHash3_x86_128 (Austin Appleby, SMHasher, public domain): 128 bits in four 32-bit lanes, each input word mixed by
// one multiplication in JavaScript's own integers. It finds damage and bugs; it does not stand against an attacker.

/** Four words of 32 bits, unsigned. */
export type Hash128 = readonly [number, number, number, number];

export const HASH128_ZERO: Hash128 = [0, 0, 0, 0];

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;
const BLOCK_BYTES = 16;
export const HASH128_BYTES = BLOCK_BYTES;

/** `seed`: 32 bits. */
export function hash128(bytes: Uint8Array, seed = 0): Hash128 {
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  const bodyBytes = bytes.length - (bytes.length % BLOCK_BYTES);
  for (let at = 0; at < bodyBytes; at += BLOCK_BYTES) {
    h1 = rotated(h1 ^ mixed(wordAt(bytes, at), C1, 15, C2), 19) + h2;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    h2 = rotated(h2 ^ mixed(wordAt(bytes, at + 4), C2, 16, C3), 17) + h3;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    h3 = rotated(h3 ^ mixed(wordAt(bytes, at + 8), C3, 17, C4), 15) + h4;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    h4 = rotated(h4 ^ mixed(wordAt(bytes, at + 12), C4, 18, C1), 13) + h1;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
  }
  // Bytes beyond the end are zeros, and a word of zeros mixes to zero: the lanes of a short tail stay as they are.
  h1 ^= mixed(wordAt(bytes, bodyBytes), C1, 15, C2) ^ bytes.length;
  h2 ^= mixed(wordAt(bytes, bodyBytes + 4), C2, 16, C3) ^ bytes.length;
  h3 ^= mixed(wordAt(bytes, bodyBytes + 8), C3, 17, C4) ^ bytes.length;
  h4 ^= mixed(wordAt(bytes, bodyBytes + 12), C4, 18, C1) ^ bytes.length;
  return crossed(avalanche(crossed([h1, h2, h3, h4])));
}

/** What both make by exclusive or: its own inverse. */
export function xor128(left: Hash128, right: Hash128): Hash128 {
  return [
    (left[0] ^ right[0]) >>> 0,
    (left[1] ^ right[1]) >>> 0,
    (left[2] ^ right[2]) >>> 0,
    (left[3] ^ right[3]) >>> 0,
  ];
}

export function sameHash128(left: Hash128, right: Hash128): boolean {
  return left.every((word, at) => word === right[at]);
}

/** Little-endian, as SMHasher writes them. */
export function hash128Bytes(hash: Hash128): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  hash.forEach((word, at) => view.setUint32(at * 4, word, true));
  return bytes;
}

/** As `hash128Bytes` wrote them. */
export function hash128Of(bytes: Uint8Array): Hash128 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES);
  const word = (at: number): number => view.getUint32(at * 4, true);
  return [word(0), word(1), word(2), word(3)];
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function mixed(word: number, before: number, bits: number, after: number): number {
  return Math.imul(rotated(Math.imul(word, before), bits), after);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** The first lane takes all others, then each of them takes the first. */
function crossed([h1, h2, h3, h4]: Hash128): Hash128 {
  const first = h1 + h2 + h3 + h4;
  return [first >>> 0, (h2 + first) >>> 0, (h3 + first) >>> 0, (h4 + first) >>> 0];
}

function avalanche([h1, h2, h3, h4]: Hash128): Hash128 {
  return [finished(h1), finished(h2), finished(h3), finished(h4)];
}

function finished(word: number): number {
  let rest = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  rest = Math.imul(rest ^ (rest >>> 13), 0xc2b2ae35);
  return (rest ^ (rest >>> 16)) >>> 0;
}
