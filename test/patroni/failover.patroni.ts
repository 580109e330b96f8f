// Two PostgreSQLs under Patroni on three members of Hansa, through the JSON gateway: one is elected, the other takes
// over when it is killed, and the death of Hansa's own leader changes nothing. `npm run patroni`.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Cluster, PROTOCOLS } from "../e2e/cluster.ts";
import { tick, until } from "../e2e/until.ts";
import { PatroniNode, TTL_S, missingForPatroni } from "./patroni-node.ts";

const START_MS_MAX = 120_000;
/** The dead one's lease, a turn of Patroni's loop, and PostgreSQL's own promotion. */
const FAILOVER_MS_MAX = (TTL_S + 40) * 1_000;
const WRITES = 40;
const PACE_MS = 250;

const missing = missingForPatroni();
if (missing !== undefined) throw new Error(`npm run patroni needs: ${missing}`);

describe.each(PROTOCOLS)("over %s", (protocol) => {
  let folder = "";
  let cluster: Cluster;
  let nodes: readonly PatroniNode[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "hansa-patroni-"));
    // PostgreSQL's user is another.
    chmodSync(folder, 0o755);
    cluster = await Cluster.start({ voters: 3, flags: ["--consensus", protocol] });
    const endpoints = cluster.voters.map(({ endpoint }) => endpoint);
    nodes = await Promise.all(
      ["one", "two"].map((name) => PatroniNode.plan(name, folder, endpoints)),
    );
    for (const node of nodes) node.start();
  });

  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function primary(withinMs: number): Promise<PatroniNode> {
    return until("one node is primary", withinMs, async () => {
      const running = nodes.filter((node) => node.running);
      const found = await Promise.all(running.map((node) => node.isPrimary()));
      expect(found.filter(Boolean).length).toBeLessThanOrEqual(1);
      return running[found.indexOf(true)];
    });
  }

  function other(node: PatroniNode): PatroniNode {
    const [found] = nodes.filter((each) => each !== node);
    if (found === undefined) throw new Error("there are two nodes");
    return found;
  }

  /** The other one streams from it. */
  async function replicated(leader: PatroniNode): Promise<void> {
    await until("the replica streams", START_MS_MAX, async () => {
      const { replication = [] } = (await leader.state()) ?? {};
      return replication.some(({ state }) => state === "streaming") ? true : undefined;
    });
  }

  function told(what: string, sinceMs: number): void {
    const seconds = ((performance.now() - sinceMs) / 1_000).toFixed(1);
    process.stdout.write(`patroni over ${protocol}: ${what} after ${seconds} s\n`);
  }

  test("elects a primary, and the other streams from it", async () => {
    const beganAtMs = performance.now();
    const leader = await primary(START_MS_MAX);
    await replicated(leader);
    await leader.sql("create table rows (n int primary key)");
    await leader.sql("insert into rows select generate_series(1, 1000)");
    told("a primary with a streaming replica", beganAtMs);
  });

  test("fails over when its primary is killed, and the killed one comes back as replica", async () => {
    const before = await primary(START_MS_MAX);
    await until("the replica has the rows", START_MS_MAX, async () => {
      return (await other(before).sql("select count(*) from rows")) === "1000" ? true : undefined;
    });
    const killedAtMs = performance.now();
    await before.kill();
    const after = await primary(FAILOVER_MS_MAX);
    told("another primary", killedAtMs);
    expect(after.name).toBe(other(before).name);
    expect(await after.sql("select count(*) from rows")).toBe("1000");
    await after.sql("insert into rows values (1001)");
    before.start();
    await replicated(after);
    expect(await before.isPrimary()).toBe(false);
    told("the killed one streams again", killedAtMs);
  });

  test("survives the death of Hansa's leader: writes go on under the same primary", async () => {
    const before = await primary(START_MS_MAX);
    const leader = await cluster.leader();
    await leader.kill();
    let failed = 0;
    // Over a leader's lease and longer than an election.
    for (let n = 1; n <= WRITES; n += 1) {
      await before.sql(`insert into rows values (${2_000 + n})`).catch(() => (failed += 1));
      await tick(PACE_MS);
    }
    process.stdout.write(
      `patroni over ${protocol}: ${WRITES - failed} of ${WRITES} writes went through\n`,
    );
    // What Patroni itself says of them.
    if (failed > 0) process.stdout.write(`${before.output}\n`);
    expect(failed).toBe(0);
    const after = await primary(START_MS_MAX);
    expect(after.name).toBe(before.name);
    leader.start();
    await leader.ready();
    // Its lock is renewed through the new leader: it outlives what the old one had granted.
    const untilMs = performance.now() + TTL_S * 1_000;
    while (performance.now() < untilMs) {
      expect((await primary(START_MS_MAX)).name).toBe(before.name);
      await tick(1_000);
    }
  });
});
