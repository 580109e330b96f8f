// Three regions write what they like under every policy, and take from each other what they like in any order, with
// restarts and settlements in between; once all have all, they keep and show the same (federation 5, 19). Each region
// has a second member with another cache and other batches, which must be its equal.
import { describe, expect, test } from "@jest/globals";
import { Mulberry32, assert, randomBetween } from "../../base/index.ts";
import type { Key, Random, WallMs } from "../../base/index.ts";
import type {
  AskedOperation,
  FederationConfig,
  PolicyName,
  Shipped,
} from "../../federation/index.ts";
import { del, op, put, txn } from "../store/requests.ts";
import { VECTOR_ZERO, countOf, joined, shared } from "../../federation/index.ts";
import type { Region } from "./region.ts";
import { policy } from "./document.ts";
import { ANCHOR_MS, bytes, configOf, exchange, regions } from "./region.ts";
import { bootstrap } from "./transfer.ts";

const POLICIES: readonly PolicyName[] = [
  "lww",
  "first-writer",
  "priority",
  "add-wins",
  "delete-wins",
  "merge",
  "siblings",
];
const SETTLED = new Set(["lww", "first-writer", "priority", "add-wins", "delete-wins"]);
const KEYS = ["a", "b", "c"];
const STEPS = 80;

/** Later than any that a story comes to by itself: every policy is at its own prefix. */
const EPOCH_LAST = 99;

/** In each epoch the policies have moved on by three prefixes; kinds stay. */
function configAt(epoch: number): FederationConfig {
  const shift = epoch === EPOCH_LAST ? 0 : 3 * (epoch - 1);
  const plain = POLICIES.map((name, at) => {
    const shifted = POLICIES[(at + shift) % POLICIES.length] ?? "lww";
    const ranks = shifted === "priority" ? ["south", "east"] : [];
    return policy(`${name}/`, { policy: shifted, ranks });
  });
  const kinds = [policy("n/", { kind: "counter" }), policy("t/", { kind: "set" })];
  const all = [...plain, ...kinds].sort((left, right) => (left.prefix < right.prefix ? -1 : 1));
  return configOf(3, all, { epoch });
}

class Story {
  readonly all: readonly Region[] = regions(configAt(1));
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Mulberry32(seed);
  }

  #draw(): number {
    return randomBetween(this.#random, 0, 1);
  }

  #pick<T>(of: readonly T[]): T {
    const picked = of[Math.floor(this.#draw() * of.length)];
    assert(picked !== undefined, "something to pick from");
    return picked;
  }

  #key(): string {
    return `${this.#pick([...POLICIES, ...POLICIES, "n", "t"])}/${this.#pick(KEYS)}`;
  }

  step(): void {
    const region = this.#pick(this.all);
    const draw = this.#draw();
    region.nowMs += Math.floor(this.#draw() * 20);
    if (draw < 0.4) this.#write(region);
    else if (draw < 0.5) region.run(del(this.#key()));
    else if (draw < 0.6) this.#transact(region);
    else if (draw < 0.88) this.#take(region);
    else if (draw < 0.93) this.#upkeep(region);
    else if (draw < 0.96) region.host.flush();
    else region.restart();
  }

  #write(region: Region): void {
    const key = this.#key();
    const text = `${this.#pick(["x", "y", "z"])}\n`;
    const asked: AskedOperation | undefined = key.startsWith("n/")
      ? { kind: "counter", action: "add", amount: BigInt(this.#pick([1, -2, 7])) }
      : key.startsWith("t/")
        ? { kind: "set", action: "change", add: [text as Key], remove: [this.#pick(KEYS) as Key] }
        : undefined;
    if (asked === undefined) region.run(put(key, text));
    else region.change({ change: "operate", operations: [{ key: key as Key, asked }] });
  }

  #transact(region: Region): void {
    const name = this.#pick(POLICIES);
    const from = `${name}/${this.#pick(KEYS)}`;
    const also = `${this.#pick(POLICIES)}/d`;
    region.run(
      txn([], [op.del(from, `${name}/z`), op.put(`own/${name}`, "own"), op.put(also, "d")]),
    );
  }

  /** Some of what another has, in any order: what may not be applied yet is held, and forgotten here. */
  #take(region: Region): void {
    const from = this.#pick(this.all.filter((other) => other !== region));
    const some: Shipped[] = [];
    for (const [origin, count] of from.state.applied) {
      const have = region.state.applied.get(origin) ?? 0;
      const until = Math.min(count, have + 1 + Math.floor(this.#draw() * 6));
      for (let at = Math.max(have - 1, 0) + 1; at <= until; at += 1) {
        some.push(from.transaction(origin, at));
      }
    }
    region.apply(...some.sort(() => this.#draw() - 0.5));
  }

  #upkeep(region: Region): void {
    const wallMs = (ANCHOR_MS + Math.floor(this.#draw() * 1000) - 500) as WallMs;
    const draw = this.#draw();
    if (draw < 0.3) region.change({ change: "anchor", wallMs });
    else if (draw < 0.5) region.configure(configAt((region.state.config?.epoch ?? 0) + 1));
    else this.settle(region);
  }

  /** By what all are known to have applied: a region's word counts once its stream is here as far (trap 32). */
  settle(region: Region): void {
    const { applied } = region.state;
    const words = this.all.map(({ origin, state }) =>
      countOf(state.applied, origin) <= countOf(applied, origin) ? state.applied : VECTOR_ZERO,
    );
    const stable = words.reduce((cut, word) => shared(cut, word), applied);
    const epoch = region.state.config?.epoch ?? 0;
    const keys = region.state.contested();
    if (keys.length > 0) region.change({ change: "settle", epoch, stable, keys });
    region.change({ change: "collect", epoch, cut: stable, through: new Map(), full: false });
  }
}

/** What a region keeps, dots and all, but for tombstones alone; and what it shows. */
function kept(region: Region): readonly string[] {
  return region.state.keys().flatMap((key) => {
    const { siblings, kinds } = region.state.recordOf(key);
    if (kinds.length === 0 && siblings.every(({ value }) => value === undefined)) return [];
    return [`${key} [${region.siblings(key).join(" ")}] ${kinds.length} ${region.get(key) ?? "-"}`];
  });
}

function expectEqual(all: readonly Region[]): void {
  const [first, ...others] = all;
  assert(first !== undefined, "a region");
  for (const other of others) {
    expect(other.state.applied).toEqual(first.state.applied);
    expect(kept(other)).toEqual(kept(first));
  }
}

describe("regions that have applied the same", () => {
  test.each([1, 2, 3])("keep and show the same: seed %i", (seed) => {
    const story = new Story(seed);
    for (let step = 0; step < STEPS; step += 1) story.step();
    // What is of an epoch to come is held until it is there.
    const newest = Math.max(...story.all.map(({ state }) => state.config?.epoch ?? 0));
    for (const region of story.all) region.configure(configAt(newest));
    exchange(story.all);
    expectEqual(story.all);
    for (const region of story.all) region.restart();
    // Other policies show other siblings, the same everywhere.
    for (const region of story.all) region.configure(configAt(EPOCH_LAST));
    expectEqual(story.all);
    for (const region of story.all) {
      story.settle(region);
      exchange(story.all);
    }
    expectEqual(story.all);
    for (const region of story.all) {
      expect(region.state.contested().filter((key) => SETTLED.has(prefixOf(key)))).toEqual([]);
    }
  });

  test.each([4, 5, 6, 7])(
    "as does one that took another's state (scenario 33): seed %i",
    (seed) => {
      const story = new Story(seed);
      for (let step = 0; step < STEPS; step += 1) story.step();
      const newest = Math.max(...story.all.map(({ state }) => state.config?.epoch ?? 0));
      for (const region of story.all) region.configure(configAt(newest));
      const [to, from, third] = story.all;
      assert(to !== undefined && from !== undefined && third !== undefined, "three regions");
      third.pull(to);
      third.pull(from);
      const before = joined(to.state.applied, from.state.applied);
      expect(bootstrap(to, from)).not.toHaveProperty("kind");
      expect(to.state.applied).toEqual(before);
      to.restart();
      to.pull(third);
      expectEqual([to, third]);
      for (const region of [to, third]) region.configure(configAt(EPOCH_LAST));
      expectEqual([to, third]);
      to.run(put("lww/a", "on"));
      third.apply(to.transaction(to.origin, countOf(to.state.applied, to.origin)));
      expectEqual([to, third]);
    },
  );
});

function prefixOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

test("a value that stands alone is kept once, in the key's version", () => {
  const [east, north] = regions(configAt(1));
  assert(east !== undefined && north !== undefined, "two regions");
  east.run(put("lww/a", "x".repeat(100)));
  north.pull(east);
  for (const region of [east, north]) {
    const [only] = region.state.recordOf("lww/a" as Key).siblings;
    expect(only?.value).toHaveLength(0);
    expect(region.get("lww/a")).toHaveLength(100);
  }
  north.run(put("lww/a", "y"));
  east.run(put("lww/a", "z"));
  exchange([east, north]);
  const { siblings } = east.state.recordOf("lww/a" as Key);
  expect(siblings.map(({ value }) => value)).toEqual([bytes("z"), bytes("y")]);
});
