// Whatever is asked of a configuration, in whatever order: each document is valid, its epoch the next, its origins
// never used twice; and regions that follow it at their own pace never have what a cut says nobody has.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { checkedKey } from "../../base/index.ts";
import {
  acceptance,
  changeConfig,
  decodeConfig,
  encodeConfig,
  PrefixTable,
  standingOf,
  type ConfigCommand,
  type FederationConfig,
  type Identity,
  type OriginId,
} from "../../federation/index.ts";
import { reports } from "./config-history.ts";

const NAMES = ["ams", "fra", "iad", "lax"];
const PREFIXES = ["", "a/", "a/b/", "c/"].map(checkedKey);
const endpoints = ["localhost:1"];

const region = fc.constantFrom(...NAMES);
const prefix = fc.constantFrom(...PREFIXES);
const handler = fc.constantFrom("first", "second");
const hash = fc.constantFrom("1".repeat(64), "2".repeat(64), "none");
const identity = fc.nat(40).map((value) => value.toString(16).padStart(32, "0") as Identity);
const counts = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 })), {
    selector: ([origin]) => origin,
    maxLength: 3,
  })
  .map((pairs) => reports(...pairs));
const commandOf = <Name extends ConfigCommand["command"]>(
  command: Name,
  fields: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<ConfigCommand> =>
  fc.record({ command: fc.constant(command), ...fields }) as fc.Arbitrary<never>;

const command: fc.Arbitrary<ConfigCommand> = fc.oneof(
  commandOf("join", { region, incarnation: identity, endpoints: fc.constant(endpoints) }),
  commandOf("live", { region, origin: fc.integer({ min: 1, max: 5 }) }),
  commandOf("part", { regions: fc.array(region, { maxLength: 2 }) }),
  commandOf("reincarnate", { region, incarnation: identity, soleSurvivor: fc.boolean() }),
  commandOf("thaw", {}),
  commandOf("frozen", { region, epoch: fc.integer({ min: 2, max: 12 }), applied: counts }),
  commandOf("pause", { region }),
  commandOf("resume", { region }),
  commandOf("policy", {
    prefix,
    policy: fc.constantFrom("lww", "siblings", "priority", "resolver"),
    ranks: fc.array(region, { maxLength: 2 }),
    ttl: fc.constantFrom("refused", "owner"),
  }),
  commandOf("policy", {
    prefix,
    policy: fc.constant("resolver"),
    ranks: fc.constant([]),
    handler,
    ttl: fc.constant("refused"),
  }),
  commandOf("handler", {
    name: handler,
    hash,
    source: fc.constantFrom("", "function resolve() {}"),
    runs: fc.constantFrom("on-read", "on-write"),
  }),
  commandOf("handler-unset", { name: handler }),
  commandOf("handler-stopped", { region, name: handler, hash, why: fc.constant("it throws") }),
  commandOf("policy-unset", { prefix }),
  commandOf("prefix-done", {
    region,
    prefix,
    stage: fc.constantFrom("opening", "closing", "closed"),
  }),
  commandOf("placement", { prefix, regions: fc.array(region, { maxLength: 2 }) }),
  commandOf("home", { prefix, region, elsewhere: fc.constantFrom("forward", "refuse") }),
  commandOf("home-unset", { prefix }),
  commandOf("home-move", { prefix, to: region, force: fc.boolean() }),
  commandOf("home-move", {
    ...{ prefix, to: region, force: fc.constant(false) },
    gathers: fc.constantFrom(0, 2, 3),
  }),
  commandOf("home-word", { region, prefix, begun: fc.nat({ max: 40 }), applied: fc.nat() }),
  commandOf("home-own", { region, prefix, known: fc.option(fc.nat(), { nil: undefined }) }),
  commandOf("auto-part", { afterS: fc.constantFrom(0, 9, 10), bytes: fc.nat() }),
  commandOf("topology", {
    topology: fc.oneof(
      fc.constant({ shape: "ring" }),
      fc.record({ shape: fc.constant("star"), hub: region }),
      fc.record({ shape: fc.constant("tree"), root: region, fanout: fc.constant(2) }),
    ),
  }),
);

const INIT: ConfigCommand = {
  command: "init",
  federationId: "f".repeat(32) as Identity,
  region: "ams",
  incarnation: "e".repeat(32) as Identity,
  endpoints,
};

function initial(): FederationConfig {
  const change = changeConfig(undefined, INIT);
  if (change.outcome === "refused") throw new Error(change.why);
  return change.config;
}

test("epochs grow by one, origins are never reused, a document is always valid", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const holders = new Map<OriginId, Identity>();
      let config = initial();
      for (const next of commands) {
        const change = changeConfig(config, next);
        if (change.outcome === "refused") {
          expect(change.why).not.toBe("");
          continue;
        }
        if (change.outcome === "unchanged") expect(change.config).toBe(config);
        else expect(change.config.epoch).toBe(config.epoch + 1);
        config = change.config;
        expect(decodeConfig(encodeConfig(config))).toEqual(config);
        for (const { origin, incarnation } of [...config.members, ...config.closed]) {
          expect(holders.get(origin) ?? incarnation).toBe(incarnation);
          holders.set(origin, incarnation);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("a prefix table agrees with trying every prefix", () => {
  const key = fc
    .string({ maxLength: 5, unit: fc.constantFrom("a", "b", "\u00ff") })
    .map(checkedKey);
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 8 }), key, (prefixes, looked) => {
      const entries = prefixes.map((one) => ({ prefix: one }));
      const longest = prefixes
        .filter((one) => looked.startsWith(one))
        .sort((left, right) => right.length - left.length)[0];
      expect(new PrefixTable(entries).of(looked)?.prefix).toBe(longest);
    }),
    { numRuns: 300 },
  );
});

/** A region that logs documents, and mints and pulls by the one it has logged. */
interface Region {
  logged: FederationConfig;
  applied: Map<OriginId, number>;
  incarnation: Identity;
}

/** The directory and its regions; what a step cannot do it leaves. */
class Model {
  config = initial();
  readonly regions = new Map<string, Region>();
  private identities = 0;

  constructor() {
    this.admit("ams");
    for (const name of NAMES) this.join(name);
  }

  step([what, first, second]: readonly [number, number, number]): void {
    const name = NAMES[first % NAMES.length] ?? "ams";
    const other = NAMES[second % NAMES.length] ?? "ams";
    const here = this.regions.get(name);
    if (what <= 1) this.change({ command: "part", regions: [name] });
    if (what === 4 && first === second) this.change({ command: "thaw" });
    if (what === 2) this.join(name);
    if (what === 3) this.reincarnate(name);
    if (here === undefined) return;
    if (what <= 16) this.log(name, here);
    else if (what <= 23) this.mint(name, here);
    else if (what <= 36) this.report(name, here);
    else this.pull(here, this.regions.get(other));
  }

  /** What a closed origin has within its cut is held by a member; beyond it, by none (federation 11). */
  check(): void {
    for (const { origin, cut } of this.config.closed) {
      const held = this.config.members.map(
        ({ name }) => this.regions.get(name)?.applied.get(origin) ?? 0,
      );
      expect(Math.max(...held)).toBe(cut);
    }
  }

  private change(given: ConfigCommand): boolean {
    const change = changeConfig(this.config, given);
    if (change.outcome !== "changed") return false;
    this.config = change.config;
    const reborn: string[] = [];
    for (const [name, { incarnation }] of this.regions) {
      const member = this.config.members.find((one) => one.name === name);
      if (member === undefined) this.regions.delete(name);
      else if (member.incarnation !== incarnation) reborn.push(name);
    }
    const donor = [...this.regions].find(([name]) => !reborn.includes(name))?.[1];
    for (const name of reborn) this.admit(name, donor);
    return true;
  }

  /** A new incarnation begins from the state of one that reported: a donor's, or, if all are new, its own. */
  private admit(name: string, donor?: Region): void {
    const member = this.config.members.find((one) => one.name === name);
    if (member === undefined) return;
    const applied = new Map((donor ?? this.regions.get(name))?.applied);
    this.regions.set(name, { logged: this.config, applied, incarnation: member.incarnation });
  }

  private join(name: string): void {
    if (this.change({ command: "join", region: name, incarnation: this.fresh(), endpoints })) {
      const member = this.config.members.find((one) => one.name === name);
      if (member === undefined) return;
      this.regions.set(name, {
        logged: this.config,
        applied: new Map(),
        incarnation: member.incarnation,
      });
      this.change({ command: "live", region: name, origin: member.origin });
    }
  }

  private reincarnate(name: string): void {
    const incarnation = this.fresh();
    this.change({ command: "reincarnate", region: name, incarnation, soleSurvivor: false });
  }

  private log(name: string, here: Region): void {
    here.logged = this.config;
    const member = this.config.members.find((one) => one.name === name);
    if (member !== undefined) {
      this.change({ command: "live", region: name, origin: member.origin });
    }
  }

  private mint(name: string, here: Region): void {
    const member = here.logged.members.find((one) => one.name === name);
    if (member === undefined || standingOf(here.logged, name) !== "live") return;
    here.applied.set(member.origin, (here.applied.get(member.origin) ?? 0) + 1);
  }

  private pull(here: Region, from: Region | undefined): void {
    for (const [origin, count] of from?.applied ?? []) {
      const next = (here.applied.get(origin) ?? 0) + 1;
      if (next > count || acceptance(here.logged, origin, next) !== "accepted") continue;
      here.applied.set(origin, next);
    }
  }

  private report(name: string, here: Region): void {
    const { freeze } = here.logged;
    if (freeze === undefined) return;
    const applied = freeze.origins.flatMap((origin) => {
      const count = here.applied.get(origin) ?? 0;
      return count === 0 ? [] : reports([origin, count]);
    });
    this.change({ command: "frozen", region: name, epoch: freeze.epoch, applied });
  }

  private fresh(): Identity {
    this.identities += 1;
    return this.identities.toString(16).padStart(32, "0") as Identity;
  }
}

test("what is within a cut a member has, and nobody has what is beyond it", () => {
  let cuts = 0;
  const step = fc.tuple(fc.nat(48), fc.nat(3), fc.nat(3));
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 200, size: "max" }), (steps) => {
      const model = new Model();
      for (const one of steps) {
        model.step(one);
        model.check();
      }
      cuts += model.config.closed.filter(({ cut }) => cut > 0).length;
    }),
    { numRuns: 60, seed: 4, endOnFailure: true },
  );
  expect(cuts).toBeGreaterThan(20);
});
