// What a region's state machine does with federated keys (federation 3 to 10): minting, exactly-once apply, what clients
// see to the revision and the event, what a restart brings back. Scenarios are those of the federation's design.
import { describe, expect, test } from "@jest/globals";
import { assert, present } from "../../base/index.ts";
import type { Hlc, Key, LeaseId, WallMs } from "../../base/index.ts";
import { del, grant, op, put, revoke, txn, valueIs } from "../store/requests.ts";
import {
  chunksOf,
  conflictRowKey,
  decodeConflict,
  decodeTransaction,
  encodeConfig,
  encodeSiblingContext,
  encodeTransaction,
  linkOf,
  originId,
  sequence,
} from "../../federation/index.ts";
import { Region, bytes, configOf, exchange, hash, policy, regions } from "./region.ts";
import type { ConflictRecord, FederationConfig, Identity } from "../../federation/index.ts";

function two(rest: Parameters<typeof policy>[1] = {}): readonly [Region, Region] {
  const [east, north] = regions(configOf(2, [policy("f/", rest)]));
  assert(east !== undefined && north !== undefined, "two regions");
  return [east, north];
}

/** A settled conflict as its row has it. */
function conflict(region: Region, number: number): ConflictRecord {
  region.host.flush();
  const [row] = region.host.load([conflictRowKey(number)]);
  return decodeConflict(present(row, "the conflict's row"));
}

describe("local writes", () => {
  test("one transaction is one dot and one revision; a key of no prefix is not shipped", () => {
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

  test("a put with a lease is refused, and uses no dot (federation 15)", () => {
    const [east] = two();
    east.run(grant(9n, 60_000));
    expect(east.run(put("f/a", "1", { lease: 9n as LeaseId }))).toMatchObject({
      code: "federation-refused",
      message: expect.stringContaining("a lease is the region's own") as unknown,
    });
    expect(east.state.applied.size).toBe(0);
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
      expect(region.state.conflicts).toEqual({ first: 1, next: 2 });
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

  test("duplicates and disorder change nothing (scenarios 5, 12)", () => {
    const [east, north] = two();
    for (let at = 0; at < 10; at += 1) east.run(put(`f/${at % 3}`, String(at)));
    const shipped = east.shipped();
    for (let round = 0; round < 12; round += 1) north.apply(...[...shipped].reverse());
    expect(north.state.applied).toEqual(east.state.applied);
    const { revision } = north;
    expect(north.apply(...shipped, ...shipped)).toMatchObject({ applied: 0, duplicates: 20 });
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

  test("a transaction is one revision with all its events (scenarios 17, 18)", () => {
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

describe("configuration", () => {
  test("another policy shows what was never pruned, in a revision (trap 3, scenario 28)", () => {
    const [east, north] = two({ policy: "add-wins" });
    east.run(put("f/a", "kept"));
    exchange([east, north]);
    east.run(put("f/a", "again"));
    north.nowMs += 100;
    north.run(del("f/a"));
    exchange([east, north]);
    const next: FederationConfig = configOf(2, [policy("f/")], { epoch: 2 });
    const { revision } = east;
    east.configure(next);
    north.configure(next);
    expect([east.get("f/a"), north.get("f/a")]).toEqual([undefined, undefined]);
    expect(east.events(revision + 1)).toEqual([`${revision + 1} delete f/a v0`]);
    expect(east.configure(configOf(2, [policy("f/")], { epoch: 1 }))).toMatchObject({ applied: 0 });
    expect(east.state.config?.epoch).toBe(2);
  });

  test("what was there before is re-issued, and what comes meanwhile does not overwrite it", () => {
    const east = new Region(1);
    east.configure(configOf(2, []));
    for (const at of [1, 2, 3]) east.run(put(`f/${at}`, `of east ${at}`));
    const north = new Region(2);
    const opening = policy("f/", {
      progress: { stage: "opening", pending: ["east", "north"] as never },
    });
    const config = configOf(2, [opening], { epoch: 2 });
    north.configure(config);
    north.nowMs += 100;
    north.run(put("f/2", "of north"));
    east.configure(config);
    const { revision } = east;
    east.pull(north);
    expect(east.siblings("f/2")).toEqual(["1:1", "2:1"]);
    expect(east.change({ change: "import", prefix: "f/" as Key })).toMatchObject({ minted: 1 });
    expect(east.revision).toBe(revision + 1);
    expect(east.change({ change: "import", prefix: "f/" as Key })).toMatchObject({ minted: 0 });
    exchange([east, north]);
    for (const region of [east, north]) {
      expect([1, 2, 3].map((at) => region.get(`f/${at}`))).toEqual([
        "of east 1",
        "of north",
        "of east 3",
      ]);
    }
  });

  test("a collection of another epoch is refused; retained transactions are dropped in it", () => {
    const [east, north] = two();
    for (let at = 0; at < 5; at += 1) east.run(put("f/a", String(at)));
    exchange([east, north]);
    const cut = east.state.applied;
    const collect = { change: "collect", epoch: 1, cut, through: cut, full: true } as const;
    expect(east.change({ ...collect, epoch: 2 })).toMatchObject({ code: "federation-refused" });
    expect(east.change(collect)).toMatchObject({ more: false });
    expect(east.state.retention.bytes).toBe(0);
    expect(east.run(put("f/a", "x"))).toMatchObject({ code: "retention-full" });
    east.restart();
    expect(east.run(put("f/a", "x"))).toMatchObject({ code: "retention-full" });
    east.change({ ...collect, full: false });
    expect(east.run(put("f/a", "x"))).toMatchObject({ kind: "put" });
  });

  test("an operation on a kind is judged and shipped; a put there is refused", () => {
    const [east, north] = two({ kind: "counter" });
    expect(east.run(put("f/n", "5"))).toMatchObject({ code: "federation-refused" });
    const add = (amount: bigint): Parameters<Region["change"]>[0] => ({
      change: "operate",
      operations: [{ key: "f/n" as Key, asked: { kind: "counter", action: "add", amount } }],
    });
    east.change(add(5n));
    north.change(add(-2n));
    exchange([east, north]);
    expect([east.get("f/n"), north.get("f/n")]).toEqual(["3", "3"]);
    north.run(del("f/n"));
    exchange([east, north]);
    expect([east.get("f/n"), north.get("f/n")]).toEqual([undefined, undefined]);
    east.restart();
    east.change(add(1n));
    exchange([east, north]);
    expect(north.get("f/n")).toBe("1");
  });

  test("stamps never fall, whatever the leader's clock does (scenario 16)", () => {
    const [east] = two();
    east.run(put("f/a", "1"));
    const { hlc } = east.state;
    east.change({ change: "anchor", wallMs: 1000 as WallMs });
    east.run(put("f/a", "2"));
    expect(east.state.hlc).toBe(hlc + 1n);
  });

  test("a stamp that leaves no later one stops minting, and nothing else (trap 15)", () => {
    const [east, north] = two();
    east.run(put("f/a", "1"));
    const [honest] = east.shipped();
    const transaction = {
      ...present(honest, "a transaction").transaction,
      hlc: (2n ** 64n - 1n) as Hlc,
    };
    const chain = present(north.state.chainOf(east.origin), "the seed of its chain");
    north.apply(decodeTransaction(encodeTransaction(transaction, linkOf(chain))));
    expect(north.get("f/a")).toBe("1");
    expect(north.run(put("f/a", "2"))).toMatchObject({ code: "federation-refused" });
    expect(north.run(put("own", "2"))).toMatchObject({ kind: "put" });
    expect(north.change({ change: "anchor", wallMs: (2 ** 48 - 1) as WallMs })).toMatchObject({});
    north.restart();
  });

  test("bytes that are no change are refused", () => {
    const [east] = two();
    const garbage = { kind: "federation", body: Uint8Array.of(200, 1) } as const;
    expect(east.run(garbage)).toMatchObject({ kind: "refused", code: "invalid-argument" });
    const settings = two()[0].run({ kind: "federation", body: Uint8Array.of() });
    expect(settings).toMatchObject({ code: "invalid-argument" });
  });

  test("a transaction too large for an entry is staged in chunks and applied whole (scenario 43)", () => {
    const [east, north] = two();
    const values = Array.from({ length: 4 }, (_, at) => op.put(`f/${at}`, "v".repeat(400_000)));
    east.run(txn([], values));
    const [whole] = east.shipped();
    assert(whole !== undefined, "one transaction");
    const dot = { origin: whole.transaction.origin, sequence: whole.transaction.sequence };
    const chunks = chunksOf(dot, hash(whole.bytes), whole.bytes);
    expect(chunks.length).toBeGreaterThan(2);
    const { revision } = north;
    const first = chunks.slice(0, 2);
    for (const chunk of [...first, ...first]) north.change({ change: "stage", chunk });
    expect(north.change({ change: "apply-staged", dot })).toMatchObject({ applied: 0, held: 1 });
    north.restart();
    expect(north.change({ change: "stage", chunk: present(chunks[3], "a chunk") })).toMatchObject({
      code: "federation-refused",
    });
    for (const chunk of chunks.slice(2)) north.change({ change: "stage", chunk });
    expect(north.change({ change: "apply-staged", dot })).toMatchObject({ applied: 1 });
    expect(north.revision).toBe(revision + 1);
    expect(north.get("f/3")).toHaveLength(400_000);
    expect(north.state.staged).toBeUndefined();
    north.restart();
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

describe("guards that are taken away are missed", () => {
  test("txn-torn: a transaction is more revisions than one", () => {
    const config = configOf(2, [policy("f/")]);
    const [east] = regions(config);
    const north = new Region(2, "txn-torn");
    north.configure(config);
    assert(east !== undefined, "a region");
    east.run(txn([], [op.put("f/a", "1"), op.put("f/b", "1")]));
    const { revision } = north;
    north.pull(east);
    expect(north.revision).not.toBe(revision + 1);
  });

  test("dot-reused-after-restore: a rolled back region mints under the name that it had", () => {
    const config = configOf(2, [policy("f/")]);
    const east = new Region(1, "dot-reused-after-restore");
    east.configure(config);
    east.run(put("f/a", "1"));
    for (const host of [east.host, east.twin]) host.machine.beginAnew(0);
    east.configure({ ...config, epoch: 2 });
    expect(east.state.self?.origin).toBe(east.origin);
  });
});

describe("a state that begins another cluster (scenario 9)", () => {
  test("mints no more under its origin, whatever a document says, and does under another", () => {
    const [east, north] = two();
    east.run(put("f/a", "1"));
    east.run(put("f/a", "2"));
    exchange([east, north]);
    for (const host of [east.host, east.twin]) host.machine.beginAnew(0);
    east.restart();
    expect(east.run(put("f/a", "3"))).toMatchObject({
      code: "federation-refused",
      message: expect.stringContaining("no origin") as unknown,
    });
    const config = configOf(2, [policy("f/")], { epoch: 2 });
    east.configure(config);
    expect(east.state.self).toBeUndefined();
    expect(east.get("f/a")).toBe("2");
    const [first, ...others] = config.members;
    assert(first !== undefined, "a member");
    const again = { ...first, origin: originId(3), incarnation: "9".repeat(32) as Identity };
    const renewed = { ...config, epoch: 3, originNext: originId(4), members: [again, ...others] };
    const cut = { origin: first.origin, incarnation: first.incarnation, region: "east" };
    const closed = [{ ...cut, cut: 2, closed: 3 }];
    for (const region of [east, north]) {
      region.change({
        change: "configure",
        document: encodeConfig({ ...renewed, closed }),
        wallMs: 0 as WallMs,
        self: region === east ? originId(3) : originId(2),
      });
    }
    east.run(put("f/a", "4"));
    north.pull(east);
    expect(north.siblings("f/a")).toEqual(["3:1"]);
    expect(north.get("f/a")).toBe("4");
  });
});
