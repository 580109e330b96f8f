// Members that need what the log no longer holds, on real processes under load: one that was away, one whose
// state was wiped, and one whose process dies while it is being sent a snapshot.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { SteadyLoad } from "./steady-load.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const FLAGS = ["--snapshot-count", "50", "--snapshot-catchup-entries", "10"];

describe.each(protocolsFor("raft"))(
  "three voters over %s that compact their logs early",
  (protocol) => {
    let cluster: Cluster;
    let client: Client;

    beforeAll(async () => {
      cluster = await Cluster.start({ voters: 3, flags: [...FLAGS, "--consensus", protocol] });
      client = new Client({
        endpoints: cluster.voters.map(({ endpoint }) => endpoint),
        deadlineMs: WAIT_MS_MAX,
      });
    });

    afterAll(async () => {
      await client.close();
      await cluster.stop();
    });

    async function aFollower(): Promise<MemberProcess> {
      const leader = await cluster.leader();
      const follower = cluster.voters.find((member) => member !== leader);
      if (follower === undefined) throw new Error("three voters have a follower");
      return follower;
    }

    /** Every key that was acknowledged is on `member`, as its own state has it. */
    async function holdsAll(member: MemberProcess, load: SteadyLoad): Promise<void> {
      const own = new Client({ endpoints: [member.endpoint], discover: false });
      try {
        const { kvs } = await own.range(
          { prefix: "load/" },
          { mode: "follower", deadlineMs: WAIT_MS_MAX },
        );
        const found = new Map(kvs.map((kv) => [kv.keyText(), kv.text().split("-")[0]]));
        for (const [key, value] of load.written)
          expect([key, found.get(key)]).toEqual([key, value]);
      } finally {
        await own.close();
      }
    }

    function generations(member: MemberProcess): readonly string[] {
      return readdirSync(join(member.dataDir, "state")).sort();
    }

    async function installed(member: MemberProcess): Promise<void> {
      await until(`${member.name} installs a snapshot`, WAIT_MS_MAX, () =>
        member.output.includes("a snapshot is installed") ? true : undefined,
      );
    }

    test("a follower that was away comes back by snapshot under load (scenario 24)", async () => {
      const follower = await aFollower();
      const load = new SteadyLoad(client);
      await load.wrote(100);
      await follower.kill();
      await load.wrote(600);
      follower.start();
      await follower.ready();
      await installed(follower);
      await load.wrote(200);
      await load.stop();
      await holdsAll(follower, load);
      await until("one generation is left", WAIT_MS_MAX, () =>
        generations(follower).length === 1 ? true : undefined,
      );
      expect(generations(follower)[0]).toMatch(/^group-1\.generation-[1-9]/);
    });

    test("one whose state was wiped asks its leader, and its log and vote stay (S2)", async () => {
      const follower = await aFollower();
      const load = new SteadyLoad(client);
      await load.wrote(300);
      await follower.kill();
      rmSync(join(follower.dataDir, "state"), { recursive: true });
      follower.start();
      await follower.ready();
      expect(follower.output).toContain("the leader is asked for it");
      await installed(follower);
      await load.wrote(100);
      await load.stop();
      await holdsAll(follower, load);
    });

    test("one that is killed while it is sent a snapshot begins again (scenario 40)", async () => {
      const follower = await aFollower();
      const load = new SteadyLoad(client);
      await load.wrote(100);
      await follower.kill();
      await load.wrote(400);
      for (let time = 0; time < 3; time += 1) {
        follower.start();
        await until("a snapshot comes", WAIT_MS_MAX, () =>
          follower.output.includes("receiving a snapshot") ? true : undefined,
        );
        await follower.kill();
        await load.wrote(200);
      }
      follower.start();
      await follower.ready();
      await load.wrote(100);
      await load.stop();
      await holdsAll(follower, load);
      expect(generations(follower)).toHaveLength(1);
    });
  },
);
