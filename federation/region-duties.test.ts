// Regions that do what the document asks of them carry every change of several steps to its end, without an operator.
import { expect, test } from "@jest/globals";
import { checkedKey } from "../base/index.ts";
import { changed, endpoints, founded, reports } from "../test/federation/config-history.ts";
import { identity } from "../test/federation/document.ts";
import type { FederationConfig } from "./config.ts";
import { originId, sequence, type OriginId, type Sequence } from "./dot.ts";
import { dutiesOf, type RegionDuty, type RegionFacts } from "./region-duties.ts";

const prefix = checkedKey("a/");

function facts(region: string, own: number, counts: readonly [number, number][] = []): RegionFacts {
  const applied = new Map<OriginId, Sequence>(
    counts.map(([origin, count]) => [originId(origin), sequence(count)]),
  );
  return {
    ...{ region, self: own === 0 ? undefined : originId(own), applied, reports: [] },
    chainOf: (origin) => new Uint8Array(32).fill(applied.get(origin) ?? 0),
    isToBeReplaced: false,
  };
}

const joined = changed(founded, {
  ...{ command: "join", region: "fra", incarnation: identity(3), endpoints },
});
const two = changed(joined, { command: "live", region: "fra", origin: originId(2) });
const opening = changed(two, {
  ...{ command: "policy", prefix, policy: "lww", ranks: [], ttl: "refused" },
});

const kinds = (duties: readonly RegionDuty[]): string[] =>
  duties.map((duty) => (duty.duty === "report" ? duty.report.command : duty.duty));

test("a newcomer goes live once it has what a live region had after the admission (scenario 36, trap 31)", () => {
  const applied = facts("fra", 2, [[1, 5]]);
  const report = (epoch: number, count: number) => ({
    origin: originId(1),
    epoch,
    vector: new Map([[originId(1), sequence(count)]]),
  });
  expect(dutiesOf(joined, applied)).toEqual([]);
  expect(dutiesOf(joined, { ...applied, reports: [report(1, 5)] })).toEqual([]);
  expect(dutiesOf(joined, { ...applied, reports: [report(2, 6)] })).toEqual([]);
  expect(kinds(dutiesOf(joined, { ...applied, reports: [report(2, 5)] }))).toEqual(["live"]);
  expect(dutiesOf(two, { ...applied, reports: [report(2, 5)] })).toEqual([]);
  // One that is being closed would be refused.
  const closing = changed(joined, { command: "part", regions: ["fra"] });
  expect(dutiesOf(closing, { ...applied, reports: [report(closing.epoch, 5)] })).toEqual([]);
});

test("what another newcomer reported before it was live is no measure (trap 31)", () => {
  // Three joined while one was live; the second took a state and went live, the third has nothing yet.
  const join = { command: "join", region: "iad", incarnation: identity(4), endpoints } as const;
  const both = changed(joined, join);
  const three = changed(both, { command: "live", region: "fra", origin: originId(2) });
  const third = (epoch: number): RegionFacts => ({
    ...facts("iad", 3),
    reports: [{ origin: originId(2), epoch, vector: new Map() }],
  });
  expect(three.members.find(({ name }) => name === "fra")?.liveSince).toBe(three.epoch);
  expect(dutiesOf(both, third(both.epoch))).toEqual([]);
  expect(dutiesOf(three, third(three.epoch - 1))).toEqual([]);
  expect(kinds(dutiesOf(three, third(three.epoch)))).toEqual(["live"]);
});

test("a freeze asks those that stay for what they have of the frozen origins, once", () => {
  const frozen = changed(two, { command: "part", regions: ["fra"] });
  const [duty] = dutiesOf(
    frozen,
    facts("ams", 1, [
      [1, 9],
      [2, 4],
    ]),
  );
  expect(duty).toEqual({
    duty: "report",
    report: {
      command: "frozen",
      region: "ams",
      epoch: frozen.epoch,
      applied: [[2, 4, "04".repeat(32)]],
    },
  });
  expect(dutiesOf(frozen, facts("fra", 2, [[2, 6]]))).toEqual([]);
  expect(dutiesOf(two, facts("ams", 1))).toEqual([]);
  // Another has still to report: who has does not again.
  const third = changed(
    two,
    { command: "join", region: "iad", incarnation: identity(4), endpoints },
    { command: "part", regions: ["fra"] },
  );
  const { epoch } = third;
  const told = changed(third, { command: "frozen", region: "ams", epoch, applied: [] });
  expect(dutiesOf(told, facts("ams", 1, [[2, 4]]))).toEqual([]);
  expect(kinds(dutiesOf(told, facts("iad", 3)))).toEqual(["frozen"]);
});

test("a handler that misbehaves is reported until the document has it stopped", () => {
  const [name, hash, why] = ["cart", "ab".repeat(32), "it throws"];
  const source = "function resolve() {}";
  const set = changed(two, { command: "handler", name, hash, source, runs: "on-write" });
  const stopping = { ...facts("ams", 1), stoppedHandlers: [{ name, hash, why }] };
  const report = { command: "handler-stopped", region: "ams", name, hash, why } as const;
  expect(dutiesOf(set, stopping)).toEqual([{ duty: "report", report }]);
  expect(dutiesOf(changed(set, report), stopping)).toEqual([]);
  expect(dutiesOf(two, stopping)).toEqual([]);
});

test("a region whose state is to be replaced reports nothing and is not live, unless nobody else is left", () => {
  const frozen = changed(two, { command: "part", regions: ["fra"] });
  const stray = { ...facts("ams", 1, [[2, 4]]), isToBeReplaced: true };
  expect(dutiesOf(frozen, stray)).toEqual([]);
  const sole = changed(two, {
    ...{ command: "reincarnate", region: "ams", incarnation: identity(9), soleSurvivor: true },
  });
  expect(kinds(dutiesOf(sole, stray))).toEqual(["frozen"]);
  const report = { origin: originId(1), epoch: 2, vector: new Map() };
  const newcomer = { ...facts("fra", 2), reports: [report] };
  expect(kinds(dutiesOf(joined, newcomer))).toEqual(["live"]);
  expect(dutiesOf(joined, { ...newcomer, isToBeReplaced: true })).toEqual([]);
});

test("a prefix is re-issued, then open; given up, closed, released", () => {
  expect(kinds(dutiesOf(opening, facts("ams", 1)))).toEqual(["import"]);
  expect(dutiesOf(opening, facts("fra", 0))).toEqual([]); // It does not mint yet.
  let config = opening;
  const regions = [facts("ams", 1, [[1, 3]]), facts("fra", 2, [[2, 7]])];
  const report = (duty: RegionDuty | undefined): void => {
    if (duty === undefined || duty.duty === "fence") throw new Error("nothing to report");
    config = changed(config, duty.duty === "report" ? duty.report : duty.then);
  };
  for (const region of regions) {
    report(dutiesOf(config, region)[0]);
    expect(dutiesOf(config, region)).toEqual([]);
  }
  expect(config.policies[0]?.progress.stage).toBe("open");
  expect(regions.flatMap((region) => dutiesOf(config, region))).toEqual([]);
  config = changed(config, { command: "policy-unset", prefix });
  for (const region of regions) {
    report(dutiesOf(config, region)[0]);
    expect(dutiesOf(config, region)).toEqual([]);
  }
  expect(config.policies[0]?.progress).toMatchObject({
    stage: "closed",
    cut: [
      [1, 3],
      [2, 7],
    ],
  });
  expect(
    dutiesOf(
      config,
      facts("ams", 1, [
        [1, 3],
        [2, 6],
      ]),
    ),
  ).toEqual([]);
  expect(
    kinds(
      dutiesOf(
        config,
        facts("ams", 1, [
          [1, 3],
          [2, 7],
        ]),
      ),
    ),
  ).toEqual(["release"]);
});

test("a planned move is fenced by the old home and owned by the new one, in that order (federation scenario 34)", () => {
  const homed = changed(opening, { command: "home", prefix, region: "ams", elsewhere: "forward" });
  const moving = changed(homed, { command: "home-move", prefix, to: "fra", force: false });
  const about = (config: FederationConfig, one: RegionFacts): string[] =>
    kinds(dutiesOf(config, one)).filter((kind) => kind !== "import");
  expect(about(moving, facts("ams", 1))).toEqual(["fence"]);
  expect(about(moving, facts("fra", 2))).toEqual([]);
  const fence = { origin: originId(1), sequence: sequence(8) };
  const fenced = changed(moving, { command: "home-fenced", region: "ams", prefix, fence });
  expect(about(fenced, facts("fra", 2, [[1, 7]]))).toEqual([]);
  expect(about(fenced, facts("fra", 2, [[1, 8]]))).toEqual(["home-own"]);
});

function homedOfThree(): FederationConfig {
  return changed(
    opening,
    { command: "home", prefix, region: "ams", elsewhere: "forward" },
    { command: "join", region: "iad", incarnation: identity(4), endpoints },
    { command: "live", region: "iad", origin: originId(3) },
  );
}

test("an unplanned move: everybody but the home tells once, then the region to be owns it (federation 12)", () => {
  const command = { command: "home-move", prefix, to: "fra", force: false, gathers: 2 } as const;
  let config = changed(homedOfThree(), command);
  const begun = config.epoch;
  const about = (one: RegionFacts): readonly RegionDuty[] =>
    dutiesOf(config, one).filter(({ duty }) => duty !== "import");
  expect(kinds(about(facts("ams", 1)))).toEqual(["fence"]);
  const report = { command: "home-word", region: "iad", prefix, begun, applied: 7 } as const;
  expect(about(facts("iad", 3, [[1, 7]]))).toEqual([{ duty: "report", report }]);
  config = changed(config, report);
  expect(about(facts("iad", 3, [[1, 7]]))).toEqual([]);
  const word = { ...report, region: "fra", applied: 4 };
  expect(about(facts("fra", 2, [[1, 4]]))).toEqual([{ duty: "report", report: word }]);
  config = changed(config, word);
  expect(about(facts("fra", 2, [[1, 6]]))).toEqual([]);
  const owns = { command: "home-own", region: "fra", prefix, known: 7 } as const;
  expect(about(facts("fra", 2, [[1, 7]]))).toEqual([{ duty: "report", report: owns }]);
  config = changed(config, owns);
  expect(about(facts("ams", 1))).toEqual([]);
});

test("nobody tells any more once enough have (federation 12)", () => {
  const command = { command: "home-move", prefix, to: "fra", force: false, gathers: 3 } as const;
  const moving = changed(homedOfThree(), command);
  const word = { command: "home-word", region: "iad", prefix, applied: 7 } as const;
  const about = (config: FederationConfig): string[] =>
    kinds(dutiesOf(config, facts("fra", 2, [[1, 4]]))).filter((kind) => kind !== "import");
  expect(about(moving)).toEqual(["home-word"]);
  expect(about(changed(moving, { ...word, begun: moving.epoch }))).toEqual([]);
});

test("a region that is reborn goes live once it has what is left of its origin before", () => {
  const reborn = changed(
    two,
    { command: "reincarnate", region: "fra", incarnation: identity(5), soleSurvivor: false },
    { command: "frozen", region: "ams", epoch: two.epoch + 1, applied: reports([2, 6]) },
  );
  expect(reborn.members.find(({ name }) => name === "fra")).not.toHaveProperty("liveSince");
  const vector = new Map([[originId(1), sequence(1)]]);
  const heard = [{ origin: originId(1), epoch: reborn.epoch, vector }];
  const has = (count: number): RegionFacts => ({
    ...facts("fra", 3, [
      [1, 1],
      [2, count],
    ]),
    reports: heard,
  });
  expect(dutiesOf(reborn, has(5))).toEqual([]);
  // Its log has not the document yet, and mints under the origin before.
  expect(dutiesOf(reborn, { ...has(6), self: originId(2) })).toEqual([]);
  expect(kinds(dutiesOf(reborn, has(6)))).toEqual(["live"]);
});
