// What an etcd client sees of a key: one value or none, by the policy of its prefix, of the siblings that every region
// with the same transactions has (federation 7). A view removes nothing, so a policy may change at any time.
import { compareBytes, unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { compareDots } from "./dot.ts";
import type { LateCut } from "./config.ts";
import type { OriginId } from "./dot.ts";
import { mergedLines } from "./merged-lines.ts";
import { isLive, isTombstone } from "./sibling.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import type { Stamp } from "./transaction.ts";
import type { ViewRules } from "./view-rules.ts";

export interface View {
  /** Absent: there is no such key. */
  readonly value?: Uint8Array;
  /** Whose write decided: its origin settles. A tombstone's, where that is why there is no value. */
  readonly winner: Sibling;
}

/** Undefined: no sibling may be seen, and there is no such key. */
export function viewOf(rules: ViewRules, key: Key, siblings: Siblings): View | undefined {
  const seen = seenBy(rules, siblings);
  const winner = winnerOf(rules, seen);
  if (winner === undefined) return undefined;
  if (rules.policy === "merge") {
    const values = seen.flatMap(({ value }) => (value === undefined ? [] : [value]));
    return values.length === 0 ? { winner } : { winner, value: mergedLines(values) };
  }
  if (rules.policy === "resolver" && rules.resolve !== undefined && isContested(seen)) {
    const resolution = rules.resolve(key, seen);
    if (resolution.action === "delete") return { winner };
    if (resolution.action === "value") return { winner, value: resolution.value };
  }
  return winner.value === undefined ? { winner } : { winner, value: winner.value };
}

/** All but those that come too late to be seen by themselves. */
export function seenBy({ late }: ViewRules, siblings: Siblings): Siblings {
  return late === undefined ? siblings : siblings.filter((one) => !isLate(late, one));
}

/** Minted by a home that had lost the prefix, and not known when it did (federation 12): for the conflict's record. */
export function isLate(late: readonly LateCut[], { dot, epoch }: Sibling): boolean {
  return late.some(
    (one) => one.origin === dot.origin && epoch < one.epoch && dot.sequence > one.cut,
  );
}

/** Whether siblings disagree. Equal bytes are one outcome; so are tombstones. */
export function isContested(siblings: Siblings): boolean {
  const [first, ...others] = siblings;
  return first !== undefined && others.some((other) => !sameOutcome(first, other));
}

function sameOutcome(left: Sibling, right: Sibling): boolean {
  if (left.value === undefined || right.value === undefined) return left.value === right.value;
  return compareBytes(left.value, right.value) === 0;
}

function winnerOf(rules: ViewRules, siblings: Siblings): Sibling | undefined {
  switch (rules.policy) {
    case "lww":
    case "siblings":
    case "resolver":
      return latest(siblings);
    case "first-writer":
      return siblings.reduce<Sibling | undefined>(earlierBorn, undefined);
    case "priority":
      return latest(strongest(siblings, ({ dot }) => rankOf(rules.rankOf, dot.origin)));
    case "home-wins":
      return latest(strongest(siblings, ({ dot }) => (rules.home.has(dot.origin) ? 0 : 1)));
    case "delete-wins":
      return latest(strongest(siblings, (one) => (isTombstone(one) ? 0 : 1)));
    case "add-wins":
    case "merge":
      return latest(strongest(siblings, (one) => (isLive(one) ? 0 : 1)));
    default:
      return unreachable(rules);
  }
}

function rankOf(ranks: ReadonlyMap<OriginId, number>, origin: OriginId): number {
  return ranks.get(origin) ?? Number.POSITIVE_INFINITY;
}

/** Those of the least rank. */
function strongest(siblings: Siblings, rank: (sibling: Sibling) => number): Siblings {
  const best = Math.min(...siblings.map(rank));
  return siblings.filter((sibling) => rank(sibling) === best);
}

/** By stamp; equal stamps by origin and sequence, which no two writes share (federation trap 27). */
export function latest(siblings: Siblings): Sibling | undefined {
  return siblings.reduce<Sibling | undefined>(
    (best, one) => (best === undefined || compareStamps(one, best) > 0 ? one : best),
    undefined,
  );
}

/** By the birth of the lineage; of one lineage, the last. A tombstone has its own stamp. */
function earlierBorn(best: Sibling | undefined, one: Sibling): Sibling {
  if (best === undefined) return one;
  const order = compareStamps(one.birth, best.birth) || compareStamps(best, one);
  return order < 0 ? one : best;
}

/** By clock, then by dot: negative, 0 or positive. */
export function compareStamps(left: Stamp, right: Stamp): number {
  if (left.hlc !== right.hlc) return left.hlc < right.hlc ? -1 : 1;
  return compareDots(left.dot, right.dot);
}
