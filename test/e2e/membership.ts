// Membership on real processes over one protocol, on one cluster whose members come and go under a mixed load
// and whose logs are compacted early, so that whoever comes needs a snapshot. Nothing acknowledged is lost.
import { renameSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Cluster } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { CHANGE_MS_MAX, Operator } from "./operator.ts";
import { until } from "./until.ts";
import { statesOf, workloadUnder } from "./workload.ts";
import type { WorkloadReport } from "./workload.ts";

const COMPACTED_EARLY = ["--snapshot-count", "200", "--snapshot-catchup-entries", "20"];
const TEST_MS_MAX = 180_000;

export function describeMembership(protocol: string): void {
  let cluster: Cluster;
  let operator: Operator;

  beforeAll(async () => {
    cluster = await Cluster.start({
      voters: 3,
      flags: ["--consensus", protocol, ...COMPACTED_EARLY],
    });
    operator = new Operator(cluster);
  }, TEST_MS_MAX);

  afterAll(async () => {
    await cluster.stop();
  });

  /** It is told to expect it, it is started, and it votes. */
  async function join(joiner: MemberProcess): Promise<void> {
    const said = await operator.member("add", joiner.name, `--peer-urls=${joiner.peerUrl}`);
    expect(said).toContain(`ETCD_NAME="${joiner.name}"`);
    joiner.start();
    await joiner.ready();
    await until(`${joiner.name} votes`, CHANGE_MS_MAX, async () =>
      (await operator.row(joiner.name)).isLearner ? undefined : true,
    );
    await installed(joiner);
  }

  async function ends(member: MemberProcess): Promise<void> {
    await until(`${member.name} ends`, CHANGE_MS_MAX, () => (member.running ? undefined : true));
  }

  /** It has no data, and the cluster knows it from before. */
  async function startsInVain(member: MemberProcess): Promise<void> {
    member.start();
    await ends(member);
    expect(member.exit).toEqual({ code: 4 });
    expect(member.output).toContain("has already been bootstrapped");
  }

  async function installed(member: MemberProcess): Promise<void> {
    await until(`${member.name} installs a snapshot`, CHANGE_MS_MAX, () =>
      member.output.includes("a snapshot is installed") ? true : undefined,
    );
  }

  async function follower(): Promise<MemberProcess> {
    const leader = await cluster.leader();
    const found = cluster.members.find((member) => member.running && member !== leader);
    if (found === undefined) throw new Error("a cluster of more than one has a follower");
    return found;
  }

  async function expectNothingLost(report: WorkloadReport): Promise<void> {
    process.stdout.write(`${protocol}: ${JSON.stringify(report)}\n`);
    expect(report.violations).toEqual([]);
    expect(report.operations).toBeGreaterThan(500);
    const [state, ...others] = await statesOf(cluster);
    expect(state?.split("\n").length).toBeGreaterThan(64);
    for (const other of others) expect(other).toBe(state);
  }

  describe(`membership over ${protocol}`, () => {
    test("a founder that has lost its data is refused, and with its data it is not (scenario 54)", async () => {
      const founder = await follower();
      await operator.published();
      await founder.kill();
      renameSync(founder.dataDir, `${founder.dataDir}.aside`);
      await startsInVain(founder);
      rmSync(founder.dataDir, { recursive: true, force: true });
      renameSync(`${founder.dataDir}.aside`, founder.dataDir);
      founder.start();
      await founder.ready();
    });

    test(
      "3 to 5 to 3 voters under 64 writers, leaders that remove themselves (scenarios 46, 47)",
      async () => {
        const report = await workloadUnder(cluster, async (done) => {
          for (const name of ["n4", "n5"]) await join(await cluster.planJoin(name));
          await operator.votersAre("n1", "n2", "n3", "n4", "n5");
          for (let left = 4; left >= 3; left -= 1) {
            const leader = await cluster.leader();
            await operator.member("remove", (await operator.row(leader.name)).id);
            await ends(leader);
            expect(leader.exit).toEqual({ code: 0 });
            expect(leader.output).toContain("this member has been removed from the cluster");
            cluster.forget(leader);
          }
          done();
        });
        expect(cluster.members.filter(({ running }) => running)).toHaveLength(3);
        await expectNothingLost(report);
      },
      TEST_MS_MAX,
    );

    test("what a change may not be is refused with the reason (scenarios 53, 54)", async () => {
      const learner = await cluster.planJoin("l1", true);
      await operator.member("add", "l1", "--learner", `--peer-urls=${learner.peerUrl}`);
      const another = await operator.refused(
        ...["add", "l2", "--learner", "--peer-urls=http://127.0.0.1:1"],
      );
      expect(another.stderr).toContain("etcdserver: too many learner members in cluster");
      const again = await operator.refused("add", "l1", `--peer-urls=${learner.peerUrl}`);
      expect(again.stderr).toContain("etcdserver: Peer URLs already exists");
      // Not started: its name is not in the table yet.
      const early = (await operator.table()).find(({ isLearner }) => isLearner);
      const promoted = await operator.refused("promote", early?.id ?? "");
      expect(promoted.stderr).toContain("which is in sync with leader");

      const leader = await cluster.leader();
      const status = await cluster.hansa(["status", "-w", "json"], leader.endpoint);
      const state = { protocol, role: "leader", voters: 3, learners: 1, changing: false };
      expect(JSON.parse(status.stdout)).toMatchObject([{ Status: { state } }]);
      const shown = await cluster.hansa(["status", "-w", "table"], leader.endpoint);
      expect(shown.stdout).toMatch(new RegExp(`PROTOCOL[^]*BUSY WITH[^]*${protocol} +\\| leader `));
    });

    test(
      "under load: a learner is promoted, a wiped follower comes back, one is removed while it is away",
      async () => {
        const report = await workloadUnder(
          cluster,
          async (done) => {
            const learner = cluster.member("l1");
            learner.start();
            await learner.ready();
            await installed(learner);
            const { id } = await operator.row("l1");
            await until("the learner is in sync", CHANGE_MS_MAX, async () =>
              (await operator.refused("promote", id)).exit.code === 0 ? true : undefined,
            );

            const old = await follower();
            await old.kill();
            rmSync(old.dataDir, { recursive: true });
            const wiped = cluster.planReturn(old);
            await startsInVain(wiped);
            await operator.member("remove", (await operator.row(wiped.name)).id);
            await join(wiped);

            const away = await follower();
            await away.kill();
            await operator.member("remove", (await operator.row(away.name)).id);
            away.start();
            await ends(away);
            expect(away.exit).toEqual({ code: 0 });
            expect(away.output).toContain("this member has been removed from the cluster");
            cluster.forget(away);
            done();
          },
          "again/",
        );
        expect(cluster.members.filter(({ running }) => running)).toHaveLength(3);
        await expectNothingLost(report);
      },
      TEST_MS_MAX,
    );

    test("leadership is moved, addresses are updated, and a leader that stops hands over (scenario 85)", async () => {
      for (let time = 0; time < 2; time += 1) {
        const target = await follower();
        const row = await operator.row(target.name);
        await operator.moveLeader(row.id);
        expect(await cluster.leader()).toBe(target);
        // One that nobody listens on is tried in vain before the good one.
        const dead = "http://127.0.0.1:1";
        for (const peerUrls of [[dead, target.peerUrl], [target.peerUrl]]) {
          await operator.member("update", row.id, `--peer-urls=${peerUrls.join(",")}`);
          expect((await operator.row(target.name)).peerUrls).toEqual(peerUrls);
        }
      }
      const leader = await cluster.leader();
      expect(await leader.terminate()).toEqual({ code: 0 });
      expect(leader.output).toContain("leadership handed over");
      expect(await cluster.leader()).not.toBe(leader);
    });
  });
}
