// Shows what a handler on read made of a key's siblings: in a revision of its own, if it is not what is shown already
// (federation 6, 8). Siblings and vector stay as they are, so no other region hears of it.
import type { Key } from "../base/index.ts";
import type { Refusal } from "../store/index.ts";
import { changeOf } from "./event-rule.ts";
import { refusedText } from "./local-writes.ts";
import { isMadeBy, isMadeOf } from "./made-view.ts";
import type { MadeView } from "./made-view.ts";
import type { RegionCore } from "./region-core.ts";
import { seenBy } from "./view.ts";

export const OTHER_SIBLINGS = refusedText(
  "hansa: the key's siblings are others by now: read again",
);
const OTHER_HANDLER = refusedText("hansa: another handler shows the key by now");

export function showMade(
  core: RegionCore,
  { key, view: given }: { readonly key: Key; readonly view: MadeView },
): Refusal | Record<string, never> {
  const { records, rules, store } = core;
  const before = records.of(key);
  const { resolution } = given;
  // The entry's bytes are let go; what is kept is a copy.
  const made =
    resolution.action === "value"
      ? { ...given, resolution: { ...resolution, value: resolution.value.slice() } }
      : given;
  const viewRules = rules.viewOf(key);
  if (!isMadeBy(viewRules, made)) return OTHER_HANDLER;
  const seen = seenBy(viewRules, before.siblings);
  if (seen.length < 2 || !isMadeOf(made, seen)) return OTHER_SIBLINGS;
  const after = { ...before, made };
  const [was, is] = [core.shownOf(key, before), core.shownOf(key, after)];
  const { siblings } = before;
  const change = changeOf(
    viewRules.policy,
    { siblings, ...(was && { value: was }) },
    { siblings, ...(is && { value: is }) },
  );
  store.begin();
  records.set(key, after);
  records.commit(store.writes);
  if (change !== "none") core.show(key, after, is);
  store.commit();
  return {};
}
