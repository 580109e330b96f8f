// Founding, joining, going live, pausing (federation 1, 11): the changes of members that need no freeze.
import {
  CONFIG_LIMITS,
  type FederationConfig,
  type Member,
  type Policy,
  type RegionName,
} from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import { CONFIG_OF_NOBODY } from "./config-of-nobody.ts";
import { memberNamed } from "./config-standing.ts";
import {
  byName,
  Refusal,
  requireMember,
  requireStaying,
  sortedNames,
  type Step,
} from "./config-step.ts";
import { originId } from "./dot.ts";
import { withMember } from "./topology.ts";

type Command<Name extends ConfigCommand["command"]> = Extract<
  ConfigCommand,
  { readonly command: Name }
>;

/** The first document: one region, live, under origin 1. */
export function found(
  config: FederationConfig | undefined,
  { federationId, region, incarnation, endpoints }: Command<"init">,
): FederationConfig {
  if (config !== undefined) {
    throw new Refusal(`federation ${config.federationId} exists, at epoch ${config.epoch}`);
  }
  const origin = originId(1);
  return {
    ...CONFIG_OF_NOBODY,
    federationId,
    epoch: 1,
    originNext: originId(2),
    members: [{ name: region, origin, incarnation, endpoints, admitted: 1, live: true }],
  };
}

/** Admission: it may read and pull, and writes once it is live. A parted region joins as a new origin. */
export function join(
  config: FederationConfig,
  { region, incarnation, endpoints, imports = false }: Command<"join">,
): Step {
  const there = memberNamed(config, region);
  if (there !== undefined) {
    if (there.incarnation === incarnation) return undefined;
    throw new Refusal(
      `a region named ${region} is a member, with origin ${there.origin}: ` +
        "part it first, or reincarnate it if it was restored",
    );
  }
  if (config.members.length >= CONFIG_LIMITS.membersMax) {
    throw new Refusal(`a federation has at most ${CONFIG_LIMITS.membersMax} regions`);
  }
  const newcomer: Member = {
    name: region,
    origin: config.originNext,
    incarnation,
    endpoints,
    admitted: config.epoch + 1,
    live: false,
  };
  const names = config.members.map(({ name }) => name);
  return {
    originNext: originId(config.originNext + 1),
    members: byName([...config.members, newcomer]),
    policies: config.policies.map((policy) => alsoPending(policy, region, imports)),
    topology: withMember(config.topology, names, region),
  };
}

/** A newcomer re-issues what it has where it is told to, and takes part in closing a prefix in any case. */
function alsoPending(policy: Policy, region: RegionName, imports: boolean): Policy {
  const { progress } = policy;
  const { stage } = progress;
  if (!imports && (stage === "open" || stage === "opening")) return policy;
  if (stage === "open") return { ...policy, progress: { stage: "opening", pending: [region] } };
  return {
    ...policy,
    progress: { ...progress, pending: sortedNames([...progress.pending, region]) },
  };
}

export function goLive(config: FederationConfig, { region, origin }: Command<"live">): Step {
  const member = requireStaying(config, region);
  if (member.origin !== origin) {
    throw new Refusal(`region ${region} has origin ${member.origin}, not ${origin}`);
  }
  if (member.live) return undefined;
  return withMemberChanged(config, { ...member, live: true, liveSince: config.epoch + 1 });
}

export function endpoints(config: FederationConfig, command: Command<"endpoints">): Step {
  const member = requireMember(config, command.region);
  return withMemberChanged(config, { ...member, endpoints: command.endpoints });
}

function withMemberChanged(config: FederationConfig, changed: Member): Step {
  return {
    members: config.members.map((member) => (member.name === changed.name ? changed : member)),
  };
}

export function pause(config: FederationConfig, region: RegionName): Step {
  const { origin } = requireStaying(config, region);
  const paused = new Set([...config.paused, origin]);
  return { paused: [...paused].sort((left, right) => left - right) };
}

export function resume(config: FederationConfig, region: RegionName): Step {
  const { origin } = requireMember(config, region);
  return { paused: config.paused.filter((paused) => paused !== origin) };
}
