// What the configuration says of keys: whether they are federated, how they are shown, who may write them here. Made
// anew with each document, so that the path of a write only looks up (federation 7, 11, 12).
import type { Key } from "../base/index.ts";
import type { FederationConfig, Handler, Home, Policy, RegionName } from "./config.ts";
import { memberOf, standingOf } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import { PrefixTable } from "./prefix-table.ts";
import { runningHandler, viewRulesOf } from "./view-rules.ts";
import type { ViewRules } from "./view-rules.ts";

/** Of a key that no policy names any more. */
const WITHOUT_POLICY: ViewRules = { policy: "lww" };

export class PrefixRules {
  readonly #config: FederationConfig | undefined;
  readonly #policies: PrefixTable<Policy>;
  readonly #homes: PrefixTable<Home>;
  /** By policy, then by home. */
  readonly #views = new Map<Policy, Map<Home | undefined, ViewRules>>();

  constructor(config: FederationConfig | undefined) {
    this.#config = config;
    this.#policies = new PrefixTable(config?.policies ?? []);
    this.#homes = new PrefixTable(config?.homes ?? []);
  }

  get config(): FederationConfig | undefined {
    return this.#config;
  }

  get homes(): readonly Home[] {
    return this.#config?.homes ?? [];
  }

  /** Undefined: every region writes the key. */
  homeOf(key: Key): Home | undefined {
    return this.#homes.of(key);
  }

  /** Undefined: the key is the region's own. */
  policyOf(key: Key): Policy | undefined {
    return this.#policies.of(key);
  }

  viewOf(key: Key): ViewRules {
    const policy = this.policyOf(key);
    if (policy === undefined || this.#config === undefined) return WITHOUT_POLICY;
    const at = this.#homes.of(key);
    const home = policy.policy === "home-wins" || at?.late !== undefined ? at : undefined;
    const byHome = this.#views.get(policy) ?? new Map<Home | undefined, ViewRules>();
    this.#views.set(policy, byHome);
    const known = byHome.get(home);
    if (known !== undefined) return known;
    const rules = viewRulesOf(this.#config, policy, home);
    byHome.set(home, rules);
    return rules;
  }

  /** Who makes one value of the key's siblings; undefined: nobody, or nobody at present. */
  handlerOf(key: Key): Handler | undefined {
    const policy = this.policyOf(key);
    if (this.#config === undefined || policy?.policy !== "resolver") return undefined;
    const { stage } = policy.progress;
    const isLeaving = stage === "closing" || stage === "closed";
    return isLeaving ? undefined : runningHandler(this.#config, policy.handler);
  }

  /** Why the region of `self` may mint nothing at all; undefined: it may. */
  barsMint(self: OriginId | undefined): string | undefined {
    if (this.#config === undefined) return "this region is in no federation";
    if (self === undefined)
      return "this region has no origin: it was restored, or not admitted yet";
    const member = memberOf(this.#config, self);
    if (member === undefined) return `this region's origin ${self} is closed`;
    const standing = standingOf(this.#config, member.name);
    if (standing === "live") return undefined;
    return `region ${member.name} is ${standing ?? "no member"}, expected a live one`;
  }

  /** Why a client of this region may not write the key, though the region may mint. */
  barsWrite(key: Key, self: OriginId | undefined): string | undefined {
    const stage = this.policyOf(key)?.progress.stage;
    if (stage === "closing" || stage === "closed") return "its prefix is leaving the federation";
    const home = this.#homes.of(key);
    if (home === undefined || home.elsewhere === "advisory") return undefined;
    const here = this.#nameOf(self);
    if (home.region !== here) return `its home is region ${home.region}`;
    return home.move === undefined ? undefined : `its home is moving to region ${home.move.to}`;
  }

  #nameOf(self: OriginId | undefined): RegionName | undefined {
    if (this.#config === undefined || self === undefined) return undefined;
    return memberOf(this.#config, self)?.name;
  }
}
