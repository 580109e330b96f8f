// A new document takes the place of the one before it: another policy shows other siblings, at once and in one
// revision, since nothing was ever pruned for the old one (federation 5, 7, trap 3).
import { changeOf } from "./event-rule.ts";
import type { FederationConfig } from "./config.ts";
import { memberOf } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import { PrefixRules } from "./prefix-rules.ts";
import type { RegionCore } from "./region-core.ts";
import { CONFIG_ROW } from "./region-rows.ts";

/** Of one revision; more differences take several. */
const KEYS_MAX = 1024;

export function adoptConfig(
  core: RegionCore,
  config: FederationConfig,
  document: Uint8Array,
): void {
  const rulesBefore = core.rules;
  core.config = config;
  core.rules = new PrefixRules(config);
  core.store.writes.put(CONFIG_ROW, document.slice());
  showAnew(core, rulesBefore);
}

/**
 * Heeded while the region has no origin that is a member's. Never one under which anything was minted that this state
 * knows of: it cannot know how much (trap 1).
 */
export function adoptSelf(core: RegionCore, origin: OriginId): boolean {
  if (core.config === undefined) return false;
  if (core.self !== undefined && memberOf(core.config, core.self.origin) !== undefined)
    return false;
  const member = memberOf(core.config, origin);
  const isFresh = !core.disowned.has(origin) && core.appliedOf(origin) === 0;
  if (member === undefined || (!isFresh && core.planted !== "dot-reused-after-restore"))
    return false;
  core.self = { origin, incarnation: member.incarnation };
  return true;
}

/** Only keys of several siblings look different under another policy. */
function showAnew(core: RegionCore, rulesBefore: PrefixRules): void {
  const { records, rules, store } = core;
  const news: (() => void)[] = [];
  for (const key of records.contested()) {
    const record = records.of(key);
    const before = core.shownOf(key, record, rulesBefore);
    const after = core.shownOf(key, record);
    const change = changeOf(
      rules.viewOf(key).policy,
      { siblings: record.siblings, ...(before && { value: before }) },
      { siblings: record.siblings, ...(after && { value: after }) },
    );
    if (change !== "none") news.push(() => store.show(key, after));
  }
  for (let from = 0; from < news.length; from += KEYS_MAX) {
    store.begin();
    for (const show of news.slice(from, from + KEYS_MAX)) show();
    store.commit();
  }
}
