// The last resort after a quorum is lost for good, on real processes.
import { describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { Cluster, hansa, protocolsFor } from "./cluster.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const FLAGS = ["--snapshot-count", "50", "--snapshot-catchup-entries", "10"];

describe.each(protocolsFor("paxos"))("hansa recover over %s", (protocol) => {
  test("makes a cluster of one from a member that lost its quorum, and says what that may cost", async () => {
    const cluster = await Cluster.start({ voters: 3, flags: [...FLAGS, "--consensus", protocol] });
    try {
      const client = new Client({ endpoints: cluster.endpoints.split(",") });
      for (let at = 0; at < 200; at += 1) await client.put(`k${at % 20}`, String(at));
      await client.close();
      const [survivor, ...others] = cluster.voters;
      if (survivor === undefined) throw new Error("a voter");
      const recover = ["recover", "--data-dir", survivor.dataDir];
      const live = await hansa([...recover, "--accept-data-loss"]);
      expect(live.exit.code).toBe(1);
      expect(live.stderr).toContain("is in use by another process");
      for (const member of cluster.voters) await member.kill();
      const looked = await hansa(recover);
      expect(looked.exit.code).toBe(1);
      expect(looked.stderr).toMatch(
        /which had 3 voters[\s\S]*DATA MAY BE LOST[\s\S]*Nothing was changed/,
      );
      const done = await hansa([...recover, "--accept-data-loss"]);
      expect(done).toMatchObject({ exit: { code: 0 } });
      expect(done.stdout).toMatch(/^cluster [0-9a-f]+ of one member/);
      survivor.start();
      await survivor.ready();
      const alone = new Client({ endpoints: [survivor.endpoint], discover: false });
      const { kvs } = await alone.range(
        { prefix: "k" },
        { mode: "quorum", deadlineMs: WAIT_MS_MAX },
      );
      expect(kvs).toHaveLength(20);
      await alone.put("after", "recovery");
      await alone.close();
      // A member of the old cluster has nothing to say to it.
      const [other] = others;
      other?.start();
      await until("the old member is refused", WAIT_MS_MAX, () =>
        /peer refused/.test(survivor.output + (other?.output ?? "")) ? true : undefined,
      );
    } finally {
      await cluster.stop();
    }
  });
});
