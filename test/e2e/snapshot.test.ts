// Members that need what the log no longer holds, on real processes under load: one that was away, one whose
// state was wiped, and one whose process dies while it is being sent a snapshot.
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { finish } from "./child.ts";
import { Cluster, PROTOCOLS, hansa } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const WRITERS = 16;
const FLAGS = ["--snapshot-count", "50", "--snapshot-catchup-entries", "10"];

/** Writers that go on until they are told to stop. */
class Load {
  readonly #client: Client;
  readonly #writers: Promise<void>[];
  readonly written = new Map<string, string>();
  #stopping = false;
  count = 0;

  constructor(client: Client) {
    this.#client = client;
    this.#writers = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer));
  }

  async #write(writer: number): Promise<void> {
    for (let at = 0; !this.#stopping; at += 1) {
      const key = `load/${writer}/${at % 40}`;
      await this.#client.put(key, `${at}-${"x".repeat(500)}`);
      this.written.set(key, String(at));
      this.count += 1;
    }
  }

  async wrote(more: number): Promise<void> {
    const until_ = this.count + more;
    await until(`${more} more writes`, WAIT_MS_MAX, () => this.count >= until_ || undefined);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
  }
}

describe("three voters that compact their logs early", () => {
  let cluster: Cluster;
  let client: Client;

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, flags: FLAGS });
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
  async function holdsAll(member: MemberProcess, load: Load): Promise<void> {
    const own = new Client({ endpoints: [member.endpoint], discover: false });
    try {
      const { kvs } = await own.range(
        { prefix: "load/" },
        { mode: "follower", deadlineMs: WAIT_MS_MAX },
      );
      const found = new Map(kvs.map((kv) => [kv.keyText(), kv.text().split("-")[0]]));
      for (const [key, value] of load.written) expect([key, found.get(key)]).toEqual([key, value]);
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
    const load = new Load(client);
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
    expect(generations(follower)).toEqual(["group-1.generation-1"]);
  });

  test("one whose state was wiped asks its leader, and its log and vote stay (S2)", async () => {
    const follower = await aFollower();
    const load = new Load(client);
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

  test("an operator's file is whole and says of what state it is; a damaged one is found", async () => {
    const file = join(cluster.folder, "saved");
    const saved = await cluster.hansa(["snapshot", "save", file]);
    expect(saved).toMatchObject({ exit: { code: 0 } });
    const size = statSync(file).size;
    // What `etcdctl snapshot save` asks of any server.
    expect(size % 512).toBe(32);
    const status = await hansa(["snapshot", "status", file, "-w", "json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ sizeBytes: size });
    const bytes = readFileSync(file);
    for (const at of [3, size >> 1, size - 1]) {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ 4;
      writeFileSync(`${file}.damaged`, copy);
      const refused = await hansa(["snapshot", "status", `${file}.damaged`]);
      expect(refused.exit.code).toBe(1);
      expect(refused.stderr).toContain("is damaged");
    }
  });

  test("one that is killed while it is sent a snapshot begins again (scenario 40)", async () => {
    const follower = await aFollower();
    const load = new Load(client);
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
});

describe.each(PROTOCOLS)("hansa recover over %s", (protocol) => {
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

describeWith(["etcdctl"], "etcdctl snapshot save", () => {
  test("writes our file, and finds it whole by its own rule", async () => {
    const cluster = await Cluster.start({ voters: 1 });
    try {
      const client = new Client({ endpoints: [cluster.endpoints] });
      await client.put("k", "v");
      await client.close();
      const file = join(cluster.folder, "saved");
      const args = ["snapshot", "save", file, "--endpoints", cluster.endpoints];
      expect(await finish("etcdctl", args, { env: { ETCDCTL_API: "3" } })).toMatchObject({
        exit: { code: 0 },
      });
      const status = await hansa(["snapshot", "status", file]);
      expect(status).toMatchObject({ exit: { code: 0 } });
      expect(status.stdout).toContain("rows ");
    } finally {
      await cluster.stop();
    }
  });
});
