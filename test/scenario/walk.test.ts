// Random walks over a cluster of bare cores of either protocol (walk.ts; scenario 27): small enough to run always.
// HANSA_TEST_WALK_SEEDS is how many.
import { describe, expect, test } from "@jest/globals";
import type { PlantedBug } from "../../base/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import { Walk } from "./walk.ts";
import type { WalkInit } from "./walk.ts";

const STEPS = 600;
const SEEDS = Number(process.env["HANSA_TEST_WALK_SEEDS"] ?? 40);

const RAFT = { protocol: "raft", create: createRaft } as const;
const PAXOS = { protocol: "paxos", create: createPaxos } as const;

/** Of all seeds together: what was applied, changed and installed, so that a walk that stands still is noticed. */
function walkAll<M extends { readonly kind: string }>(
  init: Omit<WalkInit<M>, "seed">,
): { readonly applied: number; readonly changes: number; readonly installs: number } {
  const sums = { applied: 0, changes: 0, installs: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const walk = new Walk({ ...init, seed });
    try {
      for (let at = 0; at < STEPS; at += 1) walk.step();
      walk.settle();
    } catch (cause) {
      const story = walk.cluster.takeTrace().slice(-40).join("\n");
      throw new Error(`seed ${seed}\n${story}`, { cause });
    }
    sums.applied += walk.applied;
    sums.changes += walk.restlessness.changes;
    sums.installs += walk.restlessness.installs;
  }
  return sums;
}

describe("random walks", () => {
  test("over Raft keep the properties of Raft Fig. 3 and then make progress", () => {
    expect(walkAll({ ...RAFT, restless: false }).applied).toBeGreaterThan(SEEDS);
  });

  test("over Paxos choose one value a slot and then make progress", () => {
    expect(walkAll({ ...PAXOS, restless: false }).applied).toBeGreaterThan(SEEDS);
  });

  test("over a Raft group whose members come and go keep them, too", () => {
    const { changes, installs } = walkAll({ ...RAFT, restless: true });
    expect(changes).toBeGreaterThan(SEEDS);
    expect(installs).toBeGreaterThan(SEEDS / 10);
  });

  test("over a Paxos group whose members come and go choose one value a slot, too", () => {
    const { changes, installs } = walkAll({ ...PAXOS, restless: true });
    expect(changes).toBeGreaterThan(SEEDS);
    expect(installs).toBeGreaterThan(SEEDS / 10);
  });
});

/** What they are worth: a guard that is switched off is missed. */
describe("random walks find", () => {
  test.each<PlantedBug>(["ack-before-fsync", "removed-leader-counts-itself"])(
    "%s in Raft",
    (planted) => {
      expect(() => walkAll({ ...RAFT, restless: true, planted })).toThrow(/^seed/);
    },
  );

  test.each<PlantedBug>(["quorums-do-not-intersect", "stop-sign-not-settled"])(
    "%s in Paxos",
    (planted) => {
      expect(() => walkAll({ ...PAXOS, restless: true, planted })).toThrow(/^seed/);
    },
  );
});
