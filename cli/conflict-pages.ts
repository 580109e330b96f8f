// All conflicts of a range, page by page.
import { prefixEnd } from "../client/index.ts";
import type { Client, KeySelector, OpenConflict, SettledConflict } from "../client/index.ts";

/** What the server gives at most. */
const PAGE_MAX = 1_000;

/** At most `limit` of them. */
export async function allOpen(
  { conflicts: calls }: Pick<Client, "conflicts">,
  { keys }: { keys?: KeySelector },
  limit: number,
): Promise<readonly OpenConflict[]> {
  const found: OpenConflict[] = [];
  for (let selector = keys; found.length < limit;) {
    const asked = selector === undefined ? {} : { keys: selector };
    const page = Math.min(limit - found.length, PAGE_MAX);
    const { conflicts, next } = await calls.open({ ...asked, limit: page });
    found.push(...conflicts);
    if (next === undefined) break;
    selector = onwards(keys, next);
  }
  return found;
}

/** The rest of `keys`, from `next` on. */
function onwards(keys: KeySelector | undefined, next: Uint8Array): KeySelector {
  if (keys === undefined || typeof keys === "string" || keys instanceof Uint8Array) {
    return { from: next };
  }
  if ("prefix" in keys) {
    const { prefix } = keys;
    const until = prefixEnd(typeof prefix === "string" ? Buffer.from(prefix) : prefix);
    return until.length === 1 && until[0] === 0 ? { from: next } : { from: next, until };
  }
  return { ...keys, from: next };
}

/** At most `limit` of them, from a number on. */
export async function allSettled(
  { conflicts: calls }: Pick<Client, "conflicts">,
  asked: { keys?: KeySelector; from: number },
  limit: number,
): Promise<readonly SettledConflict[]> {
  const found: SettledConflict[] = [];
  for (let { from } = asked; found.length < limit;) {
    const wanted = Math.min(limit - found.length, PAGE_MAX);
    const page = await calls.settled({ ...asked, from, limit: wanted });
    found.push(...page.conflicts);
    if (!page.more || page.next === from) break;
    from = page.next;
  }
  return found;
}
