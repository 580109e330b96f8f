// What is kept of every federated key, in memory and as rows, with what finds keys of several siblings, keys of a lone
// tombstone and, by a Merkle tree, keys in which regions differ. Changes of an open revision are taken back with it.
import BTree from "sorted-btree";
import { compareKeys } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { FederatedStore } from "../store/index.ts";
import { ContestedKeys } from "./contested-keys.ts";
import { compareDots } from "./dot.ts";
import type { Dot } from "./dot.ts";
import { NO_RECORD, isBlank, soleTombstone } from "./kept-record.ts";
import type { KeptRecord } from "./kept-record.ts";
import { MerkleTree, merkleIndexAt, merkleLevelsFor } from "./merkle-tree.ts";
import type { MerkleLevels } from "./merkle-tree.ts";
import { decodeRecord, encodeRecord } from "./record-codec.ts";
import { keyOfRowKey, keyRowKey } from "./region-rows.ts";
import { hasLifetime } from "./sibling.ts";
import { hasDot } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** Until a restart finds that more are worth their memory. */
const TREE_LEVELS: MerkleLevels = 4;

/** Of a sibling beside its value, about. */
const SIBLING_BYTES = 32;

interface Grave {
  readonly dot: Dot;
  readonly key: Key;
}

export class KeptRecords {
  readonly #records = new Map<Key, KeptRecord>();
  readonly contested = new ContestedKeys();
  /** Keys of a sibling that a lease ends. */
  readonly #leased = new Set<Key>();
  /** Lone tombstones, by dot. */
  readonly #graves = new BTree<Grave, undefined>(undefined, compareGraves);
  /** What was there before the open revision, of the keys that it changed. */
  readonly #before = new Map<Key, KeptRecord>();
  #waitingBytes = 0;
  /** Over all of them; undefined: there never was one, as in a lone region. */
  #tree: MerkleTree | undefined;

  /** Of every record as it is; undefined: of none. */
  get tree(): MerkleTree | undefined {
    return this.#tree;
  }

  /** Of tombstones and siblings, about: all of it waits until every region has it (federation 10). */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Keys whose only sibling is a tombstone: they wait for the stable cut. */
  get tombstoneCount(): number {
    return this.#graves.size;
  }

  of(key: Key): KeptRecord {
    return this.#records.get(key) ?? NO_RECORD;
  }

  has(key: Key): boolean {
    return this.#records.has(key);
  }

  /** As it was before the open revision. */
  before(key: Key): KeptRecord {
    return this.#before.get(key) ?? this.of(key);
  }

  /** In no order. A record is replaced and never changed: what is handed out stays as it is. */
  entries(): readonly (readonly [Key, KeptRecord])[] {
    return [...this.#records];
  }

  /** Keys of a sibling that a lease ends, in some region; ascending. */
  leased(): readonly Key[] {
    return [...this.#leased].sort();
  }

  isLeased(key: Key): boolean {
    return this.#leased.has(key);
  }

  each(): Iterable<Key> {
    return this.#records.keys();
  }

  /** Every key, ascending. */
  keys(): readonly Key[] {
    return [...this.#records.keys()].sort();
  }

  /** Up to `countMax` keys of a lone tombstone within `cut`, the oldest of each origin first. */
  buriedWithin(cut: Vector, countMax: number): readonly Key[] {
    const keys: Key[] = [];
    for (const [origin, sequence] of cut) {
      const from = { dot: { origin, sequence: 1 as typeof sequence }, key: "" as Key };
      for (const { dot, key } of this.#graves.keys(from)) {
        if (dot.origin !== origin || !hasDot(cut, dot) || keys.length === countMax) break;
        keys.push(key);
      }
    }
    return keys;
  }

  set(key: Key, record: KeptRecord): void {
    if (!this.#before.has(key)) this.#before.set(key, this.of(key));
    this.#replace(key, record);
  }

  /** Writes a row for each key that changed. */
  commit(writes: FederatedStore["writes"]): void {
    for (const key of this.#before.keys()) {
      const record = this.#records.get(key);
      if (record === undefined) writes.delete(keyRowKey(key));
      else writes.put(keyRowKey(key), encodeRecord(record));
    }
    this.#before.clear();
  }

  rollback(): void {
    for (const [key, record] of this.#before) this.#replace(key, record);
    this.#before.clear();
  }

  restore(rowKey: Uint8Array, row: Uint8Array): void {
    const key = keyOfRowKey(rowKey);
    this.#replace(key, decodeRecord(key, row));
  }

  /** After the last row: as wide a tree as there are keys. */
  restored(): void {
    const levels = merkleLevelsFor(this.size);
    if (this.#tree === undefined || levels === this.#tree.levels) return;
    const tree = new MerkleTree(levels);
    for (const { digest } of this.#records.values()) {
      if (digest !== undefined) tree.changeAt(digest.place, undefined, digest.hash);
    }
    this.#tree = tree;
  }

  /** Keys of the leaves that are compared, in no order: looks at every record. */
  inLeaves(leaves: ReadonlySet<number>, level: number, countMax: number): readonly Key[] {
    const keys: Key[] = [];
    for (const [key, { digest }] of this.#records) {
      if (digest === undefined || !leaves.has(merkleIndexAt(digest.place, level))) continue;
      if (keys.push(key) === countMax) break;
    }
    return keys;
  }

  #replace(key: Key, record: KeptRecord): void {
    const buried = soleTombstone(this.of(key));
    if (buried !== undefined) this.#graves.delete({ dot: buried.dot, key });
    const tombstone = soleTombstone(record);
    if (tombstone !== undefined) this.#graves.set({ dot: tombstone.dot, key }, undefined);
    if (record.siblings.some(hasLifetime)) this.#leased.add(key);
    else this.#leased.delete(key);
    this.contested.note(key, this.of(key).siblings, record.siblings);
    this.#waitingBytes += waitingBytesOf(key, record) - waitingBytesOf(key, this.of(key));
    this.#rehash(this.of(key), record);
    if (isBlank(record)) this.#records.delete(key);
    else this.#records.set(key, record);
  }

  #rehash({ digest: before }: KeptRecord, { digest: after }: KeptRecord): void {
    const place = (before ?? after)?.place;
    if (place === undefined) return;
    this.#tree ??= new MerkleTree(TREE_LEVELS);
    this.#tree.changeAt(place, before?.hash, after?.hash);
  }
}

/** Of a lone tombstone, or of several siblings; what one value takes, its region would keep anyway. */
function waitingBytesOf(key: Key, { siblings }: KeptRecord): number {
  const [only, ...others] = siblings;
  if (only === undefined || (others.length === 0 && only.value !== undefined)) return 0;
  const bytes = siblings.map(({ value }) => SIBLING_BYTES + (value?.length ?? 0));
  return bytes.reduce((sum, one) => sum + one, key.length);
}

function compareGraves(left: Grave, right: Grave): number {
  return compareDots(left.dot, right.dot) || compareKeys(left.key, right.key);
}
