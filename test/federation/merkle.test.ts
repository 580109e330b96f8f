// Regions that compare their Merkle trees find what is damaged, and nothing else; a repair brings the record back with
// its own dots, and deletes nothing (federation 17, scenarios 29 and 30).
import { describe, expect, test } from "@jest/globals";
import type { Key } from "../../base/index.ts";
import {
  MERKLE_NODES_MAX,
  MerkleDescent,
  mayConfirm,
  suspicionOf,
} from "../../federation/merkle-comparison.ts";
import type { ComparedKey, Listing } from "../../federation/merkle-comparison.ts";
import { repairOf, repairedRecord } from "../../federation/merkle-repair.ts";
import type { RecordCopy } from "../../federation/merkle-repair.ts";
import {
  MerkleTree,
  merkleIndexOf,
  merkleLevelsFor,
  recordHash,
} from "../../federation/merkle-tree.ts";
import { Region, bytes, heal, textOf } from "./kernel-world.ts";

const key = (at: number): Key => `key-${at}` as Key;

function filled(count: number): [Region, Region, Region] {
  const all: [Region, Region, Region] = [new Region(1), new Region(2), new Region(3)];
  for (let at = 0; at < count; at += 1) all[at % 2 === 0 ? 0 : 1].put(key(at), `v${at}`, 10 + at);
  heal(all);
  return all;
}

/** A byte of the value turns over in memory or on disk; the tree was there before, and sees it when it is rebuilt. */
function damage(region: Region, at: Key, value: string | undefined): void {
  const before = region.recordOf(at);
  const siblings = before.siblings.map((one) => ({ ...one, value: bytes(value ?? "") }));
  const after = { ...before, siblings: value === undefined ? [] : siblings };
  region.records.set(at, after);
  region.tree.change(at, recordHash(at, before), recordHash(at, after));
}

interface Found {
  readonly questions: number;
  readonly leaves: readonly number[];
}

function descended(mine: MerkleTree, theirs: MerkleTree): Found {
  const descent = new MerkleDescent(mine, theirs.levels);
  let questions = 0;
  for (let asked = descent.question(); asked !== undefined; asked = descent.question()) {
    expect(asked.indexes.length).toBeLessThanOrEqual(MERKLE_NODES_MAX);
    const { level } = asked;
    expect(descent.answer(asked.indexes.map((index) => theirs.node(level, index)))).toBe(true);
    questions += 1;
  }
  return { questions, leaves: descent.differingLeaves };
}

function listing(region: Region, leaves: readonly number[]): Listing {
  const wanted = new Set(leaves);
  const keys = [...region.records].flatMap(([one, record]): ComparedKey[] => {
    if (!wanted.has(merkleIndexOf(one, region.tree.levels))) return [];
    const dots = record.siblings.map(({ dot }) => dot);
    return [{ key: one, hash: recordHash(one, record), dots }];
  });
  return { applied: new Map(region.applied), keys };
}

function copyOf(region: Region, at: Key): RecordCopy {
  return { region: region.self, record: region.recordOf(at), applied: new Map(region.applied) };
}

describe("a tree", () => {
  test("of equal records is equal, costs one question, and is what a rebuilt one is", () => {
    const [r1, r2] = filled(200);
    expect(descended(r1.tree, r2.tree)).toEqual({ questions: 1, leaves: [] });
    const rebuilt = new MerkleTree(4);
    for (const [at, record] of r1.records) rebuilt.change(at, undefined, recordHash(at, record));
    expect(rebuilt.root).toEqual(r1.tree.root);
  });

  test("has the upper levels of a wider one, so that regions of different sizes compare", () => {
    expect([merkleLevelsFor(4_000_000), merkleLevelsFor(4_000_001)]).toEqual([4, 5]);
    const [r1, r2] = filled(50);
    const wide = new MerkleTree(5);
    for (const [at, record] of r1.records) wide.change(at, undefined, recordHash(at, record));
    expect(wide.root).toEqual(r1.tree.root);
    damage(r2, key(7), "w7");
    const { leaves } = descended(wide, r2.tree);
    expect(leaves).toEqual([merkleIndexOf(key(7), 4)]);
  });

  test("does not count keys of which only a tombstone is left (trap 5)", () => {
    const [r1, r2] = filled(10);
    r1.delete(key(3), 90);
    heal([r1, r2]);
    r2.purge(new Map(r2.applied));
    expect(r2.siblings(key(3))).toEqual([]);
    expect(r1.tree.root).toEqual(r2.tree.root);
  });

  test("has no node beyond its levels, and takes no answer to another question", () => {
    const tree = new MerkleTree(4);
    expect(() => tree.node(5, 0)).toThrow("no level 5");
    expect(() => tree.node(1, 16)).toThrow("no node 16");
    expect(new MerkleDescent(tree, 4).answer([])).toBe(false);
  });
});

describe("damage", () => {
  test("scenario 29: of one value is found, confirmed, and repaired with the dot it had", () => {
    const all = filled(300);
    const [r1, r2, r3] = all;
    const before = r2.recordOf(key(42));
    damage(r2, key(42), "v43");
    const { leaves } = descended(r1.tree, r2.tree);
    expect(leaves).toEqual([merkleIndexOf(key(42), 4)]);
    const first = suspicionOf(listing(r1, leaves), listing(r2, leaves));
    expect(first.keys).toEqual([key(42)]);
    expect(mayConfirm(first, r1.applied, r2.applied)).toBe(true);
    const copies = all.map((region) => copyOf(region, key(42)));
    const repair = repairOf(key(42), r2.self, copies, { regionCount: 3 });
    if (repair.action !== "replace") throw new Error(repair.action);
    const here = { applied: r2.applied, later: r2.log };
    expect(repairedRecord(key(42), repair.from, here)).toEqual(before);
    expect(repairOf(key(42), r3.self, copies, { regionCount: 3 })).toEqual({ action: "keep" });
  });

  test("is repaired under load: what was applied behind the copy is applied to it again", () => {
    const [r1, r2] = filled(20);
    damage(r2, key(4), "w4");
    const copy = copyOf(r1, key(4));
    r2.put(key(4), "later", 200);
    const here = { applied: r2.applied, later: r2.log };
    const record = repairedRecord(key(4), copy, here);
    expect(record?.siblings.map(({ value }) => textOf(value))).toEqual(["later"]);
    r1.put(key(5), "more", 300);
    expect(repairedRecord(key(4), copyOf(r1, key(4)), here)).toBeUndefined();
  });

  test("scenario 29: a key that others lack is reported and kept (merkle-deletes, trap 6)", () => {
    const all = filled(30);
    const [r1, r2, r3] = all;
    damage(r2, key(9), undefined);
    damage(r3, key(9), undefined);
    const copies = all.map((region) => copyOf(region, key(9)));
    const options = { regionCount: 3 };
    expect(repairOf(key(9), r1.self, copies, options)).toEqual({
      action: "report",
      why: "absent-elsewhere",
    });
    const bug = { ...options, planted: "merkle-deletes" as const };
    expect(repairOf(key(9), r1.self, copies, bug).action).toBe("replace");
    const named = { ...options, source: r1.self };
    expect(repairOf(key(9), r2.self, copies, named)).toMatchObject({ action: "replace" });
  });

  test("without a majority or an answer of the named source is reported", () => {
    const [r1, r2] = filled(10);
    damage(r2, key(1), "w1");
    const copies = [r1, r2].map((region) => copyOf(region, key(1)));
    expect(repairOf(key(1), r1.self, copies, { regionCount: 2 })).toEqual({
      action: "report",
      why: "no-majority",
    });
    const named = { regionCount: 2, source: new Region(3).self };
    expect(repairOf(key(1), r1.self, copies, named)).toMatchObject({ why: "no-source" });
  });

  test("scenario 30: what is only under way is set aside, or gone at the second look", () => {
    const [r1, r2] = filled(100);
    r1.put(key(1), "under way", 200);
    r2.delete(key(2), 200);
    // A settlement leaves no dot of its own: only the second look can tell.
    r1.put(key(200), "one", 300);
    r2.put(key(200), "two", 310);
    r1.pull(r2);
    r2.pull(r1);
    r2.settle(key(200), new Map(r2.applied), 320);
    const { leaves } = descended(r1.tree, r2.tree);
    const first = suspicionOf(listing(r1, leaves), listing(r2, leaves));
    expect(first.keys).toEqual([key(200)]);
    expect(mayConfirm(first, r1.applied, r2.applied)).toBe(false);
    heal([r1, r2]);
    expect(mayConfirm(first, r1.applied, r2.applied)).toBe(true);
    expect(suspicionOf(listing(r1, leaves), listing(r2, leaves)).keys).toEqual([]);
  });
});
