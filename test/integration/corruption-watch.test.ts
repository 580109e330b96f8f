// Members that are compared while they are written: equal ones never raise an alarm, one that differs is named,
// whichever of them leads.
import { describe, expect, test } from "@jest/globals";
import type { NodeId, Revision } from "../../base/index.ts";
import { KvError } from "../../base/index.ts";
import { isRefusal } from "../../store/index.ts";
import type { StateHash } from "../../store/index.ts";
import { LoneReplica } from "./lone-replica.ts";
import { compact, put } from "../store/requests.ts";
import { CorruptionWatch } from "../../server/corruption-watch.ts";

const MEMBERS = [
  [1, 0xa1n],
  [2, 0xa2n],
  [3, 0xa3n],
] as const;

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

function cluster(count = 3): LoneReplica[] {
  const members = MEMBERS.slice(0, count);
  return members.map(([node]) => new LoneReplica(node, members));
}

function hashOf(
  { host }: LoneReplica,
  question: { readonly revision: Revision; readonly compactRevision: Revision },
): StateHash | KvError {
  host.flush();
  const hashing = host.machine.hashing({ ...question, scope: "keys" });
  if (isRefusal(hashing)) return new KvError(hashing.code, "not-applied", hashing.message);
  hashing.take(host.sortedRows());
  const result = hashing.end();
  return isRefusal(result) ? new KvError(result.code, "not-applied", result.message) : result;
}

function watchAt(
  leader: LoneReplica,
  all: readonly LoneReplica[],
  silent: readonly number[] = [],
): CorruptionWatch {
  const at = (node: NodeId): LoneReplica | undefined =>
    silent.includes(node) ? undefined : all.find(({ id }) => id === node);
  return new CorruptionWatch({
    replica: leader,
    idOf: (node) => leader.idOf(node),
    askMarks: (node, done) => done(at(node)?.machine.marks),
    askHash: (node, question, done) => {
      const asked = at(node);
      const hash = asked === undefined ? undefined : hashOf(asked, question);
      done(hash instanceof KvError ? undefined : hash);
    },
    ownHash: (question, done) => done(hashOf(leader, question)),
    marksEveryMs: 1_000,
    hashEveryMs: 10_000,
    journal: SILENT,
  });
}

/** One write at each, of which one may be told another value. */
function write(all: readonly LoneReplica[], value: string, liar?: number): void {
  for (const { id, host } of all) host.run(put("k", id === liar ? "other" : value));
}

function run(watch: CorruptionWatch, leader: LoneReplica, forMs: number): void {
  const untilMs = leader.nowMs + forMs;
  while (leader.nowMs < untilMs) {
    leader.nowMs += 100;
    watch.poll();
  }
}

function alarmsOf({ machine }: LoneReplica): string[] {
  return machine.alarms.list().map(({ member, type }) => `${type} ${member.toString(16)}`);
}

describe("members that hold the same", () => {
  test("are compared by marks and hashes, and raise no alarm, though one lags and one was compacted", () => {
    const all = cluster();
    const [leader, second, third] = all;
    if (leader === undefined || second === undefined || third === undefined) throw new Error();
    const watch = watchAt(leader, all);
    for (let round = 0; round < 599; round += 1) write(all, String(round));
    third.host.flush();
    write(all, "last");
    // Entry 601 has come to the second member alone, and 600 not to a third.
    second.host.run(compact(400));
    third.host.restart();
    run(watch, leader, 25_000);
    expect(watch.counts).toMatchObject({ mismatches: 0 });
    expect(watch.counts.marksCompared).toBeGreaterThan(20);
    // Who is compacted further is compared as far as both are.
    expect(watch.counts.hashesCompared).toBeGreaterThan(0);
    expect(alarmsOf(leader)).toEqual([]);
  });
});

describe("a member that applied something else", () => {
  test.each([2, 3])("is named, member %d", (liar) => {
    const all = cluster();
    const leader = all[0];
    if (leader === undefined) throw new Error();
    const watch = watchAt(leader, all);
    write(all, "1");
    write(all, "2", liar);
    run(watch, leader, 2_000);
    expect(alarmsOf(leader)).toEqual([`corrupt a${liar}`]);
    expect(leader.submitted).toHaveLength(1);
    expect(leader.host.run(put("k", "3"))).toMatchObject({ code: "corrupt" });
    // While it stands nobody is asked.
    run(watch, leader, 20_000);
    expect(leader.submitted).toHaveLength(1);
  });

  test("is the leader itself, where the others agree", () => {
    const all = cluster();
    const leader = all[0];
    if (leader === undefined) throw new Error();
    const watch = watchAt(leader, all);
    write(all, "2", 1);
    run(watch, leader, 2_000);
    expect(alarmsOf(leader)).toEqual(["corrupt a1"]);
  });

  test("is not known where no majority answers: nobody in particular is named", () => {
    const all = cluster();
    const leader = all[0];
    if (leader === undefined) throw new Error();
    const watch = watchAt(leader, all, [3]);
    write(all, "2", 2);
    run(watch, leader, 2_000);
    expect(alarmsOf(leader)).toEqual(["corrupt 0"]);
  });
});

describe("a member whose disk holds something else", () => {
  test("is found by the hash of its keys", () => {
    const all = cluster();
    const [leader, , third] = all;
    if (leader === undefined || third === undefined) throw new Error();
    const watch = watchAt(leader, all);
    for (const value of ["1", "2", "3"]) write(all, value);
    third.host.flush();
    const harmed = [...third.host.rows].findLast(([key]) => key.startsWith("v"));
    if (harmed === undefined) throw new Error("there is a row");
    const row = harmed[1].slice();
    row[row.length - 1] = (row.at(-1) ?? 0) ^ 1;
    third.host.rows.set(harmed[0], row);
    run(watch, leader, 5_000);
    expect(alarmsOf(leader)).toEqual([]);
    run(watch, leader, 6_000);
    expect(alarmsOf(leader)).toEqual(["corrupt a3"]);
  });

  test("is not asked by a follower", () => {
    const all = cluster();
    const leader = all[0];
    if (leader === undefined) throw new Error();
    leader.isLeader = false;
    const watch = watchAt(leader, all);
    write(all, "2", 2);
    run(watch, leader, 20_000);
    expect(watch.counts).toEqual({ marksCompared: 0, hashesCompared: 0, mismatches: 0 });
  });
});
