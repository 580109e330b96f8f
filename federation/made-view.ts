// What a handler that runs on read made of a key's siblings, as the region's log has it (federation 8): apply runs no
// code of others, so all members show the same. It says something of exactly those siblings, and of that source.
import type { Dot } from "./dot.ts";
import { sameWrites } from "./event-rule.ts";
import type { Siblings } from "./sibling.ts";
import type { Resolution, ViewRules } from "./view-rules.ts";

export type Made = Exclude<Resolution, { readonly action: "keep" }>;

export interface MadeView {
  /** The hash of its source. */
  readonly handler: string;
  /** Of the siblings that it was asked about, ascending. */
  readonly dots: readonly Dot[];
  readonly resolution: Made;
}

/** The rules of a key for which that is kept: made by another source, or of other siblings, it shows nothing. */
export function rulesWith(rules: ViewRules, made: MadeView | undefined): ViewRules {
  if (made === undefined || !isMadeBy(rules, made)) return rules;
  return {
    ...rules,
    resolve: (_, seen) => (isMadeOf(made, seen) ? made.resolution : { action: "keep" }),
  };
}

export function isMadeBy(
  rules: ViewRules,
  { handler }: MadeView,
): rules is Extract<ViewRules, { readonly policy: "resolver" }> {
  return rules.policy === "resolver" && rules.shownBy === handler;
}

export function isMadeOf({ dots }: MadeView, seen: Siblings): boolean {
  return sameWrites(
    seen,
    dots.map((dot) => ({ dot })),
  );
}
