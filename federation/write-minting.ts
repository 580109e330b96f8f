// The effect of a local put or delete on a federated key, as it is shipped: what it has seen, what lineage it carries
// on, what is lost by it (federation 5, 6). Here alone is it decided what a client that says nothing has seen.
import type { Key } from "../base/index.ts";
import { birthOver } from "./birth.ts";
import { losersOf } from "./conflict-record.ts";
import { sameDot } from "./dot.ts";
import type { Dot } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import { SIBLINGS_MAX, isTombstone } from "./sibling.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import type { Context, Operation } from "./transaction.ts";
import { hasDot } from "./vector.ts";
import type { Vector } from "./vector.ts";
import { isContested, isLate, viewOf } from "./view.ts";
import type { ViewRules } from "./view-rules.ts";

export interface AskedWrite {
  readonly key: Key;
  /** Absent: a delete. */
  readonly value?: Uint8Array;
  /** What the client says that it has read; absent: it has read what is shown. */
  readonly context?: readonly Dot[];
}

/**
 * - `context-stale`: it omits a tombstone of the key: read again. - `context-ahead`: not applied here yet: wait, as
 *   for a causal token. - `siblings-bound`: it would leave more than SIBLINGS_MAX: resolve them first.
 */
export interface MintRefusal {
  readonly refused: "context-stale" | "context-ahead" | "siblings-bound";
  /** Which were omitted, are ahead, or would be left. */
  readonly dots: readonly Dot[];
}

/** `applied`: all that the region has, its own included. */
export function mintedWrite(
  asked: AskedWrite,
  siblings: Siblings,
  rules: ViewRules,
  applied: Vector,
  planted?: FederationBug,
): Operation | MintRefusal {
  const refusal = refusalOf(asked, siblings, applied, planted);
  if (refusal !== undefined) return refusal;
  const seen = seenBy(asked, siblings, rules, planted);
  const context: Context =
    seen.length === siblings.length ? "all-seen" : seen.map(({ dot }) => dot);
  const { late } = rules;
  const records = isContested(seen) || seen.some((one) => late !== undefined && isLate(late, one));
  const lost = records ? { lost: losersOf(seen) } : {};
  const { key, value } = asked;
  if (value === undefined) return { key, action: "delete", context, ...lost };
  const birth = birthOver(seen);
  return {
    key,
    action: "put",
    value,
    context,
    ...(birth === undefined ? {} : { birth }),
    ...lost,
  };
}

function refusalOf(
  { context }: AskedWrite,
  siblings: Siblings,
  applied: Vector,
  planted: FederationBug | undefined,
): MintRefusal | undefined {
  if (context === undefined) return undefined;
  const ahead = context.filter((dot) => !hasDot(applied, dot));
  if (ahead.length > 0) return { refused: "context-ahead", dots: ahead };
  const unnamed = siblings.filter(({ dot }) => !context.some((named) => sameDot(named, dot)));
  const omitted = unnamed.filter(isTombstone);
  if (omitted.length > 0 && planted !== "context-omits-tombstone") {
    return { refused: "context-stale", dots: omitted.map(({ dot }) => dot) };
  }
  if (unnamed.length < SIBLINGS_MAX) return undefined;
  return { refused: "siblings-bound", dots: unnamed.map(({ dot }) => dot) };
}

/** Of what is there, what the write dominates. */
function seenBy(
  { key, context }: AskedWrite,
  siblings: Siblings,
  rules: ViewRules,
  planted: FederationBug | undefined,
): Siblings {
  if (context !== undefined) {
    return siblings.filter(({ dot }) => context.some((named) => sameDot(named, dot)));
  }
  if (rules.policy !== "siblings" || planted === "cas-kills-hidden-sibling") return siblings;
  const shown = viewOf(rules, key, siblings)?.winner;
  const seen = siblings.filter((one: Sibling) => one === shown || isTombstone(one));
  return siblings.length - seen.length < SIBLINGS_MAX ? seen : siblings;
}
