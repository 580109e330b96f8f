// The example programs run as their first lines say, on a cluster with a learner.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { finish } from "./child.ts";
import { Cluster, MAIN, protocolsFor } from "./cluster.ts";

const EXAMPLES = join(MAIN, "..", "..", "examples");

describe.each(protocolsFor("paxos"))("the examples over %s", (protocol) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, learners: 1, flags: ["--consensus", protocol] });
    await cluster.leader();
  });

  afterAll(async () => {
    await cluster.stop();
  });

  test.each([
    ["config-by-lease-read", [], [/currency: 'CHF', itemsMax: 12/, /ms a read, served by lease/]],
    ["exactly-once-counter", ["100"], [/^step 100: 100$/m, /^100 steps, counted 100$/m]],
    [
      "followed-configuration",
      [],
      [/^at revision \d+: \[\["examples\/limits\/connections","20"\]\]$/m],
    ],
    [
      "fenced-lock",
      [],
      [/^counted: true$/m, /^counted by the old holder: false$/m, /^refused: token N is older/m],
    ],
    [
      "leader-election",
      [],
      [
        /^leads: ada, at work$/m,
        /^ada stopped: true$/m,
        /^then: bob, with a greater token: true$/m,
      ],
    ],
    ["leased-presence", [], [/^the work stops$/m, /^lost: gone; in the registry: nothing$/m]],
    ["own-writes-from-learner", [], [/wrote shipped at revision \d+, read shipped from a learner/]],
    ["stm-transfer", [], [/^9 transfers, sum 300$/m, /^ada 100, bob 100, eve 100$/m]],
    [
      "tenant-namespace",
      [],
      [
        /^red: true, false$/m,
        /^red is told of users\/ada$/m,
        /^blue has users\/ada$/m,
        /^in the store: examples\/tenants\/blue\/users\/ada, examples\/tenants\/red\/users\/ada$/m,
      ],
    ],
  ] as const)("%s", async (name, args, expected) => {
    const script = join(EXAMPLES, `${name}.js`);
    const ended = await finish(process.execPath, [script, cluster.endpoints, ...args]);
    expect({ exit: ended.exit, stderr: ended.stderr }).toEqual({ exit: { code: 0 }, stderr: "" });
    for (const pattern of expected) expect(ended.stdout).toMatch(pattern);
  });
});
