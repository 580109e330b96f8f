// Two histories of one origin, as the judge tells them apart: by who has what now, whatever was there before.
import { expect, test } from "@jest/globals";
import { present } from "../../../base/index.ts";
import { originId, sequence } from "../../../federation/index.ts";
import type { Shipped } from "../../../federation/index.ts";
import { StreamRegion, configOf } from "../../federation/stream-world.ts";
import { Histories } from "./histories.ts";

const R1 = originId(1);
const config = configOf(3);

class World {
  readonly regions = [1, 2, 3].map((origin) => new StreamRegion(config, originId(origin)));
  readonly histories = new Histories(() => this.regions);

  at(origin: number): StreamRegion {
    return present(this.regions[origin - 1], "one of three");
  }

  /** r1 mints, and what nobody had before is looked at. */
  mint(amount: bigint): Shipped {
    const minted = this.at(1).mint(amount, 1_000);
    const hash = present(this.at(1).chainOf(R1), "of a member's origin");
    this.histories.onMinted({ ...minted, hash });
    this.histories.look(R1);
    return minted;
  }

  rollBack(origin: number, has: readonly Shipped[]): void {
    const region = new StreamRegion(config, originId(origin));
    // Its own come with the backup; of others it would refuse them.
    region.self = undefined;
    region.apply(has.map(({ bytes }) => bytes));
    region.self = originId(origin);
    this.histories.rollBack(() => {
      this.regions[origin - 1] = region;
    });
  }
}

/** r1 minted three, of which r2 has all; it is rolled back to the first, and mints another second. */
function forked(): { readonly world: World; readonly first: readonly Shipped[] } {
  const world = new World();
  const first = [1n, 2n, 3n].map((amount) => world.mint(amount));
  world.at(2).apply(first.map(({ bytes }) => bytes));
  world.rollBack(1, first.slice(0, 1));
  expect([...world.histories.owed]).toEqual([]);
  world.mint(7n);
  return { world, first };
}

test("two that are there at once are owed to somebody", () => {
  const { world } = forked();
  expect([...world.histories.forks]).toEqual([R1]);
  expect([...world.histories.owed]).toEqual([R1]);
});

test("of one that goes with who is rolled back nobody can learn", () => {
  const { world, first } = forked();
  world.rollBack(3, []);
  expect([...world.histories.owed]).toEqual([R1]);
  world.rollBack(2, first.slice(0, 1));
  expect([...world.histories.owed]).toEqual([]);
  expect([...world.histories.forks]).toEqual([R1]);
});

test("of one that is lost otherwise somebody is to learn still, whoever is rolled back later", () => {
  const { world } = forked();
  world.regions[1] = new StreamRegion(config, originId(2));
  world.rollBack(3, []);
  expect([...world.histories.owed]).toEqual([R1]);
});

test("what was learned is owed no more, unless who knew it is rolled back and both are there", () => {
  const { world, first } = forked();
  world.regions[1] = new StreamRegion(config, originId(2));
  world.at(3).forked.add(R1);
  world.rollBack(2, []);
  expect([...world.histories.owed]).toEqual([]);
  world.rollBack(2, first);
  expect([...world.histories.owed]).toEqual([R1]);
});

test("what was rolled back before anybody had it is no second history", () => {
  const world = new World();
  const first = world.mint(1n);
  world.mint(2n);
  world.rollBack(1, [first]);
  world.mint(7n);
  expect([...world.histories.forks]).toEqual([]);
});

test("what a region has of an origin is found in the history that it has", () => {
  const { world, first } = forked();
  const dot = { origin: R1, sequence: sequence(2) };
  expect(world.histories.of(world.at(2), dot)?.transaction).toEqual(first[1]?.transaction);
  expect(world.histories.of(world.at(1), dot)?.transaction).not.toEqual(first[1]?.transaction);
});

test("one history on top of another is a history that nobody minted", () => {
  const { world, first } = forked();
  world.mint(8n);
  const fourth = world.mint(9n);
  const blind = new StreamRegion(config, originId(2), { planted: "fork-undetected" });
  blind.apply([...first, fourth].map(({ bytes }) => bytes));
  expect(blind.applied.get(R1)).toBe(4);
  expect(world.histories.of(blind, { origin: R1, sequence: sequence(4) })).toBeUndefined();
});
