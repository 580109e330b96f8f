// The faults of what is said of prefixes: policies, placements, homes (federation 7, 12, 13).
import type { FederationConfig, Home, Policy, PrefixStage } from "./config.ts";
import type { FaultList } from "./fault-list.ts";

export function policyFaults(config: FederationConfig, faults: FaultList): void {
  faults.ascending(
    "policies",
    config.policies.map(({ prefix }) => prefix),
  );
  config.policies.forEach((policy, at) => {
    ruleFaults(config, policy, `policies[${at}]`, faults);
    stageFaults(config, policy.progress, `policies[${at}].progress`, faults);
  });
}

function ruleFaults(
  config: FederationConfig,
  { policy, kind, ranks, handler, ttl }: Policy,
  path: string,
  faults: FaultList,
): void {
  faults.require(
    (policy === "priority") === ranks.length > 0,
    `${path}.ranks`,
    policy === "priority" ? "must name at least one region" : `is for priority, not ${policy}`,
  );
  faults.require(new Set(ranks).size === ranks.length, `${path}.ranks`, "names a region twice");
  const known = everNamed(config);
  ranks.forEach((name, at) => {
    faults.oneOf(`${path}.ranks[${at}]`, name, known);
  });
  faults.require(
    (policy === "resolver") === (handler !== undefined),
    `${path}.handler`,
    policy === "resolver" ? "must name a handler" : `is for resolver, not ${policy}`,
  );
  if (handler !== undefined) {
    faults.oneOf(
      `${path}.handler`,
      handler,
      config.handlers.map(({ name }) => name),
    );
  }
  if (kind === undefined) return;
  faults.require(
    policy === "lww",
    `${path}.policy`,
    `is ${policy}, but a ${kind} merges by itself: it must be lww`,
  );
  faults.require(ttl === "refused", `${path}.ttl`, `must be refused: a ${kind} has no lease`);
}

function stageFaults(
  { members, originNext }: FederationConfig,
  progress: PrefixStage,
  path: string,
  faults: FaultList,
): void {
  if (progress.stage === "open") return;
  const { pending } = progress;
  faults.require(pending.length > 0, `${path}.pending`, "must name who has still to report");
  faults.ascending(`${path}.pending`, pending);
  const names = members.map(({ name }) => name);
  pending.forEach((name, at) => {
    faults.oneOf(`${path}.pending[${at}]`, name, names);
  });
  if (progress.stage === "opening") return;
  const [field, counts] =
    progress.stage === "closing" ? ["reached", progress.reached] : ["cut", progress.cut];
  const origins = counts.map(([origin]) => origin);
  faults.ascending(`${path}.${field}`, origins);
  faults.require(
    origins.every((origin) => origin < originNext),
    `${path}.${field}`,
    "names an origin that was never allotted",
  );
}

export function placementFaults(
  { placements, members }: FederationConfig,
  faults: FaultList,
): void {
  faults.ascending(
    "placements",
    placements.map(({ prefix }) => prefix),
  );
  const names = members.map(({ name }) => name);
  placements.forEach(({ regions }, at) => {
    const path = `placements[${at}].regions`;
    faults.require(regions.length > 0, path, "must name at least one region");
    faults.ascending(path, regions);
    regions.forEach((name, place) => {
      faults.oneOf(`${path}[${place}]`, name, names);
    });
  });
}

export function homeFaults(config: FederationConfig, faults: FaultList): void {
  faults.ascending(
    "homes",
    config.homes.map(({ prefix }) => prefix),
  );
  config.homes.forEach((home, at) => {
    oneHomeFaults(config, home, `homes[${at}]`, faults);
  });
}

function oneHomeFaults(
  config: FederationConfig,
  home: Home,
  path: string,
  faults: FaultList,
): void {
  const { region, epoch, move } = home;
  leaseFaults(config, home, path, faults);
  lateFaults(config, home, path, faults);
  faults.oneOf(`${path}.region`, region, everNamed(config));
  faults.require(
    epoch <= config.epoch,
    `${path}.epoch`,
    `is ${epoch}, later than epoch ${config.epoch}`,
  );
  if (move === undefined) return;
  const others = config.members.map(({ name }) => name).filter((name) => name !== region);
  faults.oneOf(`${path}.move.to`, move.to, others);
  faults.require(
    move.begun <= config.epoch && move.begun > epoch,
    `${path}.move.begun`,
    `is ${move.begun}, which is not within epochs ${epoch + 1} to ${config.epoch}`,
  );
  faults.require(
    move.fence === undefined || move.fence.origin < config.originNext,
    `${path}.move.fence`,
    "is of an origin that was never allotted",
  );
  const words = (move.gathering?.words ?? []).map((word) => word.region);
  faults.ascending(`${path}.move.gathering.words`, words);
  words.forEach((name, at) => {
    faults.oneOf(`${path}.move.gathering.words[${at}].region`, name, others);
  });
}

function leaseFaults(
  config: FederationConfig,
  { lease, elsewhere }: Home,
  path: string,
  faults: FaultList,
): void {
  if (lease === undefined) return;
  const why = "is for homes that take all writes, not advisory ones";
  faults.require(elsewhere !== "advisory", `${path}.lease`, why);
  const { heirs } = lease;
  faults.require(heirs.length > 0, `${path}.lease.heirs`, "must name at least one region");
  faults.require(
    new Set(heirs).size === heirs.length,
    `${path}.lease.heirs`,
    "names a region twice",
  );
  const known = everNamed(config);
  heirs.forEach((name, at) => {
    faults.oneOf(`${path}.lease.heirs[${at}]`, name, known);
  });
}

function lateFaults(
  { originNext, epoch: now }: FederationConfig,
  { late = [] }: Home,
  path: string,
  faults: FaultList,
): void {
  late.forEach(({ origin, epoch }, at) => {
    const isKnown = origin < originNext;
    faults.require(isKnown, `${path}.late[${at}].origin`, "was never allotted");
    const isPast = epoch <= now;
    faults.require(isPast, `${path}.late[${at}].epoch`, `is ${epoch}, later than epoch ${now}`);
  });
}

/** Members, and regions that were. */
function everNamed({ members, closed }: FederationConfig): readonly string[] {
  return [...new Set([...members.map(({ name }) => name), ...closed.map(({ region }) => region)])];
}
