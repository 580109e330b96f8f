// What a region does with what others minted: applied once, whole and in the order of cause, and what clients see of it
// to the revision and the event (federation 4 to 6). Scenarios are those of the federation's design.
import { describe, expect, test } from "@jest/globals";
import { assert, present } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import { conflictRowKey, decodeConflict } from "../../federation/index.ts";
import type { ConflictRecord } from "../../federation/index.ts";
import { del, op, put, txn, valueIs } from "../store/requests.ts";
import { policy } from "./document.ts";
import { bytes, configOf, exchange, regions, two } from "./region.ts";
import type { Region } from "./region.ts";
import { contentOf } from "./transfer.ts";

/** A settled conflict as its row has it. */
function conflict(region: Region, number: number): ConflictRecord {
  region.host.flush();
  const [row] = region.host.load([conflictRowKey(number)]);
  return decodeConflict(present(row, "the conflict's row"));
}

describe("what others minted", () => {
  test("a conflict under lww shows the later everywhere, and its loser is recorded once settled (scenario 1)", () => {
    const [east, north] = two();
    east.run(put("f/a", "of east"));
    north.nowMs = 50;
    north.run(put("f/a", "of north"));
    exchange([east, north]);
    for (const region of [east, north]) {
      expect(region.get("f/a")).toBe("of north");
      expect(region.siblings("f/a")).toEqual(["1:1", "2:1"]);
    }
    const stable = north.state.applied;
    const keys = ["f/a" as Key];
    expect(east.change({ change: "settle", epoch: 1, stable, keys })).toMatchObject({ minted: 0 });
    expect(north.change({ change: "settle", epoch: 1, stable, keys })).toMatchObject({ minted: 1 });
    exchange([east, north]);
    for (const region of [east, north]) {
      expect(region.siblings("f/a")).toEqual(["2:1"]);
      expect(region.get("f/a")).toBe("of north");
      expect(region.state.conflicts).toMatchObject({ first: 1, next: 2 });
    }
    const [ofEast, ofNorth] = [conflict(east, 1), conflict(north, 1)];
    expect(ofNorth).toEqual(ofEast);
    expect(ofEast).toMatchObject({
      key: "f/a",
      decidedBy: "settle",
      kept: { origin: 2, sequence: 1 },
      lost: [{ dot: { origin: 1, sequence: 1 }, value: bytes("of east") }],
    });
  });

  test("what comes of a paused origin waits until it is resumed (federation 11)", () => {
    const [east, north] = two();
    east.run(put("f/a", "of east"));
    const config = present(north.state.config, "a member's document");
    north.configure({ ...config, epoch: 2, paused: [east.origin] });
    expect(north.pull(east)).toMatchObject({ applied: 0, held: 1 });
    expect(north.get("f/a")).toBeUndefined();
    north.configure({ ...config, epoch: 3 });
    expect(north.pull(east)).toMatchObject({ applied: 1, held: 0 });
    expect(north.get("f/a")).toBe("of east");
  });

  test("under siblings both stay, in equal order; a local put dominates what is shown (scenarios 2, 3)", () => {
    const [east, north] = two({ policy: "siblings" });
    east.run(put("f/a", "of east"));
    north.run(put("f/a", "of north"));
    const before = [east.revision, north.revision];
    exchange([east, north]);
    expect(east.siblings("f/a")).toEqual(north.siblings("f/a"));
    expect([east.revision, north.revision]).toEqual(before.map((revision) => revision + 1));
    const shown = east.get("f/a");
    expect(north.get("f/a")).toBe(shown);
    east.run(put("f/a", "again"));
    exchange([east, north]);
    expect(north.siblings("f/a")).toHaveLength(2);
    expect(north.get("f/a")).toBe("again");
    // Deleted is what is shown; the other is there again.
    expect(north.siblings("f/a")).toEqual(east.siblings("f/a"));
  });

  test("what depends on what is not here is held, and applied once it may (scenario 4)", () => {
    const all = regions(configOf(3, [policy("f/")]));
    const [east, north, south] = all;
    assert(east !== undefined && north !== undefined && south !== undefined, "three regions");
    east.run(put("f/a", "first"));
    north.pull(east);
    north.run(put("f/a", "second"));
    expect(south.apply(...north.shipped())).toMatchObject({ applied: 0, held: 1 });
    expect(south.get("f/a")).toBeUndefined();
    expect(south.apply(...east.shipped(), ...north.shipped())).toMatchObject({ applied: 2 });
    expect(south.get("f/a")).toBe("second");
    expect(south.siblings("f/a")).toEqual(["2:1"]);
  });

  test("duplicates and disorder change nothing, and counters are exact (scenarios 5, 12)", () => {
    const [east, north] = regions(configOf(2, [policy("f/"), policy("n/", { kind: "counter" })]));
    assert(east !== undefined && north !== undefined, "two regions");
    const asked = { kind: "counter", action: "add", amount: 1n } as const;
    const add = { change: "operate", operations: [{ key: "n/a" as Key, asked }] } as const;
    for (let at = 0; at < 10; at += 1) {
      east.run(put(`f/${at % 3}`, String(at)));
      east.change(add);
    }
    const shipped = east.shipped();
    for (let round = 0; round < 100; round += 1) {
      const first = round % shipped.length;
      const turned = [...shipped.slice(first), ...shipped.slice(0, first)];
      north.apply(...(round % 2 === 0 ? turned.reverse() : turned));
    }
    expect(north.state.applied).toEqual(east.state.applied);
    expect(contentOf(north)).toEqual(contentOf(east));
    expect(north.get("n/a")).toBe("10");
    const { revision } = north;
    expect(north.apply(...shipped, ...shipped)).toMatchObject({ applied: 0, duplicates: 40 });
    expect(north.revision).toBe(revision);
    east.run(del("f/1"));
    exchange([east, north]);
    const cut = east.state.applied;
    north.change({ change: "collect", epoch: 1, cut, through: new Map(), full: false });
    expect(north.siblings("f/1")).toEqual([]);
    north.apply(...shipped);
    expect(north.get("f/1")).toBeUndefined();
  });

  test.each([
    ["lww", undefined],
    ["add-wins", "kept"],
    ["delete-wins", undefined],
  ] as const)("a delete beside a put under %s (scenario 11)", (name, expected) => {
    const [east, north] = two({ policy: name });
    east.run(put("f/a", "old"));
    exchange([east, north]);
    east.run(put("f/a", "kept"));
    north.nowMs += 100;
    north.run(del("f/a"));
    exchange([east, north]);
    expect([east.get("f/a"), north.get("f/a")]).toEqual([expected, expected]);
  });

  test("a transaction is one revision with all its events (scenario 17)", () => {
    const [east, north] = two();
    const ops = ["f/a", "f/b", "f/c"].map((key) => op.put(key, "x"));
    east.run(txn([], ops));
    const before = north.revision;
    north.pull(east);
    expect(north.revision).toBe(before + 1);
    expect(north.events(before + 1)).toEqual(
      ["f/a", "f/b", "f/c"].map((key) => `${before + 1} put ${key} v1`),
    );
    // A loser changes nothing that is seen, and takes no revision.
    north.nowMs += 1000;
    north.run(put("f/a", "later"));
    east.run(put("f/a", "earlier"));
    const { revision } = north;
    north.pull(east);
    expect(north.revision).toBe(revision);
    expect(north.siblings("f/a")).toEqual(["1:2", "2:1"]);
    north.run(put("f/a", "all seen"));
    expect(north.siblings("f/a")).toEqual(["2:2"]);
    expect(north.mod("f/a")).toBe(revision + 1);
  });

  test("of two transactions that overlap each comes whole; which write stays is said key by key (scenario 18, trap 12)", () => {
    const [east, north] = two();
    const writes = (keys: readonly string[], value: string): ReturnType<typeof txn> =>
      txn(
        [],
        keys.map((key) => op.put(key, value)),
      );
    east.run(writes(["f/a", "f/b"], "of east"));
    north.nowMs = 50;
    north.run(writes(["f/b", "f/c"], "of north"));
    const [eastFrom, northFrom] = [east.revision + 1, north.revision + 1];
    exchange([east, north]);
    expect(east.events(eastFrom)).toEqual([`${eastFrom} put f/b v2`, `${eastFrom} put f/c v1`]);
    expect(north.events(northFrom)).toEqual([`${northFrom} put f/a v1`]);
    for (const region of [east, north]) {
      expect(["f/a", "f/b", "f/c"].map((key) => region.get(key))).toEqual([
        ...["of east", "of north", "of north"],
      ]);
      // The one that lost is kept beside it, of the same transaction as the one that is shown.
      expect(region.siblings("f/b")).toEqual(["1:1", "2:1"]);
      expect(region.siblings("f/a")).toEqual(["1:1"]);
    }
  });

  test("a compare in one region says nothing of another; what it decided is shipped (federation 3)", () => {
    const [east, north] = two();
    east.run(put("f/a", "1"));
    north.pull(east);
    east.run(txn([valueIs("f/a", "equal", "1")], [op.put("f/a", "2")]));
    north.run(put("f/a", "3"));
    exchange([east, north]);
    expect(north.siblings("f/a")).toEqual(["1:2", "2:1"]);
    expect(east.siblings("f/a")).toEqual(north.siblings("f/a"));
  });
});
