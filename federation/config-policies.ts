// Federating a prefix, changing its policy, and giving it up again (federation 7, 9). A change of policy is
// configuration only; a prefix opens and closes in steps that every region reports.
import { present, unreachable } from "../base/index.ts";
import type {
  ClosedOrigin,
  FederationConfig,
  Member,
  Policy,
  PrefixStage,
  RegionName,
} from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import {
  prefixText,
  Refusal,
  requireMember,
  type Step,
  withoutPrefix,
  withPrefix,
} from "./config-step.ts";
import type { OriginId, Sequence } from "./dot.ts";
import type { Key } from "../base/index.ts";

type SetPolicy = Extract<ConfigCommand, { readonly command: "policy" }>;
type Counts = readonly (readonly [OriginId, Sequence])[];

export function setPolicy(config: FederationConfig, command: SetPolicy): Step {
  const { prefix, policy, kind, ranks, handler, ttl } = command;
  if (policy === "resolver" && handler === undefined) {
    throw new Refusal("policy resolver needs the name of a handler");
  }
  if (handler !== undefined && !config.handlers.some(({ name }) => name === handler)) {
    throw new Refusal(`no handler is named ${JSON.stringify(handler)}: set it first`);
  }
  const there = config.policies.find((one) => one.prefix === prefix);
  const entry: Policy = {
    prefix,
    policy,
    ...(kind === undefined ? {} : { kind }),
    ranks,
    ...(handler === undefined ? {} : { handler }),
    ttl,
    progress: there === undefined ? opening(config, command) : kept(there, kind),
  };
  return { policies: withPrefix(config.policies, entry) };
}

function kept(there: Policy, kind: Policy["kind"]): PrefixStage {
  if (there.kind !== kind) {
    throw new Refusal(
      `the kind of ${prefixText(there.prefix)} is ${there.kind ?? "plain"} and stays so; ` +
        "unset the prefix first",
    );
  }
  const { stage } = there.progress;
  if (stage === "closing" || stage === "closed") {
    throw new Refusal(`${prefixText(there.prefix)} is being given up; wait until it is gone`);
  }
  return there.progress;
}

/** Within a federated prefix the keys are federated already: only where the kind differs must regions look. */
function opening(config: FederationConfig, { prefix, kind }: SetPolicy): PrefixStage {
  const pending = config.members.map(({ name }) => name);
  const around = surrounding(config, prefix);
  if (around === undefined) return { stage: "opening", pending };
  if (around.progress.stage !== "open") {
    throw new Refusal(
      `${prefixText(around.prefix)} around it is ${around.progress.stage}; wait until it is open`,
    );
  }
  if (around.kind === kind) return { stage: "open" };
  if (around.kind !== undefined) {
    throw new Refusal(`it lies within ${prefixText(around.prefix)}, whose kind is ${around.kind}`);
  }
  return { stage: "opening", pending };
}

/** The longest federated prefix that `prefix` itself lies within. */
function surrounding({ policies }: FederationConfig, prefix: Key): Policy | undefined {
  return policies
    .filter((one) => one.prefix !== prefix && prefix.startsWith(one.prefix))
    .reduce<Policy | undefined>(
      (longest, one) =>
        longest === undefined || one.prefix.length > longest.prefix.length ? one : longest,
      undefined,
    );
}

export function unsetPolicy(config: FederationConfig, prefix: Key): Step {
  const there = config.policies.find((one) => one.prefix === prefix);
  if (there === undefined) throw new Refusal(`${prefixText(prefix)} has no policy`);
  const { stage } = there.progress;
  if (stage === "closing" || stage === "closed") return undefined;
  const around = surrounding(config, prefix);
  if (around === undefined) {
    const pending = config.members.map(({ name }) => name);
    const progress: PrefixStage = { stage: "closing", pending, reached: [] };
    return { policies: withPrefix(config.policies, { ...there, progress }) };
  }
  if (around.kind !== there.kind) {
    throw new Refusal(
      `it would become part of ${prefixText(around.prefix)}, whose kind is ` +
        `${around.kind ?? "plain"}; unset that prefix first`,
    );
  }
  if (around.progress.stage !== "open") {
    throw new Refusal(`${prefixText(around.prefix)} around it is ${around.progress.stage}`);
  }
  return { policies: withoutPrefix(config.policies, prefix) };
}

export function prefixDone(
  config: FederationConfig,
  report: Extract<ConfigCommand, { readonly command: "prefix-done" }>,
): Step {
  const { prefix, region, stage, last } = report;
  const { origin } = requireMember(config, region);
  const there = config.policies.find((one) => one.prefix === prefix);
  if (there?.progress.stage !== stage) return undefined; // Repeated: the stage is over.
  const { progress } = there;
  if (!progress.pending.includes(region)) return undefined;
  const pending = progress.pending.filter((name) => name !== region);
  const reported: PrefixStage =
    progress.stage === "closing"
      ? { ...progress, pending, reached: withCount(progress.reached, origin, last) }
      : { ...progress, pending };
  return { policies: advanced(config.policies, { ...there, progress: reported }, config.members) };
}

function withCount(counts: Counts, origin: OriginId, last: Sequence | undefined): Counts {
  const others = counts.filter(([one]) => one !== origin);
  if (last === undefined) return others;
  return [...others, [origin, last] as const].sort(([left], [right]) => left - right);
}

/** The policies with `entry`, in its next stage if nobody is pending; a prefix that is closed ends. */
function advanced(
  policies: readonly Policy[],
  entry: Policy,
  members: readonly Member[],
): readonly Policy[] {
  const { progress } = entry;
  if (progress.stage === "open" || progress.pending.length > 0) return withPrefix(policies, entry);
  switch (progress.stage) {
    case "opening":
      return withPrefix(policies, { ...entry, progress: { stage: "open" } });
    case "closing": {
      const pending = members.map(({ name }) => name);
      const closed: PrefixStage = { stage: "closed", pending, cut: progress.reached };
      return withPrefix(policies, { ...entry, progress: closed });
    }
    case "closed":
      return withoutPrefix(policies, entry.prefix);
    default:
      return unreachable(progress);
  }
}

/** Without regions that are parted: nobody waits for them, nor for what lies beyond a cut. */
export function policiesWithout(
  policies: readonly Policy[],
  gone: readonly RegionName[],
  members: readonly Member[],
  closed: readonly ClosedOrigin[],
): readonly Policy[] {
  const cuts = new Map(closed.map(({ origin, cut }) => [origin, cut]));
  const clamped = (counts: Counts): Counts =>
    counts.flatMap(([origin, count]) => {
      const least = Math.min(count, cuts.get(origin) ?? count);
      return least === 0 ? [] : [[origin, least as Sequence] as const];
    });
  let result = policies;
  for (const { prefix } of policies) {
    const entry = present(
      result.find((one) => one.prefix === prefix),
      prefix,
    );
    const { progress } = entry;
    if (progress.stage === "open") continue;
    const pending = progress.pending.filter((name) => !gone.includes(name));
    result = advanced(
      result,
      {
        ...entry,
        progress:
          progress.stage === "opening"
            ? { ...progress, pending }
            : progress.stage === "closing"
              ? { ...progress, pending, reached: clamped(progress.reached) }
              : { ...progress, pending, cut: clamped(progress.cut) },
      },
      members,
    );
  }
  return result;
}
