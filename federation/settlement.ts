// Who removes losers, and when: the winner's origin, once every member has all the siblings; at the bound, at once
// (federation 5). A settlement is a write like any other, so no region ever drops a sibling by itself.
import { compareBytes } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { birthOver } from "./birth.ts";
import { losersOf } from "./conflict-record.ts";
import type { Dot, OriginId } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import { SIBLINGS_MAX, isTombstone } from "./sibling.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import type { Operation } from "./transaction.ts";
import { hasDots } from "./vector.ts";
import type { Vector } from "./vector.ts";
import { isContested, latest, viewOf } from "./view.ts";
import type { View } from "./view.ts";
import type { Resolution, ViewRules } from "./view-rules.ts";

/** A region, at the moment at which it looks for what it has to settle. */
export interface Settler {
  readonly self: OriginId;
  /** Applied by every member. */
  readonly stable: Vector;
  /** Whether nobody mints under it any more. */
  readonly isClosed: (origin: OriginId) => boolean;
}

/**
 * What this region is to write of the key; undefined: nothing. Under `merge` the union is written at the bound, since
 * to drop a sibling would be to remove its lines.
 */
export function settlementOf(
  rules: ViewRules,
  key: Key,
  siblings: Siblings,
  settler: Settler,
): Operation | undefined {
  const full = siblings.length > SIBLINGS_MAX;
  if (siblings.length < 2 || (!full && !settles(rules, siblings))) return undefined;
  const view = viewToSettle(rules, key, siblings, { full });
  if (view === undefined || !decides(view.winner, settler)) return undefined;
  if (rules.policy === "merge" && view.value !== undefined) {
    return resolutionOf(key, siblings, { action: "value", value: view.value });
  }
  const isAtOnce = full && !isHandlersToo(rules, view.winner, settler);
  if (!isAtOnce && !hasDots(settler.stable, dotsOf(siblings))) return undefined;
  const lost = losersOf(siblings.filter((one) => one !== view.winner));
  return { key, action: "settle", lost, kept: view.winner.dot };
}

/**
 * Of a winner that every region may settle a handler elsewhere may keep another sibling meanwhile: what it drops would be
 * kept here, and what it keeps dropped.
 */
function isHandlersToo({ policy }: ViewRules, { dot }: Sibling, { isClosed }: Settler): boolean {
  return policy === "resolver" && isClosed(dot.origin);
}

/**
 * Deletes that all come too late to be seen have no winner (federation 12), and one of them is kept all the same: it
 * shows nothing, and none would be forgotten otherwise. Values that come too late wait for a write; at the bound one of
 * them does, and the others are on record. No union is written of them: that would be seen.
 */
function viewToSettle(
  rules: ViewRules,
  key: Key,
  siblings: Siblings,
  { full }: { readonly full: boolean },
): View | undefined {
  const view = viewOf(rules, key, siblings);
  if (view !== undefined || (!full && !siblings.every(isTombstone))) return view;
  const kept = viewOf({ ...rules, late: [] }, key, siblings);
  return kept && { winner: kept.winner };
}

/**
 * Deletes that had not seen each other are one under every policy: nobody sees anything that he could resolve, and a
 * tombstone is forgotten only when it is alone. What a handler wrote twice is one answer.
 */
function settles({ policy }: ViewRules, siblings: Siblings): boolean {
  if (SETTLES.has(policy) || siblings.every(isTombstone)) return true;
  return policy === "resolver" && !isContested(siblings);
}

/** Under the others siblings wait for a write. */
const SETTLES: ReadonlySet<ViewRules["policy"]> = new Set([
  "lww",
  "first-writer",
  "priority",
  "home-wins",
  "add-wins",
  "delete-wins",
]);

/** Whether this region is to run the handler of a `resolver` that writes (federation 8, trap 7). */
export function resolvesHere(
  rules: ViewRules,
  key: Key,
  siblings: Siblings,
  settler: Pick<Settler, "self" | "isClosed">,
  planted?: FederationBug,
): boolean {
  if (planted === "resolver-storm") return siblings.length > 1;
  const winner = viewOf(rules, key, siblings)?.winner;
  return winner !== undefined && isContested(siblings) && decides(winner, settler);
}

/**
 * What a handler's answer writes: it has seen these siblings and nothing else. Undefined: they are kept. What is there
 * already is kept and not written anew: that would be one more sibling to everybody who answers meanwhile, and their
 * answers to this region, without end (trap 7).
 */
export function resolutionOf(
  key: Key,
  siblings: Siblings,
  resolution: Resolution,
): Operation | undefined {
  if (resolution.action === "keep") return undefined;
  // Of equal ones the one that a settlement keeps too, or two regions would keep one each, and drop the other's.
  const kept = latest(siblings.filter((one) => isAnswer(one, resolution)));
  if (kept !== undefined) {
    const others = siblings.filter((one) => one !== kept);
    return { key, action: "settle", lost: losersOf(others), kept: kept.dot };
  }
  const lost = losersOf(siblings);
  const context = lost.map(({ dot }) => dot);
  if (resolution.action === "delete") return { key, action: "delete", context, lost };
  const birth = birthOver(siblings);
  const { value } = resolution;
  return { key, action: "put", value, context, ...(birth === undefined ? {} : { birth }), lost };
}

/**
 * One sibling is kept, and the others go, once every member has all of them, as in a settlement: a handler that is no
 * semilattice, asked elsewhere about other siblings, may keep what goes here. What such a region answered before it had
 * these is applied here by then. Beyond the bound a settlement says what is kept, and no handler. A new value is a write
 * over what it has seen, and waits for nobody.
 */
export function mayDrop(
  { action }: Operation,
  siblings: Siblings,
  stable: Vector,
  planted?: FederationBug,
): boolean {
  if (action !== "settle" || planted === "kept-before-stable") return true;
  return siblings.length <= SIBLINGS_MAX && hasDots(stable, dotsOf(siblings));
}

function dotsOf(siblings: Siblings): readonly Dot[] {
  return siblings.map(({ dot }) => dot);
}

/** But for what ends with a lease: an answer lasts. */
function isAnswer({ value, lifetime }: Sibling, resolution: Resolution): boolean {
  if (lifetime !== undefined || resolution.action === "keep") return false;
  if (resolution.action === "delete") return value === undefined;
  return value !== undefined && compareBytes(value, resolution.value) === 0;
}

function decides(
  { dot }: Sibling,
  { self, isClosed }: Pick<Settler, "self" | "isClosed">,
): boolean {
  return dot.origin === self || isClosed(dot.origin);
}
