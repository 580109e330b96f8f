// A failing run is made small, still fails by the same check, and its one line replays it exactly.
import { describe, expect, test } from "@jest/globals";
import { parseCommand } from "./command.ts";
import type { Job } from "./fleet.ts";
import { replayOf } from "./report.ts";
import { shrink } from "./shrink.ts";
import { lessen, switchesOf } from "./shrink-swarm.ts";
import { simulate, swarmOf } from "./simulate.ts";

const SEEDS_MAX = 60;

/** A seed in which an acknowledgement that does not wait for its write does harm. */
function failingJob(): Job {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const bug = "ack-before-fsync";
    const job: Job = { protocol: "raft", seed, steps: 5000, planted: bug, profile: bug };
    if (simulate(job).violation?.check === "commit-durability") return job;
  }
  throw new Error(`ack-before-fsync escapes ${SEEDS_MAX} seeds`);
}

const job = failingJob();

/** The job that a replay line asks for. */
function replayed(line: string): Job {
  const args = line.replace("npm run sim -- ", "").split(" ");
  const { protocols, seed = 1, steps, bug, lesser } = parseCommand(args);
  const [protocol = "raft"] = protocols;
  const planted = bug === undefined ? {} : { planted: bug, profile: bug };
  return { protocol, seed, steps, ...planted, lesser };
}

describe("a shrunk run", () => {
  const whole = simulate(job);
  const shrunk = shrink(job);

  test("fails by the same check, in fewer steps, with less going wrong", () => {
    expect(whole.violation?.check).toBe("commit-durability");
    expect(shrunk?.violation.check).toBe("commit-durability");
    expect(shrunk?.steps).toBeLessThan(whole.steps);
    const drawn = switchesOf(swarmOf(job));
    const left = switchesOf(lessen(swarmOf(job), shrunk?.job.lesser ?? {}));
    expect(left.length).toBeLessThan(drawn.length);
  });

  test("is replayed by its line, step by step", () => {
    const line = replayOf(shrunk?.job ?? job);
    const again = replayed(line);
    expect(replayOf(again)).toBe(line);
    const outcome = simulate(again);
    expect(outcome.steps).toBe(shrunk?.steps);
    expect(outcome.violation?.message).toBe(shrunk?.violation.message);
    expect(outcome.hash).toBe(simulate(shrunk?.job ?? job).hash);
  });
});

test("a clean run is not shrunk", () => {
  expect(shrink({ protocol: "raft", seed: 1, steps: 500 })).toBeUndefined();
});

describe("a swarm with less in it", () => {
  const swarm = swarmOf(job);

  test("loses exactly what is named, and draws the rest as before", () => {
    const names = switchesOf(swarm);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const lesser = lessen(swarm, { without: [name] });
      const gone = names.filter((each) => !switchesOf(lesser).includes(each));
      // The reactions behind one that is gone move up, and weather's rates go with the weather.
      if (/^reaction|^weather$/.test(name)) expect(gone.length).toBeGreaterThan(0);
      else expect(gone).toEqual([name]);
      expect(lesser.options).toEqual(swarm.options);
    }
    expect(switchesOf(lessen(swarm, { without: names }))).toEqual([]);
  });

  test("refuses a name that it does not have", () => {
    expect(() => lessen(swarm, { without: ["rain"] })).toThrow(/--without rain: this seed has /);
  });

  test("has as many members and clients as asked", () => {
    const lesser = lessen(swarm, { voters: 1, learners: 0, clients: 1 });
    expect([lesser.voters, lesser.learners, lesser.workload.clients]).toEqual([1, 0, 1]);
  });
});
