// Membership on real processes, by etcdctl where it is installed and by `hansa member`: 3 to 4 to 5 to 3 voters
// under a mixed load, the leader among those that leave, and nothing lost. Then what is refused, and a transfer.
import { afterEach, describe, expect, test } from "@jest/globals";
import { rmSync } from "node:fs";
import { Cluster, PROTOCOLS } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { etcdctl } from "./etcd.ts";
import { isInstalled } from "./tools.ts";
import { until } from "./until.ts";
import { WireClient } from "./wire-client.ts";
import { statesOf, workloadUnder } from "./workload.ts";

const CHANGE_MS_MAX = 20_000;
const CALL_MS_MAX = 2_000;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** The member table by `member`, linearizable; undefined while it does not answer. */
async function table(member: MemberProcess): Promise<readonly Row[] | undefined> {
  const client = new WireClient(member.endpoint);
  try {
    const { members } = await client.memberList(CALL_MS_MAX);
    return (members ?? []).map(({ ID, name, clientURLs, isLearner }) => ({
      id: BigInt(String(ID ?? 0)).toString(16),
      name: name ?? "",
      clientUrls: clientURLs ?? [],
      isLearner: isLearner ?? false,
    }));
  } catch {
    return undefined;
  } finally {
    client.close();
  }
}

/** Waits until the voters are exactly these. */
function votersAre(by: MemberProcess, names: readonly string[]): Promise<readonly Row[]> {
  return until(`${names.join(", ")} vote`, CHANGE_MS_MAX, async () => {
    const rows = await table(by);
    const voters = rows?.filter((row) => !row.isLearner).map((row) => row.name);
    return voters?.sort().join() === names.join() ? rows : undefined;
  });
}

async function idOf(by: MemberProcess, name: string): Promise<string> {
  const rows = await until("the table", CHANGE_MS_MAX, () => table(by));
  const row = rows.find((member) => member.name === name);
  if (row === undefined) throw new Error(`no member ${name} among ${JSON.stringify(rows)}`);
  return row.id;
}

describe.each(PROTOCOLS)("membership over %s", (protocol) => {
  const flags = ["--consensus", protocol];
  let cluster: Cluster;

  afterEach(async () => {
    await cluster.stop();
  });

  /** By etcdctl for the odd ones, if it is there, and by hansa for the others. */
  async function member(at: number, args: readonly string[]): Promise<string> {
    const running = cluster.members.filter((each) => each.running);
    const endpoints = running.map((each) => each.endpoint).join(",");
    const tool = at % 2 === 1 && isInstalled("etcdctl");
    const finished = tool
      ? await etcdctl(endpoints, ["member", ...args])
      : await cluster.hansa(["member", ...args], endpoints);
    expect(finished).toMatchObject({ exit: { code: 0 } });
    return finished.stdout;
  }

  test("3 to 4 to 5 to 3 voters under 64 writers, leaders that remove themselves (scenarios 46, 47)", async () => {
    cluster = await Cluster.start({ voters: 3, flags });
    const report = await workloadUnder(cluster, async (done) => {
      const [first] = cluster.members;
      if (first === undefined) throw new Error("no members");
      for (const [at, name] of ["n4", "n5"].entries()) {
        const joiner = await cluster.planJoin(name);
        const said = await member(at, ["add", name, `--peer-urls=${joiner.peerUrl}`]);
        expect(said).toContain(`ETCD_NAME="${name}"`);
        joiner.start();
        await joiner.ready();
        await votersAre(first, ["n1", "n2", "n3", "n4", "n5"].slice(0, 4 + at));
      }
      for (const at of [1, 2]) {
        const leader = await cluster.leader();
        const asked = leader === first ? "n5" : "n1";
        await member(at, ["remove", await idOf(cluster.member(asked), leader.name)]);
        await until("the removed leader ends", CHANGE_MS_MAX, () =>
          leader.running ? undefined : true,
        );
      }
      done();
    });
    process.stdout.write(`3 to 4 to 5 to 3: ${JSON.stringify(report)}\n`);
    expect(report.violations).toEqual([]);
    expect(report.operations).toBeGreaterThan(500);
    const left = cluster.members.filter((each) => each.running);
    expect(left).toHaveLength(3);
    const [state, ...others] = await statesOf(cluster);
    expect(state?.split("\n").length).toBeGreaterThan(64);
    for (const other of others) expect(other).toBe(state);
  }, 180_000);

  test("a learner is promoted; a wiped member is refused; leadership is moved (scenarios 53, 54)", async () => {
    cluster = await Cluster.start({ voters: 3, flags });
    const [first] = cluster.members;
    if (first === undefined) throw new Error("no members");
    await until("every member has published", CHANGE_MS_MAX, async () =>
      (await table(first))?.every(({ clientUrls }) => clientUrls.length === 1) ? true : undefined,
    );

    const learner = await cluster.planJoin("l1", true);
    await member(1, ["add", "l1", "--learner", `--peer-urls=${learner.peerUrl}`]);
    const another = await cluster.hansa([
      ...["member", "add", "l2", "--learner", "--peer-urls=http://127.0.0.1:1"],
    ]);
    expect(another.stderr).toContain("etcdserver: too many learner members in cluster");
    const again = await cluster.hansa([
      ...["member", "add", "l1", `--peer-urls=${learner.peerUrl}`],
    ]);
    expect(again.stderr).toContain("etcdserver: Peer URLs already exists");
    const early = (await table(first))?.find(({ isLearner }) => isLearner);
    const refused = await cluster.hansa(["member", "promote", early?.id ?? ""]);
    expect(refused.stderr).toContain("which is in sync with leader");
    learner.start();
    await learner.ready();
    await until("the learner is in sync", CHANGE_MS_MAX, async () => {
      const promoted = await cluster.hansa(["member", "promote", early?.id ?? ""]);
      return promoted.exit.code === 0 ? true : undefined;
    });
    await votersAre(first, ["l1", "n1", "n2", "n3"]);

    const wiped = cluster.member("n3");
    await wiped.kill();
    rmSync(wiped.dataDir, { recursive: true });
    wiped.start();
    const exit = await until("the wiped member is refused", CHANGE_MS_MAX, () => wiped.exit);
    expect(exit).toEqual({ code: 4 });
    expect(wiped.output).toContain("has already been bootstrapped");

    const leader = await cluster.leader();
    const target = cluster.members.find((each) => each.running && each !== leader);
    const targetId = await idOf(leader, target?.name ?? "");
    const running = cluster.members.filter((each) => each.running);
    const endpoints = running.map((each) => each.endpoint).join(",");
    const moved = await cluster.hansa(["member", "move-leader", targetId], endpoints);
    expect(moved).toMatchObject({ exit: { code: 0 } });
    expect(await cluster.leader()).toBe(target);
  }, 120_000);

  test("a leader that is asked to stop hands over first (scenario 85)", async () => {
    cluster = await Cluster.start({ voters: 3, flags });
    const leader = await cluster.leader();
    expect(await leader.terminate()).toEqual({ code: 0 });
    expect(leader.output).toContain("leadership handed over");
    expect(await cluster.leader()).not.toBe(leader);
  }, 60_000);
});
