// Which regions' acknowledgements count for a prefix (federation 4, 13). Every region stores it all the same.
import type { FederationConfig } from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import {
  prefixText,
  Refusal,
  requireStaying,
  sortedNames,
  type Step,
  withoutPrefix,
  withPrefix,
} from "./config-step.ts";
import type { Key } from "../base/index.ts";

export function place(
  config: FederationConfig,
  { prefix, regions }: Extract<ConfigCommand, { readonly command: "placement" }>,
): Step {
  if (regions.length === 0) return { placements: withoutPrefix(config.placements, prefix) };
  requireFederated(config, prefix);
  for (const name of regions) requireStaying(config, name);
  const placement = { prefix, regions: sortedNames(regions) };
  return { placements: withPrefix(config.placements, placement) };
}

/** @throws {Refusal} unless `prefix` lies within a federated one: it would have no effect. */
export function requireFederated({ policies }: FederationConfig, prefix: Key): void {
  if (policies.some((policy) => prefix.startsWith(policy.prefix))) return;
  throw new Refusal(`${prefixText(prefix)} is not within a federated prefix: set its policy first`);
}
