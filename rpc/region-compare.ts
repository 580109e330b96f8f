// Questions about Merkle trees and their answers, between types and bytes (federation 17). Bounded both ways; what a
// record holds is the federation's, and is read here whole, so that hostile bytes end at the edge.
import { bytesOf, keyOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import {
  COMPARE_LIMITS,
  HASH128_BYTES,
  MERKLE_FANOUT,
  MERKLE_LEVELS_MAX,
  MERKLE_NODES_MAX,
  decodeContent,
  encodeContent,
  hash128Bytes,
  hash128Of,
  sequence,
} from "../federation/index.ts";
import type {
  CompareAnswer,
  CompareQuestion,
  ComparedKey,
  Dot,
  FoundRecord,
  Hash128,
  MerkleQuestion,
} from "../federation/index.ts";
import { exactNumberOf } from "../proto/index.ts";
import type { hansa } from "../proto/index.ts";
import { invalid } from "./decode.ts";
import { originOf, vectorOf, vectorShape } from "./region-vector.ts";

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Of one key: far above what regions that write it at the same time leave there. */
const DOTS_MAX = 65_536;

export function questionShape(question: CompareQuestion): hansa.region.v1.Compare.$Properties {
  switch (question.ask) {
    case "nodes":
      return { nodes: nodesShape(question) };
    case "leaves":
      return { leaves: nodesShape(question) };
    case "keys":
      return { keys: { keys: question.keys.map(bytesOf) } };
    case "records":
      return { records: { keys: question.keys.map(bytesOf) } };
  }
}

/** @throws {KvError} `invalid-argument`, naming what is wrong. */
export function questionOf(compare: hansa.region.v1.Compare.$Properties): CompareQuestion {
  const { nodes, leaves, keys, records } = compare;
  if (nodes) return { ask: "nodes", ...nodesOf(nodes) };
  if (leaves) return { ask: "leaves", ...nodesOf(leaves) };
  if (keys) return { ask: "keys", keys: keysOf(keys, COMPARE_LIMITS.keysMax) };
  if (records) return { ask: "records", keys: keysOf(records, COMPARE_LIMITS.recordsMax) };
  throw invalid("a comparison asks nothing");
}

function nodesShape({ level, indexes }: MerkleQuestion): hansa.region.v1.MerkleNodes.$Properties {
  return { level, indexes: [...indexes] };
}

function nodesOf(nodes: hansa.region.v1.MerkleNodes.$Properties): MerkleQuestion {
  const level = nodes.level ?? 0;
  const indexes = nodes.indexes ?? [];
  if (level > MERKLE_LEVELS_MAX) {
    throw invalid(`level ${level} of a tree; expected at most ${MERKLE_LEVELS_MAX}`);
  }
  bounded(indexes.length, MERKLE_NODES_MAX, "nodes");
  if (indexes.some((index) => index >= MERKLE_FANOUT ** level)) {
    throw invalid(`a node beyond the ${MERKLE_FANOUT ** level} of level ${level}`);
  }
  return { level, indexes };
}

function keysOf(
  { keys }: hansa.region.v1.MerkleKeys.$Properties,
  countMax: number,
): readonly Key[] {
  bounded(keys?.length ?? 0, countMax, "keys");
  return (keys ?? []).map(keyIn);
}

export function answerShape(answer: CompareAnswer): hansa.region.v1.Compared.$Properties {
  const applied = vectorShape(answer.applied);
  switch (answer.answer) {
    case "nodes": {
      const hashes = Buffer.concat(answer.nodes.map(hash128Bytes));
      return { applied, nodes: { levels: answer.levels, hashes } };
    }
    case "keys":
      return { applied, keys: { keys: answer.keys.map(comparedShape) } };
    case "records":
      return { applied, records: { records: answer.records.map(recordShape) } };
  }
}

/** Undefined: it cannot be answered now. @throws {KvError} `invalid-argument`, naming what is wrong. */
export function comparedOf(
  compared: hansa.region.v1.Compared.$Properties,
): CompareAnswer | undefined {
  const { nodes, keys, records } = compared;
  const applied = vectorOf(compared.applied ?? []);
  if (nodes) {
    const levels = nodes.levels ?? 0;
    if (levels > MERKLE_LEVELS_MAX) throw invalid(`a tree of ${levels} levels`);
    return { answer: "nodes", applied, levels, nodes: hashesOf(nodes.hashes ?? NO_BYTES) };
  }
  if (keys) {
    bounded(keys.keys?.length ?? 0, COMPARE_LIMITS.listedMax, "keys");
    return { answer: "keys", applied, keys: (keys.keys ?? []).map(comparedKeyOf) };
  }
  if (!records) return undefined;
  bounded(records.records?.length ?? 0, COMPARE_LIMITS.recordsMax, "records");
  return { answer: "records", applied, records: (records.records ?? []).map(recordOf) };
}

function hashesOf(bytes: Uint8Array): readonly Hash128[] {
  const count = bytes.length / HASH128_BYTES;
  if (!Number.isInteger(count)) throw invalid(`${bytes.length} bytes of hashes`);
  bounded(count, MERKLE_NODES_MAX, "hashes");
  return Array.from({ length: count }, (_, at) => hash128Of(bytes.subarray(at * HASH128_BYTES)));
}

function comparedShape({ key, hash, dots }: ComparedKey): hansa.region.v1.ComparedKey.$Properties {
  return { key: bytesOf(key), ...(hash && { hash: hash128Bytes(hash) }), dots: [...dots] };
}

function comparedKeyOf(given: hansa.region.v1.ComparedKey.$Properties): ComparedKey {
  bounded(given.dots?.length ?? 0, DOTS_MAX, "dots");
  const dots = (given.dots ?? []).map((dot): Dot => {
    const at = exactNumberOf(dot.sequence ?? 0, "sequence");
    if (at < 1) throw invalid("a dot of sequence 0; expected at least 1");
    return { origin: originOf(dot.origin), sequence: sequence(at) };
  });
  return { key: keyIn(given.key), hash: hashOf(given.hash), dots };
}

function recordShape(found: FoundRecord): hansa.region.v1.FoundRecord.$Properties {
  const { key, content, expected } = found;
  const common = { key: bytesOf(key), content: encodeContent(content) };
  return expected === undefined ? common : { ...common, expected: hash128Bytes(expected) };
}

function recordOf(given: hansa.region.v1.FoundRecord.$Properties): FoundRecord {
  const content = decodeContent(given.content ?? NO_BYTES, (message) =>
    invalid(`a record: ${message}`),
  );
  const expected = hashOf(given.expected);
  return { key: keyIn(given.key), content, ...(expected && { expected }) };
}

function hashOf(bytes: Uint8Array | null | undefined): Hash128 | undefined {
  if (!bytes || bytes.length === 0) return undefined;
  if (bytes.length === HASH128_BYTES) return hash128Of(bytes);
  throw invalid(`a hash of ${bytes.length} bytes; expected ${HASH128_BYTES}`);
}

function keyIn(bytes: Uint8Array | null | undefined): Key {
  if (!bytes || bytes.length === 0) throw invalid("a key is missing");
  return keyOf(bytes);
}

function bounded(count: number, most: number, what: string): void {
  if (count > most) throw invalid(`${count} ${what}; expected at most ${most}`);
}
