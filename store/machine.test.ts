import { describe, expect, test } from "@jest/globals";
import { keyOf } from "../base/index.ts";
import type { LeaseId, LogIndex, Revision } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";
import { Host, entryOf } from "../test/store/host.ts";
import {
  compact,
  del,
  grant,
  op,
  put,
  rangeOf,
  text,
  txn,
  txnOf,
  valueIs,
  versionIs,
} from "../test/store/requests.ts";
import { Machine } from "./machine.ts";
import { isRefusal } from "./refusal.ts";
import { familyOf, versionOfRowKey } from "./rows.ts";
import type { RangeRequest } from "./request.ts";
import type { RangeResponse, Refusal } from "./response.ts";

const LEASE = 77n as LeaseId;
const AT = (revision: number): { revision: Revision } => ({ revision: revision as Revision });

function hostWith(...pairs: readonly (readonly [string, string])[]): Host {
  const host = new Host({ valueCacheBytesMax: 1 << 20 });
  host.run(grant(LEASE, 60_000));
  for (const [key, value] of pairs) host.run(put(key, value));
  return host;
}

/** "key=value" in answer order. */
function shown(answer: RangeResponse | Refusal): string[] {
  if (isRefusal(answer)) return [answer.code];
  return answer.kvs.map(({ key, value }) => `${key}=${text(value)}`);
}

function code(answer: object): string {
  return isRefusal(answer) ? answer.code : "not refused";
}

describe("puts", () => {
  test("the first revision is 1, the first write makes 2; versions count since creation", () => {
    const host = hostWith();
    expect(host.machine.revision).toBe(1);
    expect(host.run(put("a", "1"))).toEqual({ kind: "put", revision: 2, put: {} });
    host.run(put("a", "2"));
    host.run(del("a"));
    host.run(put("a", "3"));
    const answer = host.range(rangeOf("a"));
    expect(answer).toMatchObject({
      kvs: [{ createRevision: 5, modRevision: 5, version: 1, lease: 0n }],
      count: 1,
    });
  });

  test("prev_kv is what was there, absent when nothing was", () => {
    const host = hostWith();
    expect(host.run(put("a", "1", { prevKv: true }))).toMatchObject({ put: {} });
    expect(host.run(put("a", "2", { prevKv: true }))).toMatchObject({
      put: { prevKv: { key: "a", modRevision: 2, version: 1 } },
    });
  });

  test("ignore_value and ignore_lease keep what was there, and need it to be there", () => {
    const host = hostWith();
    expect(code(host.run(put("a", "", { ignoreValue: true })))).toBe("key-not-found");
    expect(code(host.run(put("a", "", { ignoreLease: true })))).toBe("key-not-found");
    host.run(put("a", "1", { lease: LEASE }));
    host.run(put("a", "2", { ignoreLease: true }));
    host.run(put("a", "", { ignoreValue: true, lease: LEASE }));
    expect(host.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 3, lease: 77n }] });
    expect(shown(host.range(rangeOf("a")))).toEqual(["a=2"]);
    host.run(put("a", "", { ignoreValue: true }));
    expect(host.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 4, lease: 0n }] });
  });

  test("a lease that does not exist refuses the put, and nothing changes", () => {
    const host = hostWith(["a", "1"]);
    const hash = host.machine.hash();
    const answer = host.run(put("a", "2", { lease: 5n as LeaseId }));
    expect(answer).toEqual({
      kind: "refused",
      code: "lease-not-found",
      message: "etcdserver: requested lease not found",
      revision: 2,
    });
    expect(host.machine.hash()).toBe(hash);
  });
});

describe("deletes", () => {
  test("of nothing change nothing, the revision included", () => {
    const host = hostWith(["a", "1"]);
    expect(host.run(del("b"))).toEqual({
      kind: "delete-range",
      revision: 2,
      deleteRange: { deleted: 0, prevKvs: [] },
    });
  });

  test("of a range are one revision, in key order", () => {
    const host = hostWith(["a", "1"], ["b", "2"], ["c", "3"]);
    const answer = host.run(del("a", "c", true));
    expect(answer).toMatchObject({ revision: 5, deleteRange: { deleted: 2 } });
    expect(answer).toMatchObject({ deleteRange: { prevKvs: [{ key: "a" }, { key: "b" }] } });
    expect(shown(host.range(rangeOf("a", { until: "\0" })))).toEqual(["c=3"]);
    expect(shown(host.range(rangeOf("a", { until: "\0", ...AT(4) })))).toEqual([
      "a=1",
      "b=2",
      "c=3",
    ]);
  });
});

describe("ranges", () => {
  const host = hostWith(["a", "3"], ["b", "1"], ["b/1", "2"], ["c", "2"], ["b", "9"]);
  const all = (rest: Partial<RangeRequest>): string[] =>
    shown(host.range(rangeOf("\0", { until: "\0", ...rest })));

  test("one key, a span, from a key on, everything, nothing", () => {
    expect(shown(host.range(rangeOf("b")))).toEqual(["b=9"]);
    expect(shown(host.range(rangeOf("b", { until: "c" })))).toEqual(["b=9", "b/1=2"]);
    expect(shown(host.range(rangeOf("b/", { until: "\0" })))).toEqual(["b/1=2", "c=2"]);
    expect(all({})).toEqual(["a=3", "b=9", "b/1=2", "c=2"]);
    expect(host.range(rangeOf("c", { until: "a" }))).toEqual({ kvs: [], more: false, count: 0 });
  });

  test("a limit cuts and says more; count is of everything", () => {
    const answer = host.range(rangeOf("\0", { until: "\0", limit: 2 }));
    expect(answer).toMatchObject({ more: true, count: 4 });
    expect(shown(answer)).toEqual(["a=3", "b=9"]);
    expect(host.range(rangeOf("\0", { until: "\0", limit: 4 }))).toMatchObject({ more: false });
  });

  test("sorts by any target in both orders", () => {
    expect(all({ sortOrder: "descend" })).toEqual(["c=2", "b/1=2", "b=9", "a=3"]);
    expect(all({ sortOrder: "descend", sortTarget: "version" })[0]).toBe("b=9");
    expect(all({ sortOrder: "ascend", sortTarget: "mod" })).toEqual(["a=3", "b/1=2", "c=2", "b=9"]);
    expect(all({ sortOrder: "ascend", sortTarget: "create" })).toEqual([
      "a=3",
      "b=9",
      "b/1=2",
      "c=2",
    ]);
    expect(all({ sortOrder: "descend", sortTarget: "value" })).toEqual([
      "b=9",
      "a=3",
      "b/1=2",
      "c=2",
    ]);
  });

  test("a limit with an order cuts after sorting; without one it sorts what it fetched (etcd)", () => {
    expect(all({ sortOrder: "ascend", sortTarget: "value", limit: 1 })).toEqual(["b/1=2"]);
    expect(all({ sortTarget: "value", limit: 1 })).toEqual(["a=3"]);
    expect(all({ sortTarget: "value", limit: 2 })).toEqual(["b/1=2", "a=3"]);
  });

  test("filters by mod and create revision leave count alone", () => {
    const answer = host.range(rangeOf("\0", { until: "\0", minModRevision: 5 }));
    expect(answer).toMatchObject({ count: 4 });
    expect(shown(answer)).toEqual(["b=9", "c=2"]);
    expect(all({ maxModRevision: 3 })).toEqual(["a=3"]);
    expect(all({ minCreateRevision: 4, maxCreateRevision: 4 })).toEqual(["b/1=2"]);
    expect(host.range(rangeOf("b", { maxModRevision: 3 }))).toEqual({
      kvs: [],
      more: false,
      count: 1,
    });
  });

  test("keys only, count only", () => {
    expect(all({ keysOnly: true })).toEqual(["a=", "b=", "b/1=", "c="]);
    expect(all({ keysOnly: true, sortTarget: "value", sortOrder: "ascend" })).toEqual([
      "b/1=",
      "c=",
      "a=",
      "b=",
    ]);
    expect(host.range(rangeOf("\0", { until: "\0", countOnly: true, limit: 1 }))).toEqual({
      kvs: [],
      more: false,
      count: 4,
    });
    expect(host.range(rangeOf("a", { countOnly: true }))).toEqual({
      kvs: [],
      more: false,
      count: 1,
    });
  });

  test("reads an old revision; refuses one that is to come", () => {
    expect(shown(host.range(rangeOf("b", AT(3))))).toEqual(["b=1"]);
    expect(shown(host.range(rangeOf("b", AT(2))))).toEqual([]);
    expect(host.range(rangeOf("b", AT(7)))).toEqual({
      kind: "refused",
      code: "future-revision",
      message: "etcdserver: mvcc: required revision is a future revision",
    });
  });
});

describe("transactions", () => {
  test("write one revision with sub-revisions, and see what they wrote", () => {
    const host = hostWith(["a", "1"]);
    const answer = host.run(
      txn(
        [],
        [op.put("a", "2"), op.put("b", "3"), op.range("a", { until: "c" }), op.range("a", AT(2))],
      ),
    );
    expect(answer).toMatchObject({ revision: 3, txn: { succeeded: true } });
    expect(answer).toMatchObject({
      txn: { responses: [{}, {}, { range: { count: 2 } }, { range: { kvs: [{ version: 1 }] } }] },
    });
    expect(host.range(rangeOf("a", { until: "c", minModRevision: 3 }))).toMatchObject({ count: 2 });
    host.flush();
    const versions = host.sortedRows().filter(({ key }) => familyOf(key) === "version");
    expect(versions.map(({ key }) => versionOfRowKey(key))).toEqual([
      { mod: 2, sub: 0 },
      { mod: 3, sub: 0 },
      { mod: 3, sub: 1 },
    ]);
  });

  test("whose branch writes nothing leave the revision", () => {
    const host = hostWith(["a", "1"]);
    const conditions = [versionIs("a", "equal", 9)];
    expect(
      host.run(txn(conditions, [op.put("a", "2")], [op.range("a"), op.del("x")])),
    ).toMatchObject({
      revision: 2,
      txn: { succeeded: false },
    });
  });

  test("compare each target; a range must hold for every key; what is missing has zeros", () => {
    const host = hostWith(["a", "1"], ["b", "1"], ["a", "1"]);
    const holds = (compare: Parameters<typeof txnOf>[0][number]): boolean => {
      const answer = host.txn(txnOf([compare], []));
      return !isRefusal(answer) && answer.succeeded;
    };
    const range = { key: keyOf(Uint8Array.of(97)), end: keyOf(Uint8Array.of(99)) };
    const none = { key: keyOf(Uint8Array.of(120)) };
    expect(holds({ ...range, target: "mod", result: "greater", modRevision: 2 })).toBe(true);
    expect(holds({ ...range, target: "version", result: "equal", version: 1 })).toBe(false);
    expect(holds({ ...range, target: "create", result: "less", createRevision: 4 })).toBe(true);
    expect(holds({ ...range, target: "lease", result: "equal", lease: 0n as LeaseId })).toBe(true);
    expect(holds({ ...range, target: "lease", result: "less", lease: 1n as LeaseId })).toBe(true);
    expect(holds(valueIs("a", "equal", "1"))).toBe(true);
    expect(holds(valueIs("a", "greater", "0"))).toBe(true);
    expect(holds({ ...none, target: "create", result: "equal", createRevision: 0 })).toBe(true);
    expect(holds({ ...none, target: "mod", result: "not-equal", modRevision: 0 })).toBe(false);
    expect(holds(valueIs("x", "not-equal", "1"))).toBe(false);
    expect(holds(valueIs("x", "equal", ""))).toBe(false);
  });

  test("judge nested conditions on the state before, whatever they write first", () => {
    const host = hostWith(["a", "1"]);
    const nested = op.txn([versionIs("b", "equal", 0)], [op.put("c", "seen")], [op.put("d", "x")]);
    host.run(txn([], [op.put("b", "2"), nested]));
    expect(shown(host.range(rangeOf("c", { until: "\0" })))).toEqual(["c=seen"]);
  });

  test("that are refused change nothing (etcd#18667)", () => {
    const host = hostWith(["a", "1"], ["a", "2"], ["a", "3"]);
    host.run(compact(3));
    host.flush();
    const before = host.machine.hash();
    const refusedBy = (...operations: Parameters<typeof txnOf>[1]): string =>
      code(host.run(txn([], [op.put("b", "1"), ...operations])));
    expect(refusedBy(op.range("a", AT(2)))).toBe("compacted");
    expect(refusedBy(op.range("a", AT(5)))).toBe("future-revision");
    expect(refusedBy(op.put("c", "", { ignoreValue: true }))).toBe("key-not-found");
    expect(refusedBy(op.put("c", "", { lease: 1n as LeaseId }))).toBe("lease-not-found");
    expect(refusedBy(op.txn([], [op.range("a", AT(9))]))).toBe("future-revision");
    expect(refusedBy(op.range("a", AT(-5)))).toBe("compacted");
    expect(host.range(rangeOf("a", AT(-5)))).toMatchObject({ kvs: [{ modRevision: 4 }] });
    expect(host.machine.hash()).toBe(before);
    host.flush();
    expect([...host.rows.keys()].filter((key) => key.startsWith("v")).length).toBe(3);
  });

  test("are taken back when a put keeps what they deleted, to the last row", () => {
    const host = hostWith(["a", "1"], ["b", "1"]);
    host.flush();
    const before = host.machine.hash();
    const keeps = op.put("b", "", { ignoreValue: true });
    const answer = host.run(txn([], [op.put("c", "new"), op.del("a", "\0"), keeps]));
    expect(answer).toMatchObject({ kind: "refused", code: "key-not-found", revision: 3 });
    expect(host.machine.hash()).toBe(before);
    expect(host.machine.unflushedBytes).toBe(0);
    host.run(put("a", "2"));
    expect(shown(host.range(rangeOf("\0", { until: "\0" })))).toEqual(["a=2", "b=1"]);
  });

  test("that may write are not planned as reads", () => {
    const host = hostWith();
    expect(() => host.txn(txnOf([], [], [op.put("a", "")]))).toThrow("not planned but logged");
    expect(() => host.txn(txnOf([], [op.txn([], [op.del("a")])]))).toThrow("not planned");
  });

  test("that only read are answered at their plan's revision", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    for (const [key, value] of [
      ["a", "1"],
      ["b", "2"],
    ] as const) {
      host.run(put(key, value));
    }
    host.flush();
    const nested = op.txn([], [op.range("a", { until: "\0" })]);
    const plan = host.machine.planTxn(txnOf([valueIs("a", "equal", "1")], [nested]));
    if (isRefusal(plan)) throw new Error("not refused");
    expect(plan.missing.length).toBe(2);
    host.run(put("a", "9"));
    host.run(del("b"));
    host.flush();
    const answer = plan.answer(host.load(plan.missing));
    expect(answer).toMatchObject({
      succeeded: true,
      responses: [{ txn: { responses: [{ range: { kvs: [{ version: 1 }, { key: "b" }] } }] } }],
    });
  });
});

describe("what an entry needs", () => {
  test("is named once and held, whatever the cache does meanwhile", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    host.run(put("a", "1"));
    host.run(put("b", "2"));
    host.flush();
    const entry = entryOf(
      3,
      txn([valueIs("a", "equal", "1")], [op.range("a")], [op.del("a", "c", true)]),
    );
    const keys = host.machine.needs(entry);
    expect(keys.length).toBe(2);
    expect(new Set(keys.map(keyOf)).size).toBe(2);
    const answer = host.machine.apply(entry, host.load(keys));
    expect(answer).toMatchObject({
      txn: { succeeded: true, responses: [{ range: { count: 1 } }] },
    });
  });

  test("is nothing for a plain put, a read of what is not flushed, or an entry without a command", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    host.run(put("a", "1"));
    expect(host.machine.needs(entryOf(2, put("a", "2", { prevKv: true })))).toEqual([]);
    host.flush();
    expect(host.machine.needs(entryOf(2, put("a", "2")))).toEqual([]);
    expect(host.machine.needs(entryOf(2, put("a", "2", { prevKv: true }))).length).toBe(1);
    const noop: Entry = {
      index: 2 as LogIndex,
      epoch: { config: 0, round: 1, node: 0 },
      kind: "noop",
    };
    expect(host.machine.needs(noop)).toEqual([]);
    expect(host.machine.apply(noop, [])).toBeUndefined();
    expect(host.machine.applied).toBe(2);
  });

  test("covers what a limit lets in after a delete in the same transaction", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    for (const key of ["a", "b", "c"]) host.run(put(key, key));
    host.flush();
    const answer = host.run(txn([], [op.del("a"), op.range("a", { until: "\0", limit: 1 })]));
    expect(answer).toMatchObject({ txn: { responses: [{}, { range: { kvs: [{ key: "b" }] } }] } });
  });

  test("covers what a put in the same transaction moves out of a limit", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    for (const key of ["a", "b", "c"]) host.run(put(key, key));
    host.flush();
    const oldest = op.range("a", { until: "\0", limit: 1, sortTarget: "mod", sortOrder: "ascend" });
    const answer = host.run(txn([], [op.put("a", "2"), oldest]));
    expect(answer).toMatchObject({ txn: { responses: [{}, { range: { kvs: [{ key: "b" }] } }] } });
  });

  test("stays in memory until it is applied, though reads push it out of the cache", () => {
    const host = new Host({ valueCacheBytesMax: 300 });
    host.run(put("a", "1"));
    host.run(put("b", "2"));
    host.flush();
    host.range(rangeOf("a"));
    const entry = entryOf(3, put("a", "3", { prevKv: true }));
    expect(host.machine.needs(entry)).toEqual([]);
    // The first read of b spares a, which was read since; the second does not.
    host.range(rangeOf("b"));
    host.range(rangeOf("b"));
    expect(host.loadedCount).toBe(3);
    const answer = host.machine.apply(entry, []);
    expect(answer).toMatchObject({ put: { prevKv: { key: "a", modRevision: 2 } } });
  });

  test("is asked in order, and a lost row stops the machine", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    expect(() => host.machine.needs(entryOf(2, put("a", "1")))).toThrow("applied 0, next 2");
    expect(() => host.machine.apply(entryOf(3, put("a", "1")), [])).toThrow("applied 0, next 3");
    host.run(put("a", "1"));
    host.flush();
    const entry = entryOf(2, put("a", "2", { prevKv: true }));
    host.machine.needs(entry);
    expect(() => host.machine.apply(entry, [undefined])).toThrow("row in the engine is missing");
  });
});

describe("what is not flushed", () => {
  test("stays in memory batch by batch, and is counted", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    host.run(put("a", "1"));
    const first = host.machine.drain();
    const firstBytes = host.machine.unflushedBytes;
    host.run(put("b", "2"));
    const second = host.machine.drain();
    if (first === undefined || second === undefined) throw new Error("both have something");
    expect(host.machine.unflushedBytes).toBeGreaterThan(firstBytes);
    const size = first.ops.reduce(
      (bytes, op) => bytes + op.key.length + (op.op === "put" ? op.value.length : 0),
      0,
    );
    expect(firstBytes).toBe(size);
    host.machine.flushed(first.upTo);
    const missing = (at: string): number => {
      const plan = host.machine.planRange(rangeOf(at));
      if (isRefusal(plan)) throw new Error("not refused");
      plan.release();
      return plan.missing.length;
    };
    expect([missing("a"), missing("b")]).toEqual([1, 0]);
    host.machine.flushed(second.upTo);
    expect([missing("a"), missing("b")]).toEqual([1, 1]);
    expect(host.machine.unflushedBytes).toBe(0);
  });
});

test("the hash tells values apart that are equal in everything else", () => {
  const one = hostWith(["a", "1"]);
  const other = hostWith(["a", "2"]);
  expect(one.machine.hash()).not.toBe(other.machine.hash());
  expect(one.machine.hash()).toBe(hostWith(["a", "1"]).machine.hash());
});

test("a fresh machine has nothing to write", () => {
  const host = new Host();
  expect(host.machine.drain()).toBeUndefined();
  expect(host.machine.checkpoint()).toBeUndefined();
  expect(host.machine.unflushedBytes).toBe(0);
  expect(host.machine).toBeInstanceOf(Machine);
});
