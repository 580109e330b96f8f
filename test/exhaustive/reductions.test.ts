// What the search leaves out makes no difference: with each reduction and without it, in a world that is small
// enough to do without, the members are met in the same states, together.
import { describe, expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import type { NodeId } from "../../base/index.ts";
import type { Epoch } from "../../consensus/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { SMALL_WORLD } from "./bounds.ts";
import type { Bounds } from "./bounds.ts";
import type { Sight } from "./checks.ts";
import { search } from "./search.ts";
import { textOf } from "./text.ts";

/** What the checks see, in every combination of members that the search meets, by names in one order. */
function seen(bounds: Bounds): { readonly views: ReadonlySet<string>; readonly worlds: number } {
  const views = new Set<string>();
  const outcome = search(bounds, {
    onCombination: (members) => {
      views.add(firstByName(members, bounds));
    },
  });
  expect(outcome.violation).toBeUndefined();
  expect(outcome.exhausted).toBe(true);
  return { views, worlds: outcome.worlds };
}

/** The first of the texts under all names that are as good as these. */
function firstByName(members: readonly Sight[], bounds: Bounds): string {
  const inBallots = new Set(members.flatMap(ballotsOf).map(({ node }) => node));
  let first: string | undefined;
  for (const order of ordersOf(members.length)) {
    if (!keepsOrder(order, inBallots)) continue;
    for (const values of ordersOf(bounds.values)) {
      const text = textUnder(members, order, values);
      if (first === undefined || text < first) first = text;
    }
  }
  return present(first, "a text under the names as they are");
}

function ballotsOf({ facts, epoch, ballots }: Sight): readonly Epoch[] {
  const accepted = ballots.filter((ballot) => ballot !== undefined);
  return [epoch, ...accepted, ...facts.led, ...facts.committed.map((slot) => slot.in)];
}

/** All orders of so many: `order[at]` is the place that `at` gets. */
function ordersOf(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return ordersOf(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [
      ...order.slice(0, at),
      count - 1,
      ...order.slice(at),
    ]),
  );
}

/** Ballots are ordered by name, so those who have one keep their order (Paxos); a term has no name (0). */
function keepsOrder(order: readonly number[], inBallots: ReadonlySet<NodeId | 0>): boolean {
  const places = [...inBallots].filter((node) => node !== 0).sort((left, right) => left - right);
  return places.every((node, at) => {
    const [before, here] = [order[(places[at - 1] ?? 0) - 1], order[node - 1]];
    return at === 0 || (before ?? 0) < (here ?? 0);
  });
}

function textUnder(
  members: readonly Sight[],
  order: readonly number[],
  values: readonly number[],
): string {
  const placed: string[] = [];
  members.forEach((member, at) => {
    placed[order[at] ?? 0] = renamed(member, order, values);
  });
  return placed.join("\n");
}

/** By member and names: a few hundred members make all combinations. */
const texts = new WeakMap<Sight, Map<string, string>>();

function renamed(member: Sight, order: readonly number[], values: readonly number[]): string {
  const known = texts.get(member) ?? new Map<string, string>();
  texts.set(member, known);
  const names = `${order.join("")} ${values.join("")}`;
  let text = known.get(names);
  if (text === undefined) {
    text = textOf({ ...member })
      .replaceAll(/"node":([1-9])/g, (_, node: string) => `"node":${nameOf(node, order)}`)
      .replaceAll(/"([1-9])(@\d+)?"/g, (_, value: string, term = "") => {
        return `"${nameOf(value, values)}${term}"`;
      });
    known.set(names, text);
  }
  return text;
}

function nameOf(number: string, names: readonly number[]): number {
  return present(names[Number(number) - 1], "a name for each") + 1;
}

const DUE: readonly (readonly [ProtocolName, Partial<Bounds>])[] = [
  ["raft", { values: 0, crashes: 0 }],
  ["raft", { values: 1, crashes: 1, epochs: 1, campaigns: 1 }],
  ["paxos", { values: 1, crashes: 1, epochs: 1, campaigns: 1 }],
];

describe.each(DUE)("%s %j: the same members", (protocol, bounds) => {
  const reduced: Bounds = { ...SMALL_WORLD, protocol, ...bounds };
  const met = lazily(() => seen(reduced));

  test.each(["forgets", "covers", "alike"] as const)("with and without: %s", (reduction) => {
    const without = seen({ ...reduced, [reduction]: false });
    expect(met().views.size).toBeGreaterThan(50);
    expect(met().views).toEqual(without.views);
    expect(met().worlds).toBeLessThan(without.worlds);
  });
});

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
