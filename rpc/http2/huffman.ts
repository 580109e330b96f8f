// HPACK's Huffman code (RFC 7541 section 5.2 and appendix B), read four bits at a time. The code is
// canonical: the lengths of its 257 words are the whole table, the words follow from them.

/** In bits, by octet; the 257th is EOS. */
const CODE_LENGTHS: readonly number[] = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  30,
];
const EOS = 256;
const LONGEST_BITS = 30;
/** The largest padding, all ones: RFC 7541 section 5.2. */
const PADDING_BITS_MAX = 7;

/** A node's child is a node (>= 0), a symbol (~symbol), or not there yet. */
interface Tree {
  readonly children: (readonly [number, number])[];
  /** Bits of ones that lead here from the root, or -1: what padding may leave a reader in. */
  readonly onesDepth: number[];
}

function tree(): Tree {
  const children: [number, number][] = [[0, 0]];
  let code = 0;
  for (let bits = 1; bits <= LONGEST_BITS; bits += 1) {
    for (let symbol = 0; symbol <= EOS; symbol += 1) {
      if (CODE_LENGTHS[symbol] !== bits) continue;
      insert(children, code, bits, symbol);
      code += 1;
    }
    code *= 2;
  }
  const onesDepth = children.map(() => -1);
  for (let node = 0, depth = 0; node >= 0; depth += 1) {
    onesDepth[node] = depth;
    node = children[node]?.[1] ?? -1;
  }
  return { children, onesDepth };
}

function insert(children: [number, number][], code: number, bits: number, symbol: number): void {
  let node = 0;
  for (let bit = bits - 1; bit >= 0; bit -= 1) {
    const side = Math.floor(code / 2 ** bit) % 2 === 0 ? 0 : 1;
    const pair = children[node];
    if (pair === undefined) return;
    if (bit === 0) pair[side] = ~symbol;
    else if (pair[side] === 0) {
      children.push([0, 0]);
      pair[side] = children.length - 1;
    }
    node = pair[side];
  }
}

const NO_SYMBOL = -1;
const FAILED = -1;

/** By node * 16 + four bits: where they lead, and the one symbol they complete (the shortest has five). */
const NEXT = new Int16Array(EOS * 16);
const SYMBOL = new Int16Array(EOS * 16).fill(NO_SYMBOL);
const ACCEPTS = new Uint8Array(EOS);

const { children: CHILDREN, onesDepth: ONES_DEPTH } = tree();
for (const node of CHILDREN.keys()) {
  const depth = ONES_DEPTH[node] ?? -1;
  ACCEPTS[node] = depth >= 0 && depth <= PADDING_BITS_MAX ? 1 : 0;
  for (let nibble = 0; nibble < 16; nibble += 1) {
    let at = node;
    for (let bit = 3; bit >= 0 && at !== FAILED; bit -= 1) {
      const child = CHILDREN[at]?.[(nibble >> bit) & 1] ?? 0;
      if (child >= 0) at = child;
      else if (~child === EOS) at = FAILED;
      else {
        SYMBOL[node * 16 + nibble] = ~child;
        at = 0;
      }
    }
    NEXT[node * 16 + nibble] = at;
  }
}

/** Five bits are the shortest word: what `length` octets can hold at most. */
export function huffmanBytesMax(length: number): number {
  return Math.ceil((length * 8) / 5);
}

/**
 * Decodes `bytes[from, until)` into `into`, which has room for `huffmanBytesMax`; returns how many octets
 * came out, or -1: EOS within, or padding that is too long or not all ones.
 */
export function decodeHuffman(bytes: Buffer, from: number, until: number, into: Buffer): number {
  let node = 0;
  let length = 0;
  for (let at = from; at < until; at += 1) {
    const byte = bytes[at] ?? 0;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = node * 16 + ((byte >> shift) & 15);
      const symbol = SYMBOL[step] ?? NO_SYMBOL;
      if (symbol !== NO_SYMBOL) {
        into[length] = symbol;
        length += 1;
      }
      node = NEXT[step] ?? FAILED;
      if (node === FAILED) return -1;
    }
  }
  return ACCEPTS[node] === 1 ? length : -1;
}
