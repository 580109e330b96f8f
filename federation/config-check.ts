// What the fields of a document must say of one another. Every fault is named at once, so that an operator mends a
// document once; a document that passes is one that no code below has to doubt.
import { CONFIG_LIMITS, type FederationConfig } from "./config.ts";
import { freezeFaults } from "./config-check-freeze.ts";
import { homeFaults, placementFaults, policyFaults } from "./config-check-prefixes.ts";
import { ConfigError, type ConfigFault } from "./config-error.ts";
import { FaultList } from "./fault-list.ts";
import { isConnected } from "./topology.ts";

/** @throws {ConfigError} naming every fault. */
export function checkConfig(config: FederationConfig): void {
  const faults = faultsOf(config);
  if (faults.length > 0) throw new ConfigError(faults);
}

/** Empty: the document is valid. */
function faultsOf(config: FederationConfig): readonly ConfigFault[] {
  const faults = new FaultList();
  faults.identity("federationId", config.federationId);
  memberFaults(config, faults);
  closedFaults(config, faults);
  freezeFaults(config, faults);
  pausedFaults(config, faults);
  policyFaults(config, faults);
  handlerFaults(config, faults);
  placementFaults(config, faults);
  homeFaults(config, faults);
  topologyFaults(config, faults);
  return faults.all;
}

function memberFaults({ members, epoch, originNext }: FederationConfig, faults: FaultList): void {
  faults.require(members.length > 0, "members", "must name at least one region");
  faults.ascending(
    "members",
    members.map(({ name }) => name),
  );
  faults.unique(
    "members",
    "origin",
    members.map(({ origin }) => origin),
  );
  members.forEach((member, at) => {
    const path = `members[${at}]`;
    faults.regionName(`${path}.name`, member.name);
    faults.identity(`${path}.incarnation`, member.incarnation);
    faults.require(
      member.origin < originNext,
      `${path}.origin`,
      `is ${member.origin}, but ${originNext} is the next to allot`,
    );
    faults.require(
      member.admitted <= epoch,
      `${path}.admitted`,
      `is ${member.admitted}, later than epoch ${epoch}`,
    );
    faults.require(
      member.endpoints.length > 0,
      `${path}.endpoints`,
      "must name at least one host:port",
    );
    member.endpoints.forEach((endpoint, place) => {
      faults.endpoint(`${path}.endpoints[${place}]`, endpoint);
    });
  });
}

function closedFaults(config: FederationConfig, faults: FaultList): void {
  const { members, closed, epoch, originNext } = config;
  faults.ascending(
    "closed",
    closed.map(({ origin }) => origin),
  );
  const minting = new Set(members.map(({ origin }) => origin));
  closed.forEach((one, at) => {
    const path = `closed[${at}]`;
    faults.regionName(`${path}.region`, one.region);
    faults.identity(`${path}.incarnation`, one.incarnation);
    if (one.hash !== undefined) faults.hash(`${path}.hash`, one.hash);
    faults.require(
      one.origin < originNext && !minting.has(one.origin),
      `${path}.origin`,
      `is ${one.origin}, which is a member's or was never allotted`,
    );
    faults.require(
      one.closed <= epoch,
      `${path}.closed`,
      `is ${one.closed}, later than epoch ${epoch}`,
    );
  });
  faults.unique(
    "closed",
    "incarnation",
    [...members, ...closed].map(({ incarnation }) => incarnation),
  );
}

function pausedFaults({ paused, members }: FederationConfig, faults: FaultList): void {
  faults.ascending("paused", paused);
  const minting = new Set(members.map(({ origin }) => origin));
  paused.forEach((origin, at) => {
    faults.require(minting.has(origin), `paused[${at}]`, `is ${origin}, which is no member's`);
  });
}

function handlerFaults({ handlers }: FederationConfig, faults: FaultList): void {
  faults.ascending(
    "handlers",
    handlers.map(({ name }) => name),
  );
  handlers.forEach(({ name, hash, source, stopped }, at) => {
    const path = `handlers[${at}]`;
    faults.regionName(`${path}.name`, name);
    faults.hash(`${path}.hash`, hash);
    const { handlerSourceLengthMax: sourceMax, handlerWhyLengthMax: whyMax } = CONFIG_LIMITS;
    faults.require(
      source.length > 0 && source.length <= sourceMax,
      `${path}.source`,
      `has ${source.length} characters, expected 1 to ${sourceMax}`,
    );
    if (stopped === undefined) return;
    faults.regionName(`${path}.stopped.region`, stopped.region);
    faults.require(
      stopped.why.length <= whyMax,
      `${path}.stopped.why`,
      `has ${stopped.why.length} characters, more than ${whyMax}`,
    );
  });
}

function topologyFaults({ topology, members }: FederationConfig, faults: FaultList): void {
  const names = members.map(({ name }) => name);
  if (topology.shape === "star") faults.oneOf("topology.hub", topology.hub, names);
  if (topology.shape === "tree") faults.oneOf("topology.root", topology.root, names);
  if (topology.shape === "lists") {
    const listed = topology.lists.map(({ region }) => region);
    faults.ascending("topology.lists", listed);
    faults.require(
      listed.join() === names.join(),
      "topology.lists",
      `must have one entry a member: ${names.join(", ")}`,
    );
    topology.lists.forEach(({ region, neighbours }, at) => {
      const path = `topology.lists[${at}].neighbours`;
      faults.ascending(path, neighbours);
      const others = names.filter((name) => name !== region);
      neighbours.forEach((name, place) => {
        faults.oneOf(`${path}[${place}]`, name, others);
      });
    });
  }
  if (faults.all.some(({ path }) => path.startsWith("topology") || path.startsWith("members"))) {
    return; // Whether it is connected can only be asked of lists that are sound.
  }
  faults.require(
    isConnected(topology, names),
    "topology",
    "is not connected: some region's writes would never reach another",
  );
}
