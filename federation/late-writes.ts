// Keys whose lone write a home minted that had lost their prefix by then (federation 12): nothing is shown of them until
// somebody writes them, or the document says otherwise.
import type { Key } from "../base/index.ts";
import type { KeptRecords } from "./kept-records.ts";
import { PrefixRules } from "./prefix-rules.ts";
import type { Sibling } from "./sibling.ts";
import { isLate } from "./view.ts";

const NOTHING_LATE = new PrefixRules(undefined);

/** Ascending. Looks at every key where there are cuts at all. */
export function lateKeys(records: KeptRecords, rules: PrefixRules): readonly Key[] {
  return latenessNews(records, NOTHING_LATE, rules);
}

/** Keys of a lone write that comes too late by one of the documents, and not by the other; ascending. */
export function latenessNews(
  records: KeptRecords,
  before: PrefixRules,
  after: PrefixRules,
): readonly Key[] {
  const prefixes = [...before.homes, ...after.homes].flatMap(({ prefix, late }) =>
    late === undefined ? [] : [prefix],
  );
  if (prefixes.length === 0) return [];
  const keys: Key[] = [];
  for (const key of records.each()) {
    if (!prefixes.some((prefix) => key.startsWith(prefix))) continue;
    const [only, ...others] = records.of(key).siblings;
    if (only === undefined || others.length > 0) continue;
    if (wasLate(before, key, only) !== wasLate(after, key, only)) keys.push(key);
  }
  return keys.sort();
}

function wasLate(rules: PrefixRules, key: Key, sibling: Sibling): boolean {
  return isLate(rules.viewOf(key).late ?? [], sibling);
}
