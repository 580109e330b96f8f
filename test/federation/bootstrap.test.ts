// A region that takes another's state in the place of its own (federation 10, 11, traps 23, 28, 31, scenarios 33, 36):
// what it gets, what it keeps, what it is refused.
import { describe, expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import { BootstrapChunks, headPart, originId, sequence } from "../../federation/index.ts";
import type { FederationBug, FederationConfig, OriginId, Vector } from "../../federation/index.ts";
import { del, op, put, txn } from "../store/requests.ts";
import { documentOf, policy } from "./document.ts";
import { Region, hash, regions } from "./region.ts";
import { bootstrap, contentOf, cutOf, read, stage } from "./transfer.ts";

const POLICIES = [
  policy("n/", { kind: "counter" }),
  policy("s/", { policy: "siblings" }),
  policy("w/"),
];

function config(count: number, rest: Partial<FederationConfig> = {}): FederationConfig {
  const names = ["east", "north", "south", "west"].slice(0, count).map((name) => ({ name }));
  return documentOf(names, { policies: POLICIES, ...rest });
}

function three(): [Region, Region, Region] {
  const [first, second, third] = regions(config(3));
  assert(first !== undefined && second !== undefined && third !== undefined, "three regions");
  return [first, second, third];
}

function add(region: Region, key: string, amount: number): void {
  const asked = { kind: "counter", action: "add", amount: BigInt(amount) } as const;
  const answer = region.change({ change: "operate", operations: [{ key: key as Key, asked }] });
  expect(answer).not.toHaveProperty("kind", "refused");
}

/** Drops all that is retained up to what is applied, and tombstones that stand alone with it. */
function forget(region: Region, cut: Vector = region.state.applied): void {
  const epoch = region.state.config?.epoch ?? 0;
  region.change({ change: "collect", epoch, cut, through: cut, full: false });
}

/** Some of everything: values, siblings, deletes, counters, a settled conflict. */
function story(first: Region, second: Region): void {
  first.run(put("w/a", "1"));
  second.run(put("s/k", "second"));
  first.run(put("s/k", "first"));
  first.run(txn([], [op.put("w/b", "2"), op.put("w/c", "3")]));
  add(first, "n/c", 5);
  add(second, "n/c", 7);
  second.run(put("w/a", "later"));
  first.pull(second);
  second.pull(first);
  first.run(del("w/b"));
  second.change({
    change: "settle",
    epoch: 1,
    stable: second.state.applied,
    keys: second.state.contested(),
  });
  first.pull(second);
  second.pull(first);
}

describe("a newcomer", () => {
  /** The third region of an admission in epoch 2. */
  function joining(planted?: FederationBug): [Region, Region, Region, FederationConfig] {
    const [first, second] = regions(config(2));
    assert(first !== undefined && second !== undefined, "two regions");
    story(first, second);
    const members = config(3).members.map((member) =>
      member.name === "south" ? { ...member, admitted: 2, live: false } : member,
    );
    const admitted = config(3, { epoch: 2, members });
    const third = new Region(3, planted);
    third.configure(admitted);
    return [first, second, third, admitted];
  }

  test("has what its donor has, to the dot, though nothing of it is retained; and goes on from there", () => {
    const [first, second, third, admitted] = joining();
    first.configure(admitted);
    second.configure(admitted);
    forget(first);
    forget(second);
    expect(bootstrap(third, first)).toMatchObject({ own: 0 });
    expect(contentOf(third)).toEqual(contentOf(first));
    expect(third.state.applied).toEqual(first.state.applied);
    expect(third.state.hlc).toBe(first.state.hlc);
    expect(third.state.conflicts).toEqual(first.state.conflicts);
    third.restart();
    second.run(put("w/a", "on"));
    add(second, "n/c", 1);
    third.pull(second);
    first.pull(second);
    expect([third.get("w/a"), third.get("n/c")]).toEqual(["on", "13"]);
    expect(contentOf(third)).toEqual(contentOf(first));
  });

  test("takes all of it in one revision, with an event for every key that is shown", () => {
    const [first, , third, admitted] = joining();
    first.configure(admitted);
    const before = third.revision;
    bootstrap(third, first);
    expect(third.revision).toBe(before + 1);
    expect(third.events(before + 1)).toHaveLength(4);
  });

  test("is given nothing that was taken before its admission was logged: a delete that was purged would come back", () => {
    const lateFirst = (planted?: FederationBug): string | undefined => {
      const [first, second, third, admitted] = joining(planted);
      const early = read(first, cutOf(first));
      // The delete is everywhere, and purged, before either region has heard of the newcomer.
      first.run(del("w/a"));
      second.pull(first);
      forget(first);
      forget(second);
      expect(first.state.rebirth.barTo(2)).toBe("epoch 2 is not logged here yet");
      first.configure(admitted);
      second.configure(admitted);
      expect(first.state.rebirth.barTo(2)).toBeUndefined();
      stage(third, early);
      const answer = third.change(early.install);
      if ("kind" in answer) expect(answer.message).toMatch(/before epoch 2, which admitted/);
      return third.get("w/a");
    };
    expect(lateFirst()).toBeUndefined();
    expect(lateFirst("snapshot-before-marker")).toBe("later");
  });

  test("is cut off while it is given a snapshot: what is staged is there after a restart, and goes on", () => {
    const [first, , third, admitted] = joining();
    first.configure(admitted);
    for (let at = 0; at < 14; at += 1) first.run(put(`w/big-${at}`, "x".repeat(40_000)));
    const snapshot = read(first, cutOf(first));
    expect(snapshot.chunks.length).toBeGreaterThan(1);
    const [begin, ...rest] = snapshot.chunks;
    assert(begin !== undefined, "a first chunk");
    third.change({ change: "bootstrap", chunk: begin });
    third.restart();
    expect(third.change(snapshot.install)).toMatchObject({ kind: "refused" });
    stage(third, { ...snapshot, chunks: [begin, ...rest] });
    third.restart();
    expect(third.change(snapshot.install)).not.toHaveProperty("kind");
    expect(contentOf(third)).toEqual(contentOf(first));
    third.restart();
    expect(third.state.rebirth.staged).toBeUndefined();
  });
});

describe("a region that was cut off", () => {
  /** The third wrote on its own; the others went on, and retain nothing of it. */
  function cutOff(planted?: FederationBug): [Region, Region, Region] {
    const [first, second] = three();
    const third = new Region(3, planted);
    third.configure(config(3));
    story(first, second);
    third.pull(first);
    third.run(put("w/own", "before"));
    first.pull(third);
    second.pull(third);
    third.run(put("w/own", "alone"));
    third.run(put("w/a", "third"));
    add(third, "n/c", 100);
    first.run(put("w/d", "gap"));
    first.run(del("w/c"));
    second.pull(first);
    forget(first);
    forget(second);
    return [first, second, third];
  }

  test("has all of both: what it lacked, and its own that nobody else had", () => {
    const [first, second, third] = cutOff();
    bootstrap(third, first);
    expect([third.get("w/d"), third.get("w/c"), third.get("w/own")]).toEqual([
      "gap",
      undefined,
      "alone",
    ]);
    expect(third.state.applied.get(originId(3))).toBe(4);
    third.restart();
    third.run(put("w/own", "after"));
    first.apply(...third.shipped().slice(1));
    second.pull(first);
    expect(contentOf(first)).toEqual(contentOf(third));
    expect(contentOf(second)).toEqual(contentOf(third));
    expect([first.get("w/own"), first.get("n/c")]).toEqual(["after", "112"]);
  });

  test("would mint its dots again if it dropped its own suffix", () => {
    const [first, , third] = cutOff("rebootstrap-drops-own-suffix");
    bootstrap(third, first);
    expect(third.get("w/own")).toBe("before");
    third.run(put("w/x", "again"));
    expect(third.state.applied.get(originId(3))).toBe(2);
  });

  test("what its donor did while the snapshot was read is not in it, and comes after", () => {
    const [first, second, third] = cutOff();
    const cut = cutOf(first);
    first.run(put("w/a", "while"));
    first.run(del("w/d"));
    expect(cut.vector.get(originId(1))).toBeLessThan(first.state.applied.get(originId(1)) ?? 0);
    const snapshot = read(first, cut);
    stage(third, snapshot);
    third.change(snapshot.install);
    expect(third.get("w/d")).toBe("gap");
    third.pull(first);
    first.apply(...third.shipped().slice(1));
    second.pull(first);
    expect(contentOf(first)).toEqual(contentOf(third));
  });

  test("is refused what would take something back: a donor that lacks what is retained here no more", () => {
    const [first, second, third] = three();
    first.run(put("w/a", "1"));
    third.pull(first);
    third.run(put("w/b", "2"));
    forget(third);
    const answer = bootstrap(third, second);
    expect(answer).toMatchObject({ kind: "refused" });
    expect("message" in answer && answer.message).toMatch(/lacks 1:1, which is applied here/);
    expect(third.get("w/b")).toBe("2");
  });

  test("is refused its own future, another history, another federation, and chunks that are not those", () => {
    const [first, , third] = cutOff();
    const { install, chunks } = read(first, cutOf(first));
    stage(third, { install, chunks });
    const refusal = (change: typeof install): string => {
      const answer = third.change(change);
      return "message" in answer ? answer.message : "installed";
    };
    expect(refusal({ ...install, digest: install.id.map((byte) => byte ^ 1) })).toMatch(
      /not what was sent/,
    );
    expect(refusal({ ...install, count: 9 })).toMatch(/chunks are staged of 9/);
    const head = {
      federationId: config(3).federationId,
      epoch: 1,
      donor: originId(1),
      standing: 0,
      hlc: first.state.hlc,
      positions: new Map<OriginId, { sequence: ReturnType<typeof sequence>; hash: Uint8Array }>(),
    };
    const forged = (change: Partial<typeof head>): string => {
      const cutter = new BootstrapChunks(hash);
      const made = [...cutter.push(headPart({ ...head, ...change })), ...cutter.end()];
      const [only] = made;
      assert(only !== undefined, "one chunk");
      third.change({ change: "bootstrap", chunk: only });
      return refusal({ change: "install", id: only.id, count: 1, digest: cutter.digest });
    };
    const at = (origin: number, count: number): typeof head.positions =>
      new Map([[originId(origin), { sequence: sequence(count), hash: new Uint8Array(32) }]]);
    expect(forged({ federationId: "a".repeat(32) as typeof head.federationId })).toMatch(
      /federation a/,
    );
    expect(forged({ epoch: 7 })).toMatch(/epoch 7, which is not known/);
    expect(forged({ positions: at(9, 1) })).toMatch(/origin 9 is not known/);
    expect(forged({ positions: at(3, 5) })).toMatch(/3:5 of this region, which minted less/);
    expect(forged({ positions: at(3, 2) })).toMatch(/history of origin 3 is not the one/);
    third.change({ change: "unstage" });
    expect(refusal(install)).toMatch(/another one is staged/);
    third.restart();
    expect(third.get("w/own")).toBe("alone");
  });
});

describe("a region that was parted", () => {
  /** The third was closed at its first transaction, and is back as origin 4. */
  function returned(): [Region, Region, Region, FederationConfig] {
    const [first, second, third] = three();
    third.run(put("w/own", "shared"));
    first.pull(third);
    second.pull(third);
    third.run(put("w/own", "lost"));
    third.run(put("w/only", "here"));
    first.run(put("w/a", "gap"));
    second.pull(first);
    forget(first);
    forget(second);
    const old = config(3).members.find(({ origin }) => origin === 3);
    assert(old !== undefined, "the third is a member");
    const { incarnation, name } = old;
    const closed = [{ origin: originId(3), incarnation, region: name, cut: 1, closed: 2 }];
    const [fourth] = documentOf([
      { name: "south", incarnation: "4".repeat(32) as typeof incarnation },
    ]).members;
    assert(fourth !== undefined, "a member of one region");
    const members = [
      ...config(3).members.filter(({ origin }) => origin !== 3),
      { ...fourth, origin: originId(4), admitted: 3, live: false },
    ];
    const later = config(3, { epoch: 3, originNext: originId(5), members, closed });
    for (const region of [first, second]) region.configure(later);
    third.configure(later, originId(4));
    return [first, second, third, later];
  }

  test("loses what lies beyond its cut from what it shows, and keeps it to be exported (scenario 13)", () => {
    const [first, , third] = returned();
    const { rebirth } = third.state;
    expect(rebirth.strays).toEqual([{ origin: 3, cut: 1, last: 3 }]);
    expect(rebirth.standing.get(originId(3))).toBe(1);
    expect(third.change({ change: "discard", origin: originId(3), through: 3 })).toMatchObject({
      kind: "refused",
    });
    bootstrap(third, first);
    expect(rebirth.strays).toEqual([]);
    expect([third.get("w/own"), third.get("w/only"), third.get("w/a")]).toEqual([
      "shared",
      undefined,
      "gap",
    ]);
    expect(contentOf(third)).toEqual(contentOf(first));
    third.restart();
    expect(third.state.rebirth.salvage).toEqual([{ origin: 3, first: 2, last: 3 }]);
    expect(third.transaction(originId(3), 2).transaction.operations[0]?.key).toBe("w/own");
  });

  test("mints under its new origin once it is live, and drops the salvage when it is told to", () => {
    const [first, second, third, later] = returned();
    bootstrap(third, first);
    const members = later.members.map((member) => ({ ...member, live: true }));
    for (const region of [first, second, third]) region.configure({ ...later, epoch: 4, members });
    third.run(put("w/own", "anew"));
    first.pull(third);
    expect([first.get("w/own"), first.state.applied.get(originId(4))]).toEqual(["anew", 1]);
    expect(third.state.rebirth.salvage).toHaveLength(1);
    // What is within the cut stays, for other regions.
    expect(third.state.retention.firstOf(originId(3))).toBe(1);
    expect(third.change({ change: "discard", origin: originId(3), through: 2 })).toMatchObject({
      kind: "refused",
    });
    expect(third.change({ change: "discard", origin: originId(3), through: 3 })).not.toHaveProperty(
      "kind",
    );
    expect(third.state.rebirth.salvage).toEqual([]);
    expect(third.state.retention.lastOf(originId(3))).toBe(1);
    third.restart();
  });
});
