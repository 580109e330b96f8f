// The document of a federation, command by command (federation 1, 7, 11, 12, 14): each history is told whole.
import { expect, test } from "@jest/globals";
import { keyOf } from "../base/index.ts";
import type { FederationConfig, Identity } from "./config.ts";
import { changeConfig } from "./config-changes.ts";
import { decodeConfig, encodeConfig } from "./config-codec.ts";
import type { ConfigCommand } from "./config-command.ts";
import { acceptance, regionOf, standingOf } from "./config-standing.ts";
import { originId, sequence, type OriginId, type Sequence } from "./dot.ts";
import { neighboursOf } from "./topology.ts";

const identity = (byte: number): Identity =>
  byte.toString(16).padStart(2, "0").repeat(16) as Identity;
const prefix = (text: string) => keyOf(new TextEncoder().encode(text));
const endpoints = ["127.0.0.1:7000"];
const reports = (...counts: [number, number][]): [OriginId, Sequence][] =>
  counts.map(([origin, count]) => [originId(origin), sequence(count)]);

/** @throws {Error} with the reason, if any of them is refused. */
function after(...commands: readonly ConfigCommand[]): FederationConfig {
  const config = commands.reduce<FederationConfig | undefined>((before, command) => {
    const change = changeConfig(before, command);
    if (change.outcome === "refused") throw new Error(change.why);
    return change.config;
  }, undefined);
  if (config === undefined) throw new Error("no command was given");
  return config;
}

function changed(config: FederationConfig, ...commands: ConfigCommand[]): FederationConfig {
  return commands.reduce((before, command) => {
    const change = changeConfig(before, command);
    if (change.outcome !== "changed") throw new Error(JSON.stringify({ command, change }));
    return change.config;
  }, config);
}

function why(config: FederationConfig | undefined, command: ConfigCommand): string {
  const change = changeConfig(config, command);
  return change.outcome === "refused" ? change.why : change.outcome;
}

const founded = after({
  command: "init",
  federationId: identity(1),
  region: "ams",
  incarnation: identity(2),
  endpoints,
});

const three = changed(
  founded,
  { command: "join", region: "fra", incarnation: identity(3), endpoints },
  { command: "join", region: "iad", incarnation: identity(4), endpoints },
  { command: "live", region: "fra", origin: originId(2) },
  { command: "live", region: "iad", origin: originId(3) },
);

test("a document is found again in its bytes, which are equal for equal documents", () => {
  const bytes = encodeConfig(three);
  expect(decodeConfig(bytes)).toEqual(three);
  const shuffled = Object.fromEntries(Object.entries(three).reverse()) as unknown;
  expect(encodeConfig(shuffled as FederationConfig)).toEqual(bytes);
});

test("bytes that are no document are refused with the place and what was expected", () => {
  const text = (change: (json: Record<string, unknown>) => unknown): Uint8Array =>
    new TextEncoder().encode(
      JSON.stringify(change(JSON.parse(new TextDecoder().decode(encodeConfig(three))) as never)),
    );
  expect(() => decodeConfig(new TextEncoder().encode("{"))).toThrow(/is not JSON/);
  expect(() => decodeConfig(text((json) => ({ ...json, format: 2 })))).toThrow(
    /format is 2; this version reads 1/,
  );
  expect(() => decodeConfig(text((json) => ({ ...json, extra: 1 })))).toThrow(
    /extra is not a field of this format/,
  );
  expect(() => decodeConfig(text((json) => ({ ...json, epoch: 0.5 })))).toThrow(
    /epoch must be an integer from 1/,
  );
  expect(() => decodeConfig(text((json) => ({ ...json, members: [{ name: "x" }] })))).toThrow(
    /members\[0\]\.origin is missing/,
  );
  expect(() => decodeConfig(new Uint8Array(1024 * 1024 + 1))).toThrow(/bytes, more than 1048576/);
});

test("every fault of a document is named at once", () => {
  const json = JSON.parse(new TextDecoder().decode(encodeConfig(three))) as Record<string, unknown>;
  const broken = {
    ...json,
    federationId: "XY",
    originNext: 3,
    paused: [9],
    topology: { shape: "star", hub: "lax" },
  };
  expect(() => decodeConfig(new TextEncoder().encode(JSON.stringify(broken)))).toThrow(
    /federationId must be 32.*members\[2\]\.origin is 3, but 3 is the next.*paused\[0\] is 9.*topology\.hub is "lax"/,
  );
});

test("origins grow with each join and are never allotted twice (federation 1, federation trap 1)", () => {
  expect(three.members.map(({ name, origin }) => [name, origin])).toEqual([
    ["ams", 1],
    ["fra", 2],
    ["iad", 3],
  ]);
  const parted = changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "ams", epoch: 6, applied: [] },
    { command: "frozen", region: "fra", epoch: 6, applied: reports([3, 7]) },
    { command: "join", region: "iad", incarnation: identity(5), endpoints },
  );
  expect(parted.members.map(({ origin }) => origin)).toEqual([1, 2, 4]);
  expect(
    why(three, { command: "join", region: "fra", incarnation: identity(9), endpoints }),
  ).toMatch(/fra is a member, with origin 2/);
  expect(
    why(three, { command: "join", region: "lax", incarnation: identity(3), endpoints }),
  ).toMatch(/must not share an incarnation/);
});

test("a newcomer is joining until it says that it is live (federation 11)", () => {
  const joined = changed(founded, {
    command: "join",
    region: "fra",
    incarnation: identity(3),
    endpoints,
  });
  expect(standingOf(joined, "fra")).toBe("joining");
  expect(joined.members.find(({ name }) => name === "fra")?.admitted).toBe(joined.epoch);
  expect(why(joined, { command: "live", region: "fra", origin: originId(1) })).toMatch(
    /has origin 2, not 1/,
  );
  expect(why(three, { command: "live", region: "fra", origin: originId(2) })).toBe("unchanged");
});

test("a part freezes, waits for all that stay, and commits the greatest report as the cut", () => {
  const frozen = changed(three, { command: "part", regions: ["iad"] });
  expect(standingOf(frozen, "iad")).toBe("frozen");
  expect(acceptance(frozen, originId(3), 1)).toBe("frozen");
  const once = changed(frozen, {
    command: "frozen",
    region: "ams",
    epoch: frozen.epoch,
    applied: reports([3, 40]),
  });
  expect(once.freeze?.epoch).toBe(frozen.epoch);
  expect(why(once, { command: "frozen", region: "ams", epoch: frozen.epoch, applied: [] })).toBe(
    "unchanged",
  );
  const parted = changed(once, {
    command: "frozen",
    region: "fra",
    epoch: frozen.epoch,
    applied: reports([3, 31]),
  });
  expect(parted.freeze).toBeUndefined();
  expect(standingOf(parted, "iad")).toBe("parted");
  expect(parted.closed).toEqual([
    { origin: 3, incarnation: identity(4), region: "iad", cut: 40, closed: parted.epoch },
  ]);
  expect(acceptance(parted, originId(3), 40)).toBe("accepted");
  expect(acceptance(parted, originId(3), 41)).toBe("beyond-cut");
  expect(acceptance(parted, originId(7), 1)).toBe("unknown");
  expect(regionOf(parted, originId(3))).toBe("iad");
});

test("a region that dies while another is parted is parted with it; all report anew", () => {
  const one = changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "fra", epoch: 6, applied: reports([3, 40]) },
    { command: "part", regions: ["fra"] },
  );
  expect(one.freeze).toMatchObject({ origins: [2, 3], reports: [] });
  const both = changed(one, {
    command: "frozen",
    region: "ams",
    epoch: one.epoch,
    applied: reports([2, 5], [3, 12]),
  });
  expect(both.closed.map(({ origin, cut }) => [origin, cut])).toEqual([
    [2, 5],
    [3, 12], // fra's 40 went with fra: nobody that stays could fetch them.
  ]);
});

test("a cut comes down when its only holder is parted before the others fetched up to it", () => {
  const parted = changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "fra", epoch: 6, applied: reports([3, 40]) },
    { command: "frozen", region: "ams", epoch: 6, applied: reports([3, 12]) },
    { command: "part", regions: ["fra"] },
  );
  expect(acceptance(parted, originId(3), 20)).toBe("frozen");
  const alone = changed(parted, {
    command: "frozen",
    region: "ams",
    epoch: parted.epoch,
    applied: reports([2, 5], [3, 25]),
  });
  expect(alone.closed.map(({ cut }) => cut)).toEqual([5, 25]);
});

test("thaw gives a freeze up; a report of a freeze that ended changes nothing", () => {
  const frozen = changed(three, { command: "part", regions: ["iad"] });
  const thawed = changed(frozen, { command: "thaw" });
  expect(standingOf(thawed, "iad")).toBe("live");
  expect(why(thawed, { command: "frozen", region: "ams", epoch: frozen.epoch, applied: [] })).toBe(
    "unchanged",
  );
  expect(
    why(frozen, { command: "frozen", region: "iad", epoch: frozen.epoch, applied: [] }),
  ).toMatch(/iad does not report; ams, fra do/);
  expect(why(founded, { command: "part", regions: ["ams"] })).toMatch(/no region would be left/);
  expect(why(three, { command: "part", regions: ["lax"] })).toMatch(/no region is named lax/);
});

test("a reincarnated region has another origin and joins; its old one is closed (federation scenario 9)", () => {
  const frozen = changed(three, {
    command: "reincarnate",
    region: "ams",
    incarnation: identity(7),
    soleSurvivor: false,
  });
  const reborn = changed(
    frozen,
    { command: "frozen", region: "fra", epoch: frozen.epoch, applied: reports([1, 8]) },
    { command: "frozen", region: "iad", epoch: frozen.epoch, applied: reports([1, 9]) },
  );
  expect(reborn.members.find(({ name }) => name === "ams")).toMatchObject({
    origin: 4,
    incarnation: identity(7),
    live: false,
    admitted: reborn.epoch,
  });
  expect(reborn.closed.map(({ origin, cut }) => [origin, cut])).toEqual([[1, 9]]);
  expect(regionOf(reborn, originId(1))).toBe("ams");
});

test("a sole survivor parts all others by its own report (federation scenario 10)", () => {
  const frozen = changed(three, {
    command: "reincarnate",
    region: "ams",
    incarnation: identity(7),
    soleSurvivor: true,
  });
  const alone = changed(frozen, {
    command: "frozen",
    region: "ams",
    epoch: frozen.epoch,
    applied: reports([1, 8], [2, 3]),
  });
  expect(alone.members.map(({ name, origin }) => [name, origin])).toEqual([["ams", 4]]);
  expect(alone.closed.map(({ origin, cut }) => [origin, cut])).toEqual([
    [1, 8],
    [2, 3],
    [3, 0],
  ]);
});

test("an origin is paused and resumed", () => {
  const paused = changed(three, { command: "pause", region: "fra" });
  expect(acceptance(paused, originId(2), 1)).toBe("paused");
  expect(why(paused, { command: "pause", region: "fra" })).toBe("unchanged");
  expect(acceptance(changed(paused, { command: "resume", region: "fra" }), originId(2), 1)).toBe(
    "accepted",
  );
});

const lww = { command: "policy", policy: "lww", ranks: [], ttl: "refused" } as const;

test("a prefix opens when every region has re-issued what it has there, and closes in two rounds", () => {
  const done = (region: string, stage: "opening" | "closing" | "closed", last?: number) =>
    ({
      command: "prefix-done",
      region,
      prefix: prefix("a/"),
      stage,
      ...(last === undefined ? {} : { last: sequence(last) }),
    }) as const;
  const opening = changed(three, { ...lww, prefix: prefix("a/") });
  expect(opening.policies[0]?.progress).toEqual({
    stage: "opening",
    pending: ["ams", "fra", "iad"],
  });
  const open = changed(
    opening,
    done("fra", "opening"),
    done("ams", "opening"),
    done("iad", "opening"),
  );
  expect(open.policies[0]?.progress).toEqual({ stage: "open" });
  expect(why(open, done("fra", "opening"))).toBe("unchanged");
  const closing = changed(
    open,
    { command: "policy-unset", prefix: prefix("a/") },
    done("fra", "closing", 9),
    done("ams", "closing"),
    done("iad", "closing", 4),
  );
  expect(closing.policies[0]?.progress).toEqual({
    stage: "closed",
    pending: ["ams", "fra", "iad"],
    cut: [
      [2, 9],
      [3, 4],
    ],
  });
  expect(why(closing, { ...lww, prefix: prefix("a/") })).toMatch(/is being given up/);
  const gone = changed(
    closing,
    done("fra", "closed"),
    done("ams", "closed"),
    done("iad", "closed"),
  );
  expect(gone.policies).toEqual([]);
});

test("nobody waits for a region that is parted, nor for what lies beyond its cut", () => {
  const closing = changed(
    three,
    { ...lww, prefix: prefix("a/") },
    { command: "policy-unset", prefix: prefix("a/") },
    { command: "prefix-done", region: "ams", prefix: prefix("a/"), stage: "closing" },
    {
      command: "prefix-done",
      region: "iad",
      prefix: prefix("a/"),
      stage: "closing",
      last: sequence(50),
    },
    { command: "part", regions: ["iad"] },
  );
  const freeze = closing.epoch;
  const parted = changed(
    closing,
    { command: "frozen", region: "ams", epoch: freeze, applied: reports([3, 30]) },
    { command: "frozen", region: "fra", epoch: freeze, applied: reports([3, 31]) },
    { command: "prefix-done", region: "fra", prefix: prefix("a/"), stage: "closing" },
  );
  expect(parted.policies[0]?.progress).toEqual({
    stage: "closed",
    pending: ["ams", "fra"],
    cut: [[3, 31]],
  });
});

test("within a federated prefix a policy differs at once, but a kind opens, and stays", () => {
  const open = changed(
    founded,
    { ...lww, prefix: prefix("") },
    { command: "prefix-done", region: "ams", prefix: prefix(""), stage: "opening" },
    { ...lww, policy: "siblings", prefix: prefix("carts/") },
    { ...lww, kind: "counter", prefix: prefix("counters/") },
  );
  expect(open.policies.map(({ progress }) => progress.stage)).toEqual(["open", "open", "opening"]);
  expect(why(open, { ...lww, prefix: prefix("counters/") })).toMatch(/is counter and stays so/);
  expect(why(open, { ...lww, prefix: prefix("counters/x/") })).toMatch(/is opening/);
  expect(why(open, { command: "policy-unset", prefix: prefix("counters/") })).toMatch(
    /unset that prefix first/,
  );
  const unset = changed(open, { command: "policy-unset", prefix: prefix("carts/") });
  expect(unset.policies.map(({ prefix: one }) => one)).toEqual(["", "counters/"]);
});

test("a policy says what it needs, and what is not supported is refused", () => {
  const a = prefix("a/");
  expect(why(three, { ...lww, prefix: a, policy: "priority" })).toMatch(/ranks must name/);
  expect(why(three, { ...lww, prefix: a, ranks: ["fra"] })).toMatch(
    /ranks is for priority, not lww/,
  );
  expect(why(three, { ...lww, prefix: a, policy: "priority", ranks: ["lax"] })).toMatch(/"lax"/);
  expect(why(three, { ...lww, prefix: a, policy: "merge", kind: "set" })).toMatch(/must be lww/);
  expect(why(three, { ...lww, prefix: a, policy: "resolver", handler: "mine" })).toMatch(
    /custom handler, which this version does not support/,
  );
  expect(why(three, { command: "handler", name: "mine" })).toMatch(/not supported/);
});

test("a home moves by plan: fence, own; unplanned only when it is parted or by force (federation 12)", () => {
  const p = prefix("claims/");
  const homed = changed(
    three,
    { ...lww, prefix: p },
    { command: "home", prefix: p, region: "ams", elsewhere: "forward" },
  );
  expect(why(homed, { command: "home", prefix: p, region: "fra", elsewhere: "forward" })).toMatch(
    /is ams: move it/,
  );
  const moving = changed(homed, { command: "home-move", prefix: p, to: "fra", force: false });
  expect(why(moving, { command: "home-own", prefix: p, region: "fra" })).toMatch(/has not fenced/);
  const fence = { origin: originId(1), sequence: sequence(12) };
  const owned = changed(
    moving,
    { command: "home-fenced", region: "ams", prefix: p, fence },
    { command: "home-own", region: "fra", prefix: p },
  );
  expect(owned.homes).toEqual([
    { prefix: p, region: "fra", elsewhere: "forward", epoch: owned.epoch },
  ]);
  const forced = changed(owned, { command: "home-move", prefix: p, to: "iad", force: true });
  expect(forced.homes[0]).toMatchObject({ region: "iad", epoch: forced.epoch });
  const stayed = changed(moving, { command: "home-stay", prefix: p });
  expect(stayed.homes[0]).toEqual({ ...homed.homes[0], epoch: stayed.epoch });
});

test("a home whose region is parted takes no writes until it moves, and then at once", () => {
  const p = prefix("claims/");
  const parted = changed(
    three,
    { ...lww, prefix: p },
    { command: "home", prefix: p, region: "iad", elsewhere: "refuse" },
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "ams", epoch: 8, applied: [] },
    { command: "frozen", region: "fra", epoch: 8, applied: [] },
  );
  expect(parted.homes[0]?.region).toBe("iad");
  const moved = changed(parted, { command: "home-move", prefix: p, to: "fra", force: false });
  expect(moved.homes[0]).toMatchObject({ region: "fra", epoch: moved.epoch });
});

test("a placement names members, and lies within a federated prefix", () => {
  const p = prefix("a/b/");
  expect(why(three, { command: "placement", prefix: p, regions: ["ams"] })).toMatch(
    /is not within a federated prefix/,
  );
  const placed = changed(
    three,
    { ...lww, prefix: prefix("a/") },
    { command: "placement", prefix: p, regions: ["iad", "ams"] },
  );
  expect(placed.placements).toEqual([{ prefix: p, regions: ["ams", "iad"] }]);
  const all = changed(placed, { command: "placement", prefix: p, regions: [] });
  expect(all.placements).toEqual([]);
});

test("topologies are lists of neighbours, changed live; a parted hop is bypassed (federation scenario 6)", () => {
  const of = ({ topology, members }: FederationConfig) =>
    Object.fromEntries(
      members.map(({ name }) => [
        name,
        neighboursOf(
          topology,
          members.map((member) => member.name),
          name,
        ).join(" "),
      ]),
    );
  expect(of(three)).toEqual({ ams: "fra iad", fra: "ams iad", iad: "ams fra" });
  const star = changed(three, { command: "topology", topology: { shape: "star", hub: "fra" } });
  expect(of(star)).toEqual({ ams: "fra", fra: "ams iad", iad: "fra" });
  const tree = changed(star, {
    command: "topology",
    topology: { shape: "tree", root: "iad", fanout: 1 },
  });
  expect(of(tree)).toEqual({ iad: "ams", ams: "fra iad", fra: "ams" });
  const chain = changed(tree, {
    command: "topology",
    topology: {
      shape: "lists",
      lists: [
        { region: "iad", neighbours: ["fra"] },
        { region: "fra", neighbours: ["iad", "ams"] },
        { region: "ams", neighbours: ["fra"] },
      ],
    },
  });
  expect(of(chain)).toEqual({ ams: "fra", fra: "ams iad", iad: "fra" });
  const four = changed(chain, {
    command: "join",
    region: "lax",
    incarnation: identity(8),
    endpoints,
  });
  expect(of(four)).toMatchObject({ ams: "fra lax", lax: "ams fra iad" });
  const bypassed = changed(
    chain,
    { command: "part", regions: ["fra"] },
    { command: "frozen", region: "ams", epoch: chain.epoch + 1, applied: [] },
    { command: "frozen", region: "iad", epoch: chain.epoch + 1, applied: [] },
  );
  expect(of(bypassed)).toEqual({ ams: "iad", iad: "ams" });
  const cut = {
    command: "topology",
    topology: {
      shape: "lists",
      lists: [
        { region: "ams", neighbours: ["fra"] },
        { region: "fra", neighbours: ["ams"] },
        { region: "iad", neighbours: ["fra"] },
      ],
    },
  } as const;
  expect(why(chain, cut)).toMatch(/is not connected/);
});
