// Regions that ask each other what they have, through whoever is between them: each is heard once, over any topology, and
// who cannot be reached is left out (federation 13).
import { describe, expect, test } from "@jest/globals";
import { assert } from "../base/index.ts";
import { originId, sequence } from "../federation/index.ts";
import type { FederationConfig, OriginId, Report, Topology } from "../federation/index.ts";
import { documentOf } from "../test/federation/document.ts";
import { RegionQuestions } from "./region-questions.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const ORIGINS = NAMES.map((_, at) => originId(at + 1));

/** Every region's leader; what is sent is answered at once, along streams that are open. */
class World {
  readonly config: FederationConfig;
  readonly regions = new Map<OriginId, RegionQuestions>();
  readonly cut = new Set<string>();
  /** Regions that are reached, and do not answer. */
  readonly mute = new Set<OriginId>();
  sent = 0;

  constructor(topology: Topology) {
    const named = NAMES.map((name) => ({ name, endpoints: [`${name}:1`] }));
    this.config = documentOf(named, { topology });
    for (const self of ORIGINS) {
      const questions: RegionQuestions = new RegionQuestions({
        self,
        config: () => this.config,
        open: () => this.#open(self),
        send: (to, message) => {
          if (message.kind !== "ask") return;
          this.sent += 1;
          const { id, of, via } = message;
          if (this.mute.has(to)) return;
          questions.onAnswer(to, id, reportOf(to));
          this.regions.get(to)?.relay(of, via, (report) => questions.onAnswer(to, id, report));
        },
      });
      this.regions.set(self, questions);
    }
  }

  #open(self: OriginId): ReadonlySet<OriginId> {
    const { topology } = this.config;
    const isNeighbour = (other: OriginId): boolean => {
      if (topology.shape === "star") return (self === 1) !== (other === 1);
      const apart = Math.abs(self - other);
      return apart === 1 || apart === NAMES.length - 1;
    };
    const open = ORIGINS.filter((other) => isNeighbour(other) && !this.cut.has(`${self}-${other}`));
    return new Set(open);
  }

  heard(by: number, wanted: Iterable<OriginId> = ORIGINS): readonly number[] {
    const heard: number[] = [];
    this.regions.get(originId(by))?.ask(wanted, ({ origin }) => heard.push(origin));
    return heard.sort((left, right) => left - right);
  }
}

function reportOf(origin: OriginId): Report {
  return { origin, epoch: 1, vector: new Map([[origin, sequence(1)]]) };
}

describe("a region that asks all", () => {
  test("hears those behind the hub of a star, each once", () => {
    const world = new World({ shape: "star", hub: "a" });
    expect(world.heard(3)).toEqual([1, 2, 4, 5]);
    expect(world.sent).toBe(4);
  });

  test("hears those across a ring, and goes around a way that is cut", () => {
    const world = new World({ shape: "ring" });
    expect(world.heard(1)).toEqual([2, 3, 4, 5]);
    world.cut.add("1-2");
    expect(world.heard(1)).toEqual([2, 3, 4, 5]);
  });

  test("asks nobody in turn where neighbours are all that it wants", () => {
    const world = new World({ shape: "ring" });
    expect(world.heard(1, [originId(2), originId(5)])).toEqual([2, 5]);
    expect(world.sent).toBe(2);
  });

  test("does not hear who cannot be reached, and whoever relays says so", () => {
    const world = new World({ shape: "star", hub: "a" });
    for (const other of [2, 4]) world.cut.add(`1-${other}`);
    expect(world.heard(3)).toEqual([1, 5]);
    const answers: (number | undefined)[] = [];
    const wanted = [originId(4), originId(5)];
    const via = [originId(3)];
    world.regions.get(originId(1))?.relay(wanted, via, (report) => answers.push(report?.origin));
    expect(answers).toEqual([5, undefined]);
  });
});

describe("a neighbour that is lost", () => {
  const wanted = [originId(2), originId(5)];
  const [a, b, e] = [originId(1), originId(2), originId(5)];

  function relayed(): { questions: RegionQuestions; answers: (number | undefined)[] } {
    const world = new World({ shape: "star", hub: "a" });
    world.mute.add(b);
    const questions = world.regions.get(a);
    assert(questions !== undefined, "the hub");
    const answers: (number | undefined)[] = [];
    questions.relay(wanted, [originId(3)], (report) => answers.push(report?.origin));
    return { questions, answers };
  }

  test("is waited for no longer by whoever relays", () => {
    const { questions, answers } = relayed();
    expect(answers).toEqual([5]);
    questions.onClosed(e);
    expect(answers).toEqual([5]);
    questions.onClosed(b);
    expect(answers).toEqual([5, undefined]);
    questions.onAnswer(b, 1, reportOf(b));
    expect(answers).toHaveLength(2);
  });

  test("is not answered for by another, and neither is who stops waited for", () => {
    const { questions, answers } = relayed();
    questions.onAnswer(e, 1, reportOf(b));
    expect(answers).toEqual([5]);
    questions.stop();
    expect(answers).toEqual([5, undefined]);
  });

  test("ends the comparison with it at once", async () => {
    const { questions } = relayed();
    const compared = questions.compare(b, { ask: "nodes", level: 0, indexes: [0] }, 60_000);
    questions.onCompared(e, 2, { answer: "records", applied: new Map(), records: [] });
    questions.onClosed(b);
    expect(await compared).toBeUndefined();
  });
});
