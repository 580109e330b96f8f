// What regions compare to find damage, bugs and bit rot (federation 17): for every range of key hashes the exclusive or
// of the hashes of its keys' records. A change is xored out and in, so the tree is as live as the records; a wide
// tree's upper levels are those of a narrow one, so regions of different sizes compare.
import { assert } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { ByteWriter } from "./byte-writer.ts";
import { HASH128_ZERO, hash128, xor128 } from "./hash128.ts";
import type { Hash128 } from "./hash128.ts";
import { encodeKindState } from "./kind-state-codec.ts";
import { isCompared } from "./record-step.ts";
import type { RecordContent } from "./record-step.ts";

/** Children of a node: each level takes four bits more of a key's hash. */
export const MERKLE_FANOUT = 16;

const FANOUT_BITS = 4;
const HASH_WORDS = 4;
const KEYS_OF_NARROW_MAX = 4_000_000;

/** Level 0 is the root. Leaves: 2^16, or 2^20 above 4 million keys. */
export type MerkleLevels = 4 | 5;
export const MERKLE_LEVELS_MAX = 5;

export function merkleLevelsFor(keyCount: number): MerkleLevels {
  return keyCount <= KEYS_OF_NARROW_MAX ? 4 : 5;
}

/** What is hashed is written here, one thing at a time: a buffer of its own would cost more than its hash. */
const SCRATCH = new ByteWriter();

/** Where `key` is: the first bits of its hash, from which its node at every level follows. */
export function merklePlaceOf(key: Key): number {
  SCRATCH.restart();
  SCRATCH.key(key);
  const written = SCRATCH.written();
  return hash128(written.subarray(written.length - key.length))[0];
}

/** The node of what is at `place`, at a level. */
export function merkleIndexAt(place: number, level: number): number {
  return level === 0 ? 0 : place >>> (32 - level * FANOUT_BITS);
}

export function merkleIndexOf(key: Key, level: number): number {
  return merkleIndexAt(merklePlaceOf(key), level);
}

/** Of a record with its values. Undefined: the key is left out. Of siblings the live ones count, in their order. */
export function recordHash(key: Key, record: RecordContent): Hash128 | undefined {
  if (!isCompared(record)) return undefined;
  const writer = SCRATCH;
  writer.restart();
  writer.key(key);
  for (const { dot, hlc, epoch, birth, value, lifetime } of record.siblings) {
    if (value === undefined) continue;
    writer.count(dot.origin);
    writer.count(dot.sequence);
    writer.u64(hlc);
    writer.count(epoch);
    writer.u64(birth.hlc);
    writer.count(birth.dot.origin);
    writer.count(birth.dot.sequence);
    writer.u8(lifetime === undefined ? 0 : 1);
    if (lifetime !== undefined) {
      writer.i64(lifetime.lease);
      writer.count(lifetime.ttlMs);
    }
    for (const word of hash128(value)) writer.u32(word);
  }
  // No origin is 0: here the siblings end.
  writer.u8(0);
  for (const state of record.kinds) writer.bytes(encodeKindState(state));
  return hash128(writer.written());
}

export class MerkleTree {
  readonly levels: MerkleLevels;
  /** Level after level, each with the words of its nodes. */
  readonly #nodes: readonly Uint32Array[];

  constructor(levels: MerkleLevels) {
    this.levels = levels;
    this.#nodes = Array.from(
      { length: levels + 1 },
      (_, level) => new Uint32Array(MERKLE_FANOUT ** level * HASH_WORDS),
    );
  }

  /** The key's record is another one. `before`: its hash until then, undefined where it was left out. */
  change(key: Key, before: Hash128 | undefined, after: Hash128 | undefined): void {
    this.changeAt(merklePlaceOf(key), before, after);
  }

  changeAt(place: number, before: Hash128 | undefined, after: Hash128 | undefined): void {
    const delta = xor128(before ?? HASH128_ZERO, after ?? HASH128_ZERO);
    for (let level = 0; level <= this.levels; level += 1) {
      const words = this.#level(level);
      const at = merkleIndexAt(place, level) * HASH_WORDS;
      for (let word = 0; word < HASH_WORDS; word += 1) {
        words[at + word] = (words[at + word] ?? 0) ^ (delta[word] ?? 0);
      }
    }
  }

  /** @throws {AssertionError} for a node that there is not. */
  node(level: number, index: number): Hash128 {
    const words = this.#level(level);
    const at = index * HASH_WORDS;
    assert(index >= 0 && at < words.length, `level ${level} of a Merkle tree has no node ${index}`);
    return [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0];
  }

  get root(): Hash128 {
    return this.node(0, 0);
  }

  #level(level: number): Uint32Array {
    const words = this.#nodes[level];
    assert(words !== undefined, `a Merkle tree of ${this.levels} levels has no level ${level}`);
    return words;
  }
}
