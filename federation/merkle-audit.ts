// One comparison of a region with its neighbours, from the roots to the repair (federation 17): a conversation that is
// carried on by whoever asks the neighbours and proposes the repairs. What differs at the first look is looked at again
// once both sides have applied all that either had then; what differs still, and has not moved, is damage.
import { assert } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { OriginId } from "./dot.ts";
import { sameHash128 } from "./hash128.ts";
import type { Hash128 } from "./hash128.ts";
import {
  MERKLE_SUSPECTS_MAX,
  MerkleDescent,
  mayConfirm,
  suspicionOf,
} from "./merkle-comparison.ts";
import type { Listing, MerkleQuestion } from "./merkle-comparison.ts";
import { COMPARE_LIMITS, listed, treeOf } from "./merkle-questions.ts";
import type { CompareAnswer, CompareQuestion, ComparedState } from "./merkle-questions.ts";
import { repairOf } from "./merkle-repair.ts";
import type { RecordCopy } from "./merkle-repair.ts";
import type { FederationBug } from "./planted.ts";
import type { Vector } from "./vector.ts";

/** What is to be done next; each is answered before the next comes. */
export type AuditStep =
  /** Undefined: it did not answer, or cannot. */
  | { readonly step: "ask"; readonly of: OriginId; readonly question: CompareQuestion }
  /** This region's own records, as an answer. */
  | { readonly step: "read"; readonly keys: readonly Key[] }
  /** Until this region and that one have applied it. */
  | { readonly step: "await"; readonly of: OriginId; readonly vector: Vector }
  | { readonly step: "repair"; readonly key: Key; readonly copy: RecordCopy };

export type AuditReply =
  | { readonly reply: "answer"; readonly answer: CompareAnswer | undefined }
  /** False: not in time. */
  | { readonly reply: "awaited"; readonly covered: boolean }
  /** `why`: it was refused. */
  | { readonly reply: "repaired"; readonly why: string | undefined };

/**
 * - `equal`: no key differs. - `moving`: some did, and all of them were being written.
 * - `different`: see the findings. - `unreached`: it did not answer to the end.
 */
export type NeighbourOutcome = "equal" | "moving" | "different" | "unreached";

export interface Finding {
  readonly key: Key;
  /** Regions that differ in it; none: it is damaged here by its own hash. */
  readonly against: readonly OriginId[];
  /** `kept`: this region has what most have; the other repairs itself. */
  readonly outcome: "repaired" | "kept" | "reported";
  /** Of `repaired`. */
  readonly from?: OriginId;
  /** Of `reported`: what people have to decide, or what stood in the way. */
  readonly why?: string;
}

export interface AuditReport {
  readonly neighbours: ReadonlyMap<OriginId, NeighbourOutcome>;
  /** Ascending by key. */
  readonly findings: readonly Finding[];
  /** More keys differ than one audit looks at. */
  readonly more: boolean;
}

export interface AuditInit {
  readonly self: OriginId;
  readonly mine: ComparedState;
  readonly neighbours: readonly OriginId[];
  /** Of the members. */
  readonly regionCount: number;
  /** Keys that are not what they were hashed to. */
  readonly damaged: readonly Key[];
  /** Whose records count, whatever most have. */
  readonly source?: OriginId;
  /** False: what is found is reported, and left. */
  readonly repairs: boolean;
  readonly planted?: FederationBug;
}

/** Of one question: of a tree at its fullest, about as many keys as one answer lists. */
const LEAVES_MAX = 64;

type Audit<Result> = Generator<AuditStep, Result, AuditReply>;

export function* auditOf(init: AuditInit): Audit<AuditReport> {
  const neighbours = new Map<OriginId, NeighbourOutcome>();
  const against = new Map<Key, OriginId[]>();
  for (const key of init.damaged) against.set(key, []);
  for (const of of init.neighbours) {
    const compared = yield* comparedWith(init.mine, of);
    neighbours.set(of, compared.outcome);
    for (const key of compared.keys) against.set(key, [...(against.get(key) ?? []), of]);
  }
  const all = [...against].sort(([left], [right]) => (left < right ? -1 : 1));
  const looked = all.slice(0, MERKLE_SUSPECTS_MAX);
  const findings: Finding[] = [];
  for (let from = 0; from < looked.length; from += COMPARE_LIMITS.recordsMax) {
    const some = looked.slice(from, from + COMPARE_LIMITS.recordsMax);
    const copies = yield* copiesOf(
      init,
      some.map(([key]) => key),
    );
    for (const [key, others] of some) {
      findings.push(yield* judged(init, key, others, copies.get(key) ?? []));
    }
  }
  return { neighbours, findings, more: looked.length < all.length };
}

interface Compared {
  readonly outcome: NeighbourOutcome;
  readonly keys: readonly Key[];
}

const UNREACHED: Compared = { outcome: "unreached", keys: [] };

function* comparedWith(mine: ComparedState, of: OriginId): Audit<Compared> {
  const root = yield* asked(of, { ask: "nodes", level: 0, indexes: [0] });
  const [hash] = root?.answer === "nodes" ? root.nodes : [];
  if (root?.answer !== "nodes" || hash === undefined) return UNREACHED;
  if (sameHash128(hash, treeOf(mine).root)) return { outcome: "equal", keys: [] };
  const leaves = yield* differingLeaves(mine, of, root.levels);
  if (leaves === undefined) return UNREACHED;
  const level = Math.min(treeOf(mine).levels, root.levels);
  const keys: Key[] = [];
  for (let from = 0; from < leaves.length; from += LEAVES_MAX) {
    const indexes = leaves.slice(from, from + LEAVES_MAX);
    const damaged = yield* damagedIn(mine, of, { level, indexes });
    if (damaged === undefined) return UNREACHED;
    keys.push(...damaged);
    if (keys.length >= MERKLE_SUSPECTS_MAX) break;
  }
  return { outcome: keys.length > 0 ? "different" : "moving", keys };
}

function* differingLeaves(
  mine: ComparedState,
  of: OriginId,
  levels: number,
): Audit<readonly number[] | undefined> {
  const descent = new MerkleDescent(treeOf(mine), levels);
  for (;;) {
    const question = descent.question();
    if (question === undefined) return descent.differingLeaves;
    const answer = yield* asked(of, { ask: "nodes", ...question });
    if (answer?.answer !== "nodes" || !descent.answer(answer.nodes)) return undefined;
  }
}

/** Undefined: it did not answer. */
function* damagedIn(
  mine: ComparedState,
  of: OriginId,
  leaves: MerkleQuestion,
): Audit<readonly Key[] | undefined> {
  const theirs = yield* asked(of, { ask: "leaves", ...leaves });
  if (theirs?.answer !== "keys") return undefined;
  const ours = { applied: mine.applied, keys: mine.comparedIn(leaves, COMPARE_LIMITS.listedMax) };
  const suspicion = suspicionOf(ours, theirs);
  if (suspicion.keys.length === 0) return [];
  const awaited = yield { step: "await", of, vector: suspicion.settledAt };
  assert(awaited.reply === "awaited", "a wait is answered as one");
  if (!awaited.covered) return [];
  const again = yield* asked(of, { ask: "keys", keys: suspicion.keys });
  if (again?.answer !== "keys") return undefined;
  const oursAgain = listed(mine, suspicion.keys);
  if (!mayConfirm(suspicion, oursAgain.applied, again.applied)) return [];
  const [movedHere, movedThere] = [movedBetween(ours, oursAgain), movedBetween(theirs, again)];
  const { keys } = suspicionOf(oursAgain, again);
  return keys.filter((key) => !movedHere.has(key) && !movedThere.has(key));
}

/** Keys of the second listing that were something else in the first: what is written all the time proves nothing. */
function movedBetween(first: Listing, second: Listing): ReadonlySet<Key> {
  const before = new Map(first.keys.map(({ key, hash }) => [key, hash]));
  const moved = second.keys.filter(({ key, hash }) => !sameHash(before.get(key), hash));
  return new Set(moved.map(({ key }) => key));
}

function sameHash(left: Hash128 | undefined, right: Hash128 | undefined): boolean {
  return left === undefined || right === undefined ? left === right : sameHash128(left, right);
}

/** Of each key, as many copies as regions answered; this one's first. */
function* copiesOf(
  { self, neighbours }: AuditInit,
  keys: readonly Key[],
): Audit<ReadonlyMap<Key, readonly RecordCopy[]>> {
  const copies = new Map<Key, RecordCopy[]>();
  for (const region of [self, ...neighbours]) {
    let left = keys;
    while (left.length > 0) {
      const reply: AuditReply =
        region === self
          ? yield { step: "read", keys: left }
          : yield { step: "ask", of: region, question: { ask: "records", keys: left } };
      assert(reply.reply === "answer", "a question is answered as one");
      const { answer } = reply;
      if (answer?.answer !== "records" || answer.records.length === 0) break;
      const { applied } = answer;
      for (const { key, content: record, expected } of answer.records) {
        const copy = { region, record, applied, ...(expected && { expected }) };
        copies.set(key, [...(copies.get(key) ?? []), copy]);
      }
      const came = new Set(answer.records.map(({ key }) => key));
      const rest = left.filter((key) => !came.has(key));
      if (rest.length === left.length) break;
      left = rest;
    }
  }
  return copies;
}

function* judged(
  init: AuditInit,
  key: Key,
  against: readonly OriginId[],
  copies: readonly RecordCopy[],
): Audit<Finding> {
  const { self, regionCount, source, planted, repairs } = init;
  const options = { regionCount, ...(source && { source }), ...(planted && { planted }) };
  const repair = repairOf(key, self, copies, options);
  if (repair.action === "keep") return { key, against, outcome: "kept" };
  if (repair.action === "report") return { key, against, outcome: "reported", why: repair.why };
  const { from: copy } = repair;
  const { region: from } = copy;
  if (!repairs) return { key, against, outcome: "reported", from, why: "not asked to repair" };
  const awaited = yield { step: "await", of: self, vector: copy.applied };
  assert(awaited.reply === "awaited", "a wait is answered as one");
  if (!awaited.covered) {
    const why = "what the copy has seen has not come in time";
    return { key, against, outcome: "reported", from, why };
  }
  const done = yield { step: "repair", key, copy };
  assert(done.reply === "repaired", "a repair is answered as one");
  const { why } = done;
  return why === undefined
    ? { key, against, outcome: "repaired", from }
    : { key, against, outcome: "reported", from, why };
}

function* asked(of: OriginId, question: CompareQuestion): Audit<CompareAnswer | undefined> {
  const reply = yield { step: "ask", of, question };
  assert(reply.reply === "answer", "a question is answered as one");
  return reply.answer;
}
