// A document as bytes: JSON that people can read, its fields in one order and its lists sorted, so that equal
// documents are equal bytes. A format that this version does not know is refused, never read in part: a region
// keeps to its older epoch until it is upgraded, and what is newer waits (federation 14).
import {
  CONFIG_LIMITS,
  type FederationConfig,
  type Home,
  type HomeMove,
  type PrefixStage,
  type Topology,
} from "./config.ts";
import { checkConfig } from "./config-check.ts";
import { decodeDocument } from "./config-decode.ts";
import { fault } from "./json-reader.ts";

/** Raised with every field that an older version would have to understand. */
const CONFIG_FORMAT = 1;

/** @throws {ConfigError} if the document is larger than a document may be. */
export function encodeConfig(config: FederationConfig): Uint8Array {
  const bytes = new TextEncoder().encode(`${JSON.stringify(ordered(config))}\n`);
  if (bytes.length > CONFIG_LIMITS.documentBytesMax) {
    throw fault("", `has ${bytes.length} bytes, more than ${CONFIG_LIMITS.documentBytesMax}`);
  }
  return bytes;
}

/** @throws {ConfigError} naming every fault of what these bytes say, or the first place they cannot be read. */
export function decodeConfig(bytes: Uint8Array): FederationConfig {
  const { length } = bytes;
  if (length > CONFIG_LIMITS.documentBytesMax) {
    throw fault("", `has ${length} bytes, more than ${CONFIG_LIMITS.documentBytesMax}`);
  }
  const config = decodeDocument(parsed(bytes), CONFIG_FORMAT);
  checkConfig(config);
  return config;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw fault("", `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The same fields in the format's order, whatever order the objects were made in. */
function ordered(config: FederationConfig): object {
  const { federationId, epoch, originNext, members, closed, freeze, paused } = config;
  const { policies, handlers, placements, homes, topology, autoPart } = config;
  return {
    format: CONFIG_FORMAT,
    federationId,
    epoch,
    originNext,
    members: members.map(({ name, origin, incarnation, endpoints, admitted, live, liveSince }) => ({
      name,
      origin,
      incarnation,
      endpoints,
      admitted,
      live,
      ...(liveSince === undefined ? {} : { liveSince }),
    })),
    closed: closed.map(({ origin, incarnation, region, cut, hash, closed: at }) => ({
      origin,
      incarnation,
      region,
      cut,
      ...(hash === undefined ? {} : { hash }),
      closed: at,
    })),
    ...(freeze === undefined ? {} : { freeze: orderedFreeze(freeze) }),
    paused,
    policies: policies.map(({ prefix, policy, kind, ranks, handler, ttl, progress }) => ({
      prefix,
      policy,
      ...(kind === undefined ? {} : { kind }),
      ranks,
      ...(handler === undefined ? {} : { handler }),
      ttl,
      progress: orderedStage(progress),
    })),
    handlers: handlers.map(({ name, hash, source, runs, stopped }) => ({
      name,
      hash,
      source,
      runs,
      ...(stopped === undefined ? {} : { stopped: { region: stopped.region, why: stopped.why } }),
    })),
    placements: placements.map(({ prefix, regions }) => ({ prefix, regions })),
    homes: homes.map(orderedHome),
    topology: orderedTopology(topology),
    ...(autoPart && { autoPart: { afterS: autoPart.afterS, bytes: autoPart.bytes } }),
  };
}

function orderedFreeze(freeze: NonNullable<FederationConfig["freeze"]>): object {
  const { epoch, closing, origins, reports } = freeze;
  return {
    epoch,
    closing: closing.map((one) =>
      one.then === "part"
        ? { region: one.region, then: one.then }
        : { region: one.region, then: one.then, incarnation: one.incarnation },
    ),
    origins,
    reports: reports.map(({ region, applied }) => ({ region, applied })),
  };
}

function orderedStage(progress: PrefixStage): object {
  switch (progress.stage) {
    case "open":
      return { stage: progress.stage };
    case "opening":
      return { stage: progress.stage, pending: progress.pending };
    case "closing":
      return { stage: progress.stage, pending: progress.pending, reached: progress.reached };
    case "closed":
      return { stage: progress.stage, pending: progress.pending, cut: progress.cut };
  }
}

function orderedHome({ prefix, region, elsewhere, epoch, move, lease, late }: Home): object {
  return {
    prefix,
    region,
    elsewhere,
    epoch,
    ...(move === undefined ? {} : { move: orderedMove(move) }),
    ...(lease && {
      lease: { ttlS: lease.ttlS, heirs: lease.heirs, writeRegions: lease.writeRegions },
    }),
    ...(late && {
      late: late.map(({ origin, epoch: since, cut }) => ({ origin, epoch: since, cut })),
    }),
  };
}

function orderedMove(move: HomeMove): object {
  const { to, begun, fence, gathering } = move;
  return {
    to,
    begun,
    ...(fence && { fence: { origin: fence.origin, sequence: fence.sequence } }),
    ...(gathering && {
      gathering: {
        writeRegions: gathering.writeRegions,
        words: gathering.words.map(({ region, applied }) => ({ region, applied })),
      },
    }),
  };
}

function orderedTopology(topology: Topology): object {
  switch (topology.shape) {
    case "mesh":
    case "ring":
      return { shape: topology.shape };
    case "star":
      return { shape: topology.shape, hub: topology.hub };
    case "tree":
      return { shape: topology.shape, root: topology.root, fanout: topology.fanout };
    case "lists":
      return {
        shape: topology.shape,
        lists: topology.lists.map(({ region, neighbours }) => ({ region, neighbours })),
      };
  }
}
