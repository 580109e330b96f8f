// A budget of federations whose regions are consensus groups: the long runs are `npm run sim -- --federation --groups raft`
// and `--groups paxos`.
import { expect, test } from "@jest/globals";
import { parseFederation, replayOf } from "./command.ts";
import { simulateFederation } from "./simulate.ts";
import type { FederationReport } from "./simulate.ts";

function run(groups: "raft" | "paxos"): FederationReport {
  return simulateFederation({
    ...{ seed: 2, steps: 2_500, groups },
    lesser: { regions: 2, members: 3 },
  });
}

function judge({ violation, minted, acknowledged }: FederationReport): void {
  expect(violation?.message).toBeUndefined();
  expect(minted).toBeGreaterThan(15);
  expect(acknowledged).toBeGreaterThan(10);
}

test("regions that are groups of Raft keep every promise, and a seed decides all they do", () => {
  const report = run("raft");
  judge(report);
  expect(run("raft")).toEqual(report);
});

test("regions that are groups of Multi-Paxos keep every promise", () => {
  judge(run("paxos"));
});

test("the line that replays a seed names its groups", () => {
  const { job } = parseFederation(["--federation", "--groups", "paxos", "--seed", "7"]);
  expect(job).toMatchObject({ seed: 7, groups: "paxos" });
  expect(replayOf(job)).toContain("--groups paxos");
  expect(parseFederation(["--groups", "list"]).job.groups).toBeUndefined();
  expect(() => parseFederation(["--groups", "tape"])).toThrow("expected list, raft or paxos");
});
