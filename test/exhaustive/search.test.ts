// The small world in bounds that a test can wait for: every state of it keeps every promise, on both cores, and
// without a guard few inputs are found that break one. `npm run exhaust` goes through all of it.
import { describe, expect, test } from "@jest/globals";
import type { PlantedBug } from "../../base/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { DEMONSTRATIONS, SMALL_WORLD } from "./bounds.ts";
import type { Bounds } from "./bounds.ts";
import { search } from "./search.ts";

const PROTOCOLS: readonly ProtocolName[] = ["raft", "paxos"];

describe.each(PROTOCOLS)("%s: every state keeps every promise", (protocol) => {
  const worlds: readonly [string, Partial<Bounds>][] = [
    ["two epochs and a value", { values: 1, crashes: 0 }],
    ["two epochs and a crash", { values: 0, crashes: 1 }],
    ["one epoch, two values", { epochs: 1, campaigns: 1, values: 2, crashes: 0 }],
    ["one epoch, a value, a crash each", { epochs: 1, campaigns: 1, values: 1 }],
  ];
  // The first takes Paxos half a minute: `npm run exhaust` goes there.
  test.each(protocol === "paxos" ? worlds.slice(1) : worlds)("%s", (_, bounds) => {
    const outcome = search({ ...SMALL_WORLD, protocol, ...bounds });
    expect(outcome.violation).toBeUndefined();
    expect(outcome.exhausted).toBe(true);
    expect(outcome.worlds).toBeGreaterThan(500);
  });
});

test("paxos: two ballots whose members catch up", () => {
  const bounds = { ...SMALL_WORLD, catchUp: true, values: 0, crashes: 0 };
  const outcome = search({ ...bounds, protocol: "paxos" });
  expect(outcome.violation).toBeUndefined();
  expect(outcome.exhausted).toBe(true);
});

/** Those that take seconds; the others take up to minutes: `npm run exhaust -- --bug NAME`. */
const QUICK: readonly PlantedBug[] = [
  "skip-vote-persist",
  "send-before-epoch-durable",
  "ack-before-fsync",
  "quorums-do-not-intersect",
];

const due = QUICK.flatMap((bug) =>
  (DEMONSTRATIONS[bug]?.protocols ?? []).map((protocol) => [bug, protocol] as const),
);
test.each(due)("without the guard of %s a promise is broken (%s)", (planted, protocol) => {
  const shown = DEMONSTRATIONS[planted];
  const outcome = search({ ...SMALL_WORLD, ...shown?.bounds, protocol, planted });
  expect(outcome.violation?.message).toMatch(shown?.breaks ?? /^$/);
  expect(outcome.violation?.story.length).toBeGreaterThan(3);
  const guarded = search({ ...SMALL_WORLD, ...shown?.bounds, protocol, worldsMax: 5_000 });
  expect(guarded.violation).toBeUndefined();
});

test("a search that meets its bound says that it did not go through all", () => {
  const outcome = search({ ...SMALL_WORLD, protocol: "raft", worldsMax: 100 });
  expect(outcome.exhausted).toBe(false);
  expect(outcome.violation).toBeUndefined();
});

test("two searches meet the same worlds", () => {
  const bounds: Bounds = { ...SMALL_WORLD, protocol: "paxos", epochs: 1, campaigns: 1, values: 1 };
  expect(search(bounds)).toEqual(search(bounds));
});
