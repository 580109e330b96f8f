// What a region that compares its tree asks a neighbour, and what any member answers of its applied state (federation 17):
// nodes, then the keys of leaves that differ, then whole records. An idle pair costs one question of one node.
import type { Key } from "../base/index.ts";
import { HASH128_ZERO, sameHash128 } from "./hash128.ts";
import type { Hash128 } from "./hash128.ts";
import type { ComparedKey, Listing, MerkleQuestion } from "./merkle-comparison.ts";
import { MerkleTree, recordHash } from "./merkle-tree.ts";
import type { RecordContent } from "./record-step.ts";
import type { Vector } from "./vector.ts";

export type CompareQuestion =
  | ({ readonly ask: "nodes" } & MerkleQuestion)
  /** The keys of these leaves. */
  | ({ readonly ask: "leaves" } & MerkleQuestion)
  | { readonly ask: "keys"; readonly keys: readonly Key[] }
  | { readonly ask: "records"; readonly keys: readonly Key[] };

/** A record as it is found, with its values. */
export interface FoundRecord {
  readonly key: Key;
  readonly content: RecordContent;
  /** What it was hashed to when it was made, where that is not what is found: it is damaged. */
  readonly expected?: Hash128;
}

/** `applied`: at the moment of the answer. */
export type CompareAnswer = { readonly applied: Vector } & (
  | { readonly answer: "nodes"; readonly levels: number; readonly nodes: readonly Hash128[] }
  | { readonly answer: "keys"; readonly keys: readonly ComparedKey[] }
  | { readonly answer: "records"; readonly records: readonly FoundRecord[] }
);

export const COMPARE_LIMITS = {
  /** Of one answer; more are found by the next comparison. */
  listedMax: 4096,
  /** Asked for by name. */
  keysMax: 1024,
  /** Whole records of one answer. */
  recordsMax: 16,
  /** And their bytes, unless one alone is larger. */
  recordBytesMax: 4 * 1024 * 1024,
} as const;

/** The applied state, as of the moment of each call. */
export interface ComparedState {
  readonly applied: Vector;
  /** Undefined: nothing is federated here yet. */
  readonly tree: MerkleTree | undefined;
  /** Undefined: no region compares it. */
  compared(key: Key): ComparedKey;
  /** Up to `countMax` keys of these nodes of that level. */
  comparedIn(nodes: MerkleQuestion, countMax: number): readonly ComparedKey[];
}

let emptyTree: MerkleTree | undefined;

export function treeOf({ tree }: ComparedState): MerkleTree {
  if (tree !== undefined) return tree;
  emptyTree ??= new MerkleTree(4);
  return emptyTree;
}

/** Undefined: this tree has no such nodes. */
export function answerOf(
  state: ComparedState,
  question: Exclude<CompareQuestion, { readonly ask: "records" }>,
): CompareAnswer | undefined {
  const { applied } = state;
  if (question.ask === "keys")
    return { answer: "keys", applied, keys: listed(state, question.keys).keys };
  const tree = treeOf(state);
  if (question.level > tree.levels) return undefined;
  if (question.ask === "leaves") {
    const keys = state.comparedIn(question, COMPARE_LIMITS.listedMax);
    return { answer: "keys", applied, keys };
  }
  const nodes = question.indexes.map((index) => tree.node(question.level, index));
  return { answer: "nodes", applied, levels: tree.levels, nodes };
}

export function listed(state: ComparedState, keys: readonly Key[]): Listing {
  return { applied: state.applied, keys: keys.map((key) => state.compared(key)) };
}

/** `kept`: what it was hashed to when it was made; undefined: it was not compared. */
export function foundRecord(
  key: Key,
  content: RecordContent,
  kept: Hash128 | undefined,
): FoundRecord {
  const found = recordHash(key, content);
  if (found === undefined && kept === undefined) return { key, content };
  const expected = kept ?? HASH128_ZERO;
  return found !== undefined && sameHash128(found, expected)
    ? { key, content }
    : { key, content, expected };
}
