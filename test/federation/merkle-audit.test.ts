// Regions whose state is damaged find it against each other and mend it through their logs: whole machines, with a second
// member each, compared as neighbours compare (federation 17; scenario 29, traps 5 and 6).
import { describe, expect, test } from "@jest/globals";
import { keyOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import {
  VECTOR_ZERO,
  answerOf,
  auditOf,
  covers,
  foundRecord,
  hydrated,
} from "../../federation/index.ts";
import type {
  AuditInit,
  AuditReply,
  AuditReport,
  AuditStep,
  FederationBug,
  FoundRecord,
} from "../../federation/index.ts";
import { keptOf } from "../../federation/kept-record.ts";
import { decodeRecord, encodeRecord } from "../../federation/record-codec.ts";
import { keyRowKey } from "../../federation/region-rows.ts";
import type { Host } from "../store/host.ts";
import { del, put } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, bytes, configOf, exchange } from "./region.ts";

const CONFIG = configOf(3, [policy("p/")]);
const key = (at: number): Key => `p/${at}` as Key;

function filled(count: number, planted?: FederationBug): [Region, Region, Region] {
  const all: [Region, Region, Region] = [new Region(1, planted), new Region(2), new Region(3)];
  for (const region of all) region.configure(CONFIG);
  for (let at = 0; at < count; at += 1) all[at % 2 === 0 ? 0 : 1].run(put(key(at), `value-${at}`));
  exchange(all);
  return all;
}

function members({ host, twin }: Region): readonly Host[] {
  return [host, twin];
}

/** A record that became another by a bug, its hash with it; undefined: it is gone. */
function damage(region: Region, at: Key, value: string | undefined): void {
  for (const host of members(region)) {
    host.flush();
    const rowKey = keyOf(keyRowKey(at));
    const row = host.rows.get(rowKey);
    if (row === undefined) throw new Error(`${at} has no row`);
    if (value === undefined) host.rows.delete(rowKey);
    else {
      const { siblings, kinds } = decodeRecord(at, row);
      const others = siblings.map((one) => ({ ...one, value: bytes(value) }));
      host.rows.set(rowKey, encodeRecord(keptOf(at, { siblings: others, kinds }, undefined)));
    }
    host.restart();
  }
}

/** One bit of a value turns over where it is stored, and nothing tells. */
function flip(host: Host, value: string): void {
  host.flush();
  for (const [rowKey, row] of host.rows) {
    const at = keyOf(row).indexOf(value);
    if (at < 0 || rowKey.startsWith("f")) continue;
    const flipped = row.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    host.rows.set(rowKey, flipped);
  }
  host.restart();
}

function found(region: Region, at: Key): FoundRecord {
  const { siblings, kinds, digest } = region.state.recordOf(at);
  const values = hydrated(siblings, () => bytes(region.get(at) ?? ""));
  return foundRecord(at, { siblings: values, kinds }, digest?.hash);
}

/** Keys that are not what they were hashed to. */
function scrubbed(region: Region): readonly Key[] {
  return region.state.keys().filter((at) => found(region, at).expected !== undefined);
}

function audit(
  region: Region,
  others: readonly Region[],
  more: Partial<AuditInit> = {},
): AuditReport {
  const byOrigin = new Map([region, ...others].map((one) => [one.origin, one]));
  const of = (origin: Region["origin"]): Region => {
    const one = byOrigin.get(origin);
    if (one === undefined) throw new Error(`no region ${origin}`);
    return one;
  };
  const records = (one: Region, keys: readonly Key[]): AuditReply => {
    const answer = { answer: "records", applied: one.state.applied } as const;
    return { reply: "answer", answer: { ...answer, records: keys.map((at) => found(one, at)) } };
  };
  const take = (step: AuditStep): AuditReply => {
    switch (step.step) {
      case "read":
        return records(region, step.keys);
      case "ask": {
        const { question } = step;
        if (question.ask === "records") return records(of(step.of), question.keys);
        return { reply: "answer", answer: answerOf(of(step.of).state.comparing, question) };
      }
      case "await": {
        exchange([region, of(step.of)]);
        const covered = covers(region.state.applied, step.vector);
        return { reply: "awaited", covered };
      }
      case "repair": {
        const { key: at, copy } = step;
        const { region: from, applied, record: content } = copy;
        const done = region.change({ change: "repair", key: at, from, copy: { applied, content } });
        return { reply: "repaired", why: "kind" in done ? done.message : undefined };
      }
    }
  };
  const run = auditOf({
    self: region.origin,
    mine: region.state.comparing,
    neighbours: others.map(({ origin }) => origin),
    regionCount: CONFIG.members.length,
    damaged: scrubbed(region),
    repairs: true,
    ...more,
  });
  let next = run.next({ reply: "awaited", covered: true });
  while (next.done !== true) next = run.next(take(next.value));
  return next.value;
}

function outcomes({ neighbours }: AuditReport): readonly string[] {
  return [...neighbours.values()];
}

describe("an audit", () => {
  test("of regions that are equal is one question each, whatever was deleted and purged", () => {
    const [r1, r2, r3] = filled(40);
    r1.run(del(key(4)));
    exchange([r1, r2, r3]);
    const { applied } = r2.state;
    r2.change({ change: "collect", epoch: 1, cut: applied, through: new Map(), full: false });
    expect(r2.siblings(key(4))).toEqual([]);
    const report = audit(r1, [r2, r3]);
    expect(outcomes(report)).toEqual(["equal", "equal"]);
    expect(report.findings).toEqual([]);
    for (const region of [r1, r2, r3]) region.restart();
    expect(r1.state.comparing.tree?.root).toEqual(r3.state.comparing.tree?.root);
  });

  test("finds a record that became another, and mends it with the dot it had (scenario 29)", () => {
    const [r1, r2, r3] = filled(60);
    const before = r2.siblings(key(7));
    damage(r2, key(7), "other");
    const report = audit(r2, [r1, r3]);
    expect(outcomes(report)).toEqual(["different", "different"]);
    expect(report.findings).toEqual([
      { key: key(7), against: [1, 3], outcome: "repaired", from: 1 },
    ]);
    expect([r2.get(key(7)), r2.siblings(key(7))]).toEqual(["value-7", before]);
    expect(outcomes(audit(r2, [r1, r3]))).toEqual(["equal", "equal"]);
    // A sound region keeps what it has, and says in what the other differs.
    damage(r3, key(8), "other");
    expect(audit(r1, [r2, r3]).findings).toEqual([{ key: key(8), against: [3], outcome: "kept" }]);
  });

  test("finds a bit that turned over where a value is stored, and mends every member", () => {
    const [r1, r2, r3] = filled(30);
    for (const host of members(r2)) flip(host, "value-9");
    expect(r2.get(key(9))).not.toBe("value-9");
    expect(r2.state.comparing.tree?.root).toEqual(r1.state.comparing.tree?.root);
    // Two regions are enough: what it was is known by its hash.
    const report = audit(r2, [r1]);
    expect(report.findings).toEqual([{ key: key(9), against: [], outcome: "repaired", from: 1 }]);
    expect(r2.get(key(9))).toBe("value-9");
    expect([scrubbed(r2), outcomes(audit(r2, [r1, r3]))]).toEqual([[], ["equal", "equal"]]);
  });

  test("mends a member that alone is damaged, and its region stays of one mind", () => {
    const [r1, r2] = filled(30);
    flip(r2.host, "value-11");
    expect(audit(r2, [r1]).findings).toMatchObject([{ key: key(11), outcome: "repaired" }]);
    expect(r2.host.machine.hash()).toBe(r2.twin.machine.hash());
    expect(r2.get(key(11))).toBe("value-11");
  });

  test("brings back a key that is gone here, and never deletes one that others lack (trap 6)", () => {
    const [r1, r2, r3] = filled(20);
    damage(r2, key(3), undefined);
    expect(audit(r2, [r1, r3]).findings).toMatchObject([{ key: key(3), outcome: "repaired" }]);
    expect(r2.siblings(key(3))).toEqual(r1.siblings(key(3)));
    for (const region of [r2, r3]) damage(region, key(5), undefined);
    expect(audit(r1, [r2, r3]).findings).toEqual([
      { key: key(5), against: [2, 3], outcome: "reported", why: "absent-elsewhere" },
    ]);
    expect(r1.get(key(5))).toBe("value-5");
  });

  test("would delete it without the guard (merkle-deletes)", () => {
    const [r1, r2, r3] = filled(20, "merkle-deletes");
    for (const region of [r2, r3]) damage(region, key(5), undefined);
    const [finding] = audit(r1, [r2, r3], { planted: "merkle-deletes" }).findings;
    expect([finding?.outcome, r1.get(key(5))]).toEqual(["repaired", undefined]);
  });

  test("leaves it to people where no majority tells, until they name a source", () => {
    const [r1, r2] = filled(20);
    damage(r2, key(2), "other");
    expect(audit(r2, [r1]).findings).toMatchObject([{ outcome: "reported", why: "no-majority" }]);
    const named = audit(r2, [r1], { source: r1.origin, repairs: false });
    expect(named.findings).toMatchObject([{ outcome: "reported", from: 1 }]);
    expect(audit(r2, [r1], { source: r1.origin }).findings).toMatchObject([
      { outcome: "repaired" },
    ]);
    expect(r2.get(key(2))).toBe("value-2");
  });
});

test("a repair under way keeps what was applied since its copy was made (scenario 30)", () => {
  const [r1, r2] = filled(20);
  const { content } = found(r1, key(6));
  const { applied } = r1.state;
  damage(r2, key(6), "other");
  r2.run(put(key(6), "later"));
  const repair = { change: "repair", key: key(6), from: r1.origin } as const;
  expect(r2.change({ ...repair, copy: { applied, content } })).toMatchObject({ minted: 0 });
  expect([r2.get(key(6)), r2.siblings(key(6))]).toEqual(["later", ["2:11"]]);
  r2.restart();
  r1.run(put(key(6), "latest"));
  const ahead = { applied: r1.state.applied, content: found(r1, key(6)).content };
  expect(r2.change({ ...repair, copy: ahead })).toMatchObject({
    message: "hansa: the copy has seen what is not applied here yet",
  });
  const none = { applied, content: { siblings: [], kinds: [] } };
  expect(r2.change({ ...repair, copy: none })).toMatchObject({
    message: "hansa: a repair deletes nothing, and the copy is of no key",
  });
});

test("a copy is too old for every member, though one has in memory still what was dropped since", () => {
  const [r1, r2] = filled(10);
  const { content } = found(r2, key(6));
  const { applied } = r2.state;
  r1.run(put(key(1), "later"));
  const through = r1.state.applied;
  r1.change({ change: "collect", epoch: 1, cut: VECTOR_ZERO, through, full: false });
  r1.restart();
  const copy = { applied, content };
  const answer = r1.change({ change: "repair", key: key(6), from: r2.origin, copy });
  expect(answer).toMatchObject({ message: expect.stringMatching(/too old/) as unknown });
});
