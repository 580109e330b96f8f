// From parsed JSON to a document's types: the shape of each field and the bound of each list. What the fields say
// of one another is judged by config-check.ts.
import { checkedKey, type Key } from "../base/index.ts";
import {
  AUTO_PART_AFTER_S,
  CONFIG_LIMITS,
  type AutoPart,
  type Closing,
  type FederationConfig,
  type Gathering,
  type Handler,
  type Home,
  type HomeLease,
  type HomeMove,
  type Identity,
  type LateCut,
  type Member,
  type Policy,
  type PrefixStage,
  type Reached,
  type Topology,
} from "./config.ts";
import { originId, sequence, type Dot, type OriginId, type Sequence } from "./dot.ts";
import { fault, integerOf, type JsonReader, listOf, objectOf, textOf } from "./json-reader.ts";
import { KIND_NAMES, POLICY_NAMES } from "./policy-names.ts";

const ORIGIN_MAX = 2 ** 32 - 1;
const NAME_LENGTH_MAX = 64;
const HASH_LENGTH = 64;
const ORIGINS_MAX = CONFIG_LIMITS.membersMax + CONFIG_LIMITS.closedMax;

type Count = readonly [OriginId, Sequence];

/** @throws {ConfigError} at the first field that is not as `format` has it. */
export function decodeDocument(value: unknown, format: number): FederationConfig {
  return objectOf(value, "", (reader) => {
    const found = reader.integer("format", 1, Number.MAX_SAFE_INTEGER);
    if (found !== format) {
      throw fault("format", `is ${found}; this version reads ${format}`);
    }
    return {
      federationId: identity(reader, "federationId"),
      epoch: epoch(reader, "epoch"),
      originNext: origin(reader, "originNext"),
      members: reader.list("members", CONFIG_LIMITS.membersMax, member),
      closed: reader.list("closed", CONFIG_LIMITS.closedMax, (entry, path) =>
        objectOf(entry, path, (closed) => ({
          origin: origin(closed, "origin"),
          incarnation: identity(closed, "incarnation"),
          region: name(closed, "region"),
          cut: closed.integer("cut", 0, Number.MAX_SAFE_INTEGER),
          ...(closed.has("hash") ? { hash: closed.text("hash", HASH_LENGTH) } : {}),
          closed: epoch(closed, "closed"),
        })),
      ),
      ...(reader.has("freeze") ? { freeze: reader.object("freeze", freeze) } : {}),
      paused: reader.list("paused", CONFIG_LIMITS.membersMax, originAt),
      policies: reader.list("policies", CONFIG_LIMITS.prefixesMax, policy),
      handlers: reader.list("handlers", CONFIG_LIMITS.handlersMax, handler),
      placements: reader.list("placements", CONFIG_LIMITS.prefixesMax, (entry, path) =>
        objectOf(entry, path, (placement) => ({
          prefix: prefix(placement),
          regions: names(placement, "regions"),
        })),
      ),
      homes: reader.list("homes", CONFIG_LIMITS.prefixesMax, home),
      topology: reader.object("topology", topology),
      ...(reader.has("autoPart") ? { autoPart: reader.object("autoPart", autoPart) } : {}),
    };
  });
}

function autoPart(reader: JsonReader): AutoPart {
  const { least, most } = AUTO_PART_AFTER_S;
  return {
    afterS: reader.integer("afterS", least, most),
    bytes: reader.integer("bytes", 0, Number.MAX_SAFE_INTEGER),
  };
}

function member(entry: unknown, path: string): Member {
  return objectOf(entry, path, (reader) => ({
    name: name(reader, "name"),
    origin: origin(reader, "origin"),
    incarnation: identity(reader, "incarnation"),
    endpoints: reader.list("endpoints", CONFIG_LIMITS.endpointsMax, (value, at) =>
      textOf(value, at, CONFIG_LIMITS.endpointBytesMax),
    ),
    admitted: epoch(reader, "admitted"),
    live: reader.flag("live"),
    ...(reader.has("liveSince") ? { liveSince: epoch(reader, "liveSince") } : {}),
  }));
}

function freeze(reader: JsonReader): NonNullable<FederationConfig["freeze"]> {
  return {
    epoch: epoch(reader, "epoch"),
    closing: reader.list("closing", CONFIG_LIMITS.membersMax, (entry, path) =>
      objectOf(entry, path, closing),
    ),
    origins: reader.list("origins", ORIGINS_MAX, originAt),
    reports: reader.list("reports", CONFIG_LIMITS.membersMax, (entry, path) =>
      objectOf(entry, path, (report) => ({
        region: name(report, "region"),
        applied: report.list("applied", ORIGINS_MAX, reached),
      })),
    ),
  };
}

function closing(reader: JsonReader): Closing {
  const region = name(reader, "region");
  const then = reader.choice("then", ["part", "reincarnate"]);
  if (then === "part") return { region, then };
  return { region, then, incarnation: identity(reader, "incarnation") };
}

function policy(entry: unknown, path: string): Policy {
  return objectOf(entry, path, (reader) => ({
    prefix: prefix(reader),
    policy: reader.choice("policy", POLICY_NAMES),
    ...(reader.has("kind") ? { kind: reader.choice("kind", KIND_NAMES) } : {}),
    ranks: names(reader, "ranks"),
    ...(reader.has("handler") ? { handler: name(reader, "handler") } : {}),
    ttl: reader.choice("ttl", ["refused", "owner"]),
    progress: reader.object("progress", stage),
  }));
}

function handler(entry: unknown, path: string): Handler {
  return objectOf(entry, path, (reader) => ({
    name: name(reader, "name"),
    hash: reader.text("hash", HASH_LENGTH),
    source: reader.text("source", CONFIG_LIMITS.handlerSourceLengthMax),
    runs: reader.choice("runs", ["on-read", "on-write"]),
    ...(reader.has("stopped") ? { stopped: reader.object("stopped", stopped) } : {}),
  }));
}

function stopped(reader: JsonReader): NonNullable<Handler["stopped"]> {
  const why = reader.text("why", CONFIG_LIMITS.handlerWhyLengthMax);
  return { region: name(reader, "region"), why };
}

function stage(reader: JsonReader): PrefixStage {
  const at = reader.choice("stage", ["opening", "open", "closing", "closed"]);
  if (at === "open") return { stage: at };
  const pending = names(reader, "pending");
  if (at === "opening") return { stage: at, pending };
  if (at === "closing") return { stage: at, pending, reached: counts(reader, "reached") };
  return { stage: at, pending, cut: counts(reader, "cut") };
}

function home(entry: unknown, path: string): Home {
  return objectOf(entry, path, (reader) => ({
    prefix: prefix(reader),
    region: name(reader, "region"),
    elsewhere: reader.choice("elsewhere", ["forward", "refuse", "advisory"]),
    epoch: epoch(reader, "epoch"),
    ...(reader.has("move") ? { move: reader.object("move", move) } : {}),
    ...(reader.has("lease") ? { lease: reader.object("lease", homeLease) } : {}),
    ...(reader.has("late") ? { late: reader.list("late", CONFIG_LIMITS.latesMax, lateCut) } : {}),
  }));
}

function homeLease(reader: JsonReader): HomeLease {
  return {
    ttlS: reader.integer("ttlS", CONFIG_LIMITS.leaseTtlMin, CONFIG_LIMITS.leaseTtlMax),
    heirs: names(reader, "heirs"),
    writeRegions: reader.integer("writeRegions", 1, CONFIG_LIMITS.membersMax),
  };
}

function lateCut(entry: unknown, path: string): LateCut {
  return objectOf(entry, path, (reader) => ({
    origin: origin(reader, "origin"),
    epoch: epoch(reader, "epoch"),
    cut: reader.integer("cut", 0, Number.MAX_SAFE_INTEGER),
  }));
}

function move(reader: JsonReader): HomeMove {
  return {
    to: name(reader, "to"),
    begun: epoch(reader, "begun"),
    ...(reader.has("fence") ? { fence: reader.object("fence", fence) } : {}),
    ...(reader.has("gathering") ? { gathering: reader.object("gathering", gathering) } : {}),
  };
}

function fence(reader: JsonReader): Dot {
  return {
    origin: origin(reader, "origin"),
    sequence: sequence(reader.integer("sequence", 1, Number.MAX_SAFE_INTEGER)),
  };
}

function gathering(reader: JsonReader): Gathering {
  return {
    writeRegions: reader.integer("writeRegions", 2, CONFIG_LIMITS.membersMax),
    words: reader.list("words", CONFIG_LIMITS.membersMax, (entry, path) =>
      objectOf(entry, path, (word) => ({
        region: name(word, "region"),
        applied: word.integer("applied", 0, Number.MAX_SAFE_INTEGER),
      })),
    ),
  };
}

function topology(reader: JsonReader): Topology {
  const shape = reader.choice("shape", ["mesh", "ring", "star", "tree", "lists"]);
  switch (shape) {
    case "mesh":
    case "ring":
      return { shape };
    case "star":
      return { shape, hub: name(reader, "hub") };
    case "tree":
      return {
        shape,
        root: name(reader, "root"),
        fanout: reader.integer("fanout", 1, CONFIG_LIMITS.fanoutMax),
      };
    case "lists":
      return {
        shape,
        lists: reader.list("lists", CONFIG_LIMITS.membersMax, (entry, path) =>
          objectOf(entry, path, (list) => ({
            region: name(list, "region"),
            neighbours: names(list, "neighbours"),
          })),
        ),
      };
  }
}

function name(reader: JsonReader, field: string): string {
  return reader.text(field, NAME_LENGTH_MAX);
}

function names(reader: JsonReader, field: string): readonly string[] {
  return reader.list(field, CONFIG_LIMITS.membersMax, (value, path) =>
    textOf(value, path, NAME_LENGTH_MAX),
  );
}

function identity(reader: JsonReader, field: string): Identity {
  return reader.text(field, 32) as Identity;
}

function epoch(reader: JsonReader, field: string): number {
  return reader.integer(field, 1, Number.MAX_SAFE_INTEGER);
}

function origin(reader: JsonReader, field: string): OriginId {
  return originId(reader.integer(field, 1, ORIGIN_MAX));
}

function originAt(value: unknown, path: string): OriginId {
  return originId(integerOf(value, path, 1, ORIGIN_MAX));
}

/** Each byte as the character of that code point: what a Key is. */
function prefix(reader: JsonReader): Key {
  const text = reader.text("prefix", CONFIG_LIMITS.prefixBytesMax);
  if (/[^\u0000-\u00ff]/.test(text)) throw fault("prefix", "holds a character above U+00FF");
  return checkedKey(text);
}

function counts(reader: JsonReader, field: string): readonly Count[] {
  return reader.list(field, ORIGINS_MAX, count);
}

function reached(value: unknown, path: string): Reached {
  const [origin, at, hash] = listOf(value, path, 3, (entry) => entry);
  return [...count([origin, at], path), textOf(hash, `${path}[2]`, HASH_LENGTH)];
}

function count(value: unknown, path: string): Count {
  const pair = listOf(value, path, 2, (entry) => entry);
  return [
    originAt(pair[0], `${path}[0]`),
    sequence(integerOf(pair[1], `${path}[1]`, 1, Number.MAX_SAFE_INTEGER)),
  ];
}
