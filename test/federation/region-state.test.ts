// What a region's state machine does with changes of the federation: documents, collections, kinds, clocks, staged
// chunks, and a state that was rolled back (federation 2, 9, 10). Scenarios are those of the federation's design.
import { describe, expect, test } from "@jest/globals";
import { assert, present } from "../../base/index.ts";
import type { Hlc, Key, WallMs } from "../../base/index.ts";
import {
  chunksOf,
  decodeTransaction,
  encodeConfig,
  encodeTransaction,
  linkOf,
  originId,
} from "../../federation/index.ts";
import type { FederationConfig, Identity } from "../../federation/index.ts";
import { del, op, put, txn } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf, exchange, hash, regions, two } from "./region.ts";

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

  test("a collection of another epoch is refused; retained transactions are dropped in it (trap 21)", () => {
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

describe("a state that begins another cluster (scenario 9, trap 1)", () => {
  test("forgets what it drew before it had a document: others may know it as its own", () => {
    const east = new Region(1);
    const incarnation = "1".repeat(32) as Identity;
    east.change({ change: "draw", incarnation });
    east.restart();
    expect(east.state.rebirth.drew(incarnation)).toBe(true);
    for (const host of [east.host, east.twin]) host.machine.beginAnew(0);
    east.restart();
    expect(east.state.rebirth.drew(incarnation)).toBe(false);
  });

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
