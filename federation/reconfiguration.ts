// A new document takes the place of the one before it: another policy shows other siblings, at once and in one
// revision, since nothing was ever pruned for the old one (federation 5, 7, trap 3).
import type { Key } from "../base/index.ts";
import { changeOf } from "./event-rule.ts";
import { decodeConfig } from "./config-codec.ts";
import { ConfigError } from "./config-error.ts";
import type { FederationConfig } from "./config.ts";
import { memberOf } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import { keptOf } from "./kept-record.ts";
import { latenessNews } from "./late-writes.ts";
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

/** Keys that look different under other rules: of several siblings, or of one that a home minted too late. */
function showAnew(core: RegionCore, rulesBefore: PrefixRules): void {
  const { records, rules, store } = core;
  const late = latenessNews(records, rulesBefore, rules);
  const news: (() => void)[] = [];
  for (const key of [...records.contested.ascending(), ...late]) {
    const record = core.loaded(key, records.of(key));
    const before = core.shownOf(key, record, rulesBefore);
    const after = core.shownOf(key, record);
    const change = changeOf(
      rules.viewOf(key).policy,
      { siblings: record.siblings, ...(before && { value: before }) },
      { siblings: record.siblings, ...(after && { value: after }) },
    );
    if (change === "none") continue;
    news.push(() => {
      core.show(key, record, after);
      records.set(key, keptOf(key, record, after));
    });
  }
  for (let from = 0; from < news.length; from += KEYS_MAX) {
    store.begin();
    for (const show of news.slice(from, from + KEYS_MAX)) show();
    records.commit(store.writes);
    store.commit();
  }
}

/** Keys whose values `adoptConfig` compares, where they are left to the version. A document that cannot be read: none. */
export function keysOfNews({ records, rules }: RegionCore, document: Uint8Array): readonly Key[] {
  try {
    return latenessNews(records, rules, new PrefixRules(decodeConfig(document)));
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
