// What a region does with what its clients write to federated keys: one dot and one revision a transaction, refusals
// that use none, leases, contexts (federation 3, 6, 15). Scenarios are those of the federation's design.
import { describe, expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import type { Key, LeaseId } from "../../base/index.ts";
import { encodeSiblingContext, originId, sequence } from "../../federation/index.ts";
import { del, grant, op, put, revoke, txn, versionIs } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf, exchange, regions, two } from "./region.ts";

describe("local writes", () => {
  test("one transaction is one dot and one revision; a key of no prefix is not shipped (trap 29)", () => {
    const [east] = two();
    const before = east.revision;
    east.run(txn([], [op.put("f/a", "1"), op.put("own", "2"), op.put("f/b", "3")]));
    expect(east.revision).toBe(before + 1);
    expect(east.state.applied).toEqual(new Map([[east.origin, 1]]));
    const [shipped] = east.shipped();
    expect(shipped?.transaction.operations.map(({ key }) => key)).toEqual(["f/a", "f/b"]);
    east.run(put("own", "4"));
    expect(east.state.applied.get(east.origin)).toBe(1);
  });

  test("a transaction that is refused mints nothing, and the next has the dot", () => {
    const [east] = two();
    east.run(put("f/a", "1"));
    const { hlc } = east.state;
    const refused = txn([], [op.put("f/a", "2"), op.put("f/none", "", { ignoreValue: true })]);
    expect(east.run(refused)).toMatchObject({ kind: "refused", code: "key-not-found" });
    const leased = txn([], [op.del("f/a"), op.put("f/b", "", { lease: 9n as LeaseId })]);
    east.run(grant(9n, 60_000));
    expect(east.run(leased)).toMatchObject({ kind: "refused", code: "federation-refused" });
    expect(east.get("f/a")).toBe("1");
    expect(east.state.hlc).toBe(hlc);
    east.run(put("f/b", "3"));
    expect(east.state.applied.get(east.origin)).toBe(2);
    expect(east.siblings("f/a")).toEqual(["1:1"]);
  });

  test("a deleted range is shipped key by key (trap 11)", () => {
    const [east, north] = two();
    for (const key of ["f/a", "f/b", "f/c"]) east.run(put(key, key));
    north.pull(east);
    north.run(put("f/bb", "of north"));
    east.run(del("f/a", "f/c"));
    exchange([east, north]);
    expect(["f/a", "f/b", "f/bb", "f/c"].map((key) => north.get(key))).toEqual([
      undefined,
      undefined,
      "of north",
      "f/c",
    ]);
  });

  test("a put with a lease is refused, and uses no dot; on a key of no prefix it stays here (scenario 24)", () => {
    const [east, north] = two();
    east.run(grant(9n, 60_000));
    east.run(put("own", "1", { lease: 9n as LeaseId }));
    exchange([east, north]);
    expect([east.get("own"), north.get("own")]).toEqual(["1", undefined]);
    expect(east.run(put("f/a", "1", { lease: 9n as LeaseId }))).toMatchObject({
      code: "federation-refused",
      message: expect.stringContaining("a lease is the region's own") as unknown,
    });
    expect(east.state.applied.size).toBe(0);
  });

  test("a lock of etcd's recipe is refused: each region would give it to somebody (trap 14)", () => {
    for (const region of two()) {
      region.run(grant(9n, 60_000));
      const isFree = versionIs("f/lock/9", "equal", 0);
      const place = op.put("f/lock/9", "", { lease: 9n as LeaseId });
      expect(region.run(txn([isFree], [place]))).toMatchObject({ code: "federation-refused" });
      expect(region.get("f/lock/9")).toBeUndefined();
    }
  });

  test("a lease from before its key was federated still ends it, and lets go of it when it is re-issued", () => {
    const east = new Region(1);
    east.run(grant(9n, 60_000));
    for (const key of ["f/a", "f/b", "f/c", "own"]) {
      east.run(put(key, "leased", { lease: 9n as LeaseId }));
    }
    east.configure(configOf(2, [policy("f/")]));
    east.run(put("f/b", "written since"));
    east.run(put("f/c", "kept", { ignoreLease: true }));
    east.run(revoke(9n));
    expect(["f/a", "f/b", "f/c", "own"].map((key) => east.get(key))).toEqual([
      undefined,
      "written since",
      "kept",
      undefined,
    ]);
    expect(east.siblings("f/a")).toEqual(["1:3 gone"]);
    east.restart();
  });

  test("where the region may not mint, a lease still ends its keys, without a dot", () => {
    const config = configOf(2, [policy("f/")]);
    const east = new Region(1);
    east.run(grant(9n, 60_000));
    east.run(put("f/a", "leased", { lease: 9n as LeaseId }));
    const members = config.members.map((member) => ({ ...member, live: false }));
    east.configure({ ...config, members });
    east.run(revoke(9n));
    expect(east.get("f/a")).toBeUndefined();
    expect(east.state.applied.size).toBe(0);
  });

  test("a region that may not mint refuses, and says why", () => {
    const config = configOf(2, [policy("f/")]);
    const joining = config.members.map((member) => ({ ...member, live: member.name !== "north" }));
    const [, north] = regions({ ...config, members: joining });
    expect(north?.run(put("f/a", "1"))).toMatchObject({
      code: "federation-refused",
      message: expect.stringContaining("joining") as unknown,
    });
    expect(north?.run(put("own", "1"))).toMatchObject({ kind: "put" });
  });
});

describe("a write with a context", () => {
  const context = (...dots: readonly (readonly [number, number])[]): Uint8Array =>
    encodeSiblingContext(
      dots.map(([origin, at]) => ({ origin: originId(origin), sequence: sequence(at) })),
    );

  test("resolves what its client has read, and no other (scenario 3)", () => {
    const all = regions(configOf(3, [policy("f/", { policy: "siblings" })]));
    for (const region of all) region.run(put("f/a", `of ${region.origin}`));
    const [east, north, south] = all;
    assert(east !== undefined && north !== undefined && south !== undefined, "three regions");
    east.pull(north);
    east.run(put("f/a", "resolved", { siblingContext: context([1, 1], [2, 1]) }));
    expect(east.siblings("f/a")).toEqual(["1:2"]);
    exchange(all);
    for (const region of all) expect(region.siblings("f/a")).toEqual(["1:2", "3:1"]);
    // Nothing of what is there was read: all stays, the value of the lone one too.
    north.run(put("f/b", "1"));
    north.run(put("f/b", "2", { siblingContext: context() }));
    expect(north.siblings("f/b")).toEqual(["2:2", "2:3"]);
    north.run({
      kind: "delete-range",
      deleteRange: { key: "f/b" as Key, prevKv: false, siblingContext: context([2, 3]) },
    });
    expect(north.siblings("f/b")).toEqual(["2:2", "2:4 gone"]);
    exchange(all);
    for (const region of all) region.restart();
    expect(south.siblings("f/b")).toEqual(["2:2", "2:4 gone"]);
  });

  test("is refused where it omits a delete, is ahead, malformed, or of no federated key", () => {
    const [east, north] = two({ policy: "siblings" });
    const asked = (key: string, bytes: Uint8Array): object =>
      east.run(put(key, "x", { siblingContext: bytes }));
    east.run(put("f/a", "1"));
    expect(asked("f/a", context([2, 1]))).toMatchObject({ code: "federation-refused" });
    north.run(put("f/a", "2"));
    north.run(del("f/a"));
    exchange([east, north]);
    expect(asked("f/a", context([1, 1]))).toMatchObject({ code: "context-stale" });
    expect(asked("f/a", Uint8Array.of(9))).toMatchObject({ code: "invalid-argument" });
    expect(asked("own", context([1, 1]))).toMatchObject({ code: "federation-refused" });
    const ranged = { key: "f/a" as Key, end: "f/z" as Key, prevKv: false };
    expect(
      east.run({ kind: "delete-range", deleteRange: { ...ranged, siblingContext: context() } }),
    ).toMatchObject({ code: "federation-refused" });
    expect(asked("f/a", context([1, 1], [2, 2]))).toMatchObject({ kind: "put" });
    expect(east.siblings("f/a")).toEqual(["1:2"]);
  });
});
