// Regions that drop what others lack, each at its own bound and by what it has last heard, while anything is cut off from
// anything: once all are reached again, who lacks something finds a region whose state it can take (decision 48).
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Retention, countOf, covers, originId, sequence } from "../../federation/index.ts";
import type { OriginId, Sequence, Vector } from "../../federation/index.ts";
import { configOf } from "./stream-world.ts";

/** Of which each transaction is one. */
const BYTES_MAX = 3;
const NONE: ReadonlySet<OriginId> = new Set();

class Region {
  readonly applied = new Map<OriginId, Sequence>();
  readonly retention = new Retention();
  /** What it has heard of the others. */
  readonly known = new Map<OriginId, Vector>();
  readonly self: OriginId;

  constructor(self: OriginId) {
    this.self = self;
  }

  take(origin: OriginId, at: number): void {
    this.applied.set(origin, sequence(at));
    this.retention.add(origin, sequence(at), 1);
  }

  firstOf(origin: OriginId): number {
    return this.retention.firstOf(origin) ?? countOf(this.applied, origin) + 1;
  }
}

class World {
  readonly regions: readonly Region[];
  /** What each transaction depends on, by origin and number. */
  readonly #deps = new Map<string, Vector>();
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    this.regions = Array.from({ length: count }, (_, at) => new Region(originId(at + 1)));
  }

  mint(region: Region): void {
    const at = countOf(region.applied, region.self) + 1;
    this.#deps.set(`${region.self}:${at}`, new Map(region.applied));
    region.take(region.self, at);
  }

  /** All that the other retains and may be applied; false if that was nothing. */
  pull(to: Region, from: Region): boolean {
    let any = false;
    for (let progress = true; progress;) {
      progress = false;
      for (const [origin, last] of from.applied) {
        const next = countOf(to.applied, origin) + 1;
        const deps = this.#deps.get(`${origin}:${next}`);
        if (next > last || next < from.firstOf(origin) || deps === undefined) continue;
        if (!covers(to.applied, deps)) continue;
        to.take(origin, next);
        progress = true;
        any = true;
      }
    }
    return any;
  }

  hear(to: Region, from: Region): void {
    to.known.set(from.self, new Map(from.applied));
  }

  drop({ retention, applied, self, known }: Region): void {
    const vectorOf = (origin: OriginId): Vector | undefined => known.get(origin);
    const own = { config: configOf(this.#count), self, applied, forked: NONE };
    retention.drop(retention.plan({ ...own, vectorOf, bytesMax: BYTES_MAX }).through);
  }

  /** The other's state in the place of its own, where what it has beyond that is retained; whether it is. */
  takeState(to: Region, from: Region): boolean {
    const lacks = [...from.applied].some(([origin, last]) => countOf(to.applied, origin) < last);
    const keeps = [...to.applied].every(([origin, last]) => {
      const theirs = countOf(from.applied, origin);
      return last <= theirs || to.firstOf(origin) <= theirs + 1;
    });
    if (!lacks || !keeps) return false;
    for (const [origin, last] of from.applied) {
      const own = countOf(to.applied, origin);
      if (own >= last) continue;
      to.retention.drop(new Map([[origin, sequence(last)]]));
      to.applied.set(origin, last);
    }
    return true;
  }

  get pairs(): readonly (readonly [Region, Region])[] {
    const { regions } = this;
    return regions.flatMap((to) => regions.flatMap((from) => (to === from ? [] : [[to, from]])));
  }
}

/** Two pairs of four, of which each drops what the other pair lacks; with one holder as the rule they would. */
const PAIRS: [number, number, number][] = [
  ...[0, 0, 0, 0, 0].flatMap((what): [number, number, number][] => [
    [what, 0, 0],
    [what, 2, 0],
  ]),
  ...(
    [
      [4, 1, 0],
      [4, 3, 2],
      [6, 0, 1],
      [6, 1, 0],
      [6, 2, 3],
      [6, 3, 2],
    ] as const
  ).map(([what, at, other]): [number, number, number] => [what, at, other]),
  ...[0, 1, 2, 3].map((at): [number, number, number] => [8, at, 0]),
];

test("however regions at their bound drop, in the end all have everything", () => {
  const step = fc.tuple(fc.nat(9), fc.nat(4), fc.nat(4));
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 5 }),
      fc.array(step, { maxLength: 80 }),
      (count, steps) => {
        const world = new World(count);
        for (const [what, at, other] of steps) {
          const [one, two] = [world.regions[at % count], world.regions[other % count]];
          if (one === undefined || two === undefined) continue;
          if (what < 4) world.mint(one);
          else if (what < 6) world.pull(one, two);
          else if (what < 8) world.hear(one, two);
          else world.drop(one);
        }
        // A state is taken only where nothing comes the ordinary way.
        while (
          world.pairs.filter(([to, from]) => world.pull(to, from)).length > 0 ||
          world.pairs.some(([to, from]) => world.takeState(to, from))
        );
        for (const [to, from] of world.pairs) expect(covers(to.applied, from.applied)).toBe(true);
      },
    ),
    { numRuns: 200, seed: 7, examples: [[4, PAIRS]] },
  );
});
