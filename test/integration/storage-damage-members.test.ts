// Damage to the logs of real members, and what starting them again comes to: brought back from each other,
// entry by entry or as a leader's whole log, with nothing lost; refused, with the way out, where nobody else
// has it (scenarios 75 to 77).
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Cluster, protocolsFor } from "../e2e/cluster.ts";
import type { MemberProcess } from "../e2e/cluster.ts";
import { until } from "../e2e/until.ts";
import { WireClient, bytes } from "../e2e/wire-client.ts";
import { statesOf } from "../e2e/workload.ts";

const KEYS = 300;
const CALL_MS_MAX = 10_000;
const MEND_MS_MAX = 30_000;

const valueOf = (key: number): string => `value-${String(key).padStart(4, "0")}-of-this-test`;

async function fill(member: MemberProcess): Promise<void> {
  const wire = new WireClient(member.endpoint);
  try {
    for (let key = 0; key < KEYS; key += 1) {
      const request = { key: bytes(`k${key}`), value: bytes(valueOf(key)) };
      await wire.put(request, CALL_MS_MAX);
    }
  } finally {
    wire.close();
  }
}

function segmentsOf(member: MemberProcess): string[] {
  const folder = join(member.dataDir, "log", "group-1");
  const names = readdirSync(folder).filter((name) => name.endsWith(".log"));
  return names.map((name) => join(folder, name));
}

/** Changes a byte of each of these entries' values, where the log holds them. */
function rot(member: MemberProcess, keys: readonly number[]): void {
  for (const path of segmentsOf(member)) {
    const content = readFileSync(path);
    for (const key of keys) {
      const at = content.indexOf(valueOf(key));
      if (at >= 0) content[at + 2] = (content[at + 2] ?? 0) ^ 0x20;
    }
    writeFileSync(path, content);
  }
}

/** Zeros from the middle of a value on, over the headers of the frames behind it. */
function swallow(member: MemberProcess, key: number): void {
  for (const path of segmentsOf(member)) {
    const content = readFileSync(path);
    const at = content.indexOf(valueOf(key));
    if (at >= 0) content.fill(0, at, at + 300);
    writeFileSync(path, content);
  }
}

describe.each(protocolsFor("paxos"))("damaged logs over %s", (protocol) => {
  let cluster: Cluster;

  afterEach(async () => {
    await cluster.stop();
  });

  async function filled(voters: number): Promise<readonly string[]> {
    cluster = await Cluster.start({ voters, flags: ["--consensus", protocol] });
    await fill(await cluster.leader());
    return statesOf(cluster);
  }

  async function restarted(): Promise<void> {
    for (const member of cluster.members) if (!member.running) member.start();
    await Promise.all(cluster.members.map((member) => member.ready()));
  }

  test("every member damaged in places of its own: all come back whole (76)", async () => {
    const [before] = await filled(3);
    for (const member of cluster.members) await member.kill();
    const keys = Array.from({ length: KEYS - 20 }, (_, key) => key);
    cluster.members.forEach((member, at) => {
      rot(
        member,
        keys.filter((key) => key % 3 === at),
      );
    });
    await restarted();
    for (const member of cluster.members) {
      expect(member.output).toMatch(/this member does not vote until it is mended/);
      expect(member.output).toMatch(/"message":"the log is mended"|the log is mended/);
    }
    const after = await statesOf(cluster);
    expect(after).toEqual([before, before, before]);
  }, 120_000);

  test("a log that lost names is a leader's anew (75)", async () => {
    const [before] = await filled(3);
    const struck = cluster.member("n2");
    await struck.kill();
    swallow(struck, 100);
    struck.start();
    await struck.ready();
    await until("the log is mended", MEND_MS_MAX, () =>
      struck.output.includes("the log is mended") ? true : undefined,
    );
    expect(struck.output).toMatch(/damaged beyond its names/);
    expect(await statesOf(cluster)).toEqual([before, before, before]);
  }, 120_000);

  test("one that nobody can mend is refused, with the way out (77)", async () => {
    await filled(1);
    const [alone] = cluster.members;
    if (alone === undefined) throw new Error("no member");
    await alone.kill();
    rot(alone, [50]);
    alone.start();
    const exit = await until("it is refused", MEND_MS_MAX, () => alone.exit);
    expect(exit).toEqual({ code: 5 });
    expect(alone.output).toMatch(/the log in .* is damaged: .* nothing was changed; .*replace/s);
  }, 60_000);

  test("one that waits for others ends when it is asked to", async () => {
    await filled(3);
    for (const member of cluster.members) await member.kill();
    const struck = cluster.member("n1");
    swallow(struck, 100);
    struck.start();
    await until("it waits", MEND_MS_MAX, () =>
      struck.output.includes("does not vote") ? true : undefined,
    );
    expect(await struck.terminate()).toEqual({ code: 0 });
  }, 60_000);
});
