// Compaction: what becomes unreadable at once, and what is deleted step by step behind it.
import { describe, expect, test } from "@jest/globals";
import type { Revision } from "../base/index.ts";
import { Host } from "../test/store/host.ts";
import { compact, del, op, put, rangeOf, txnOf } from "../test/store/requests.ts";
import type { RangePlan } from "./plan.ts";
import { isRefusal } from "./refusal.ts";
import { familyOf } from "./rows.ts";

const AT = (revision: number): { revision: Revision } => ({ revision: revision as Revision });

function versionRows(host: Host): number {
  return host.sortedRows().filter(({ key }) => familyOf(key) === "version").length;
}

function planned(plan: ReturnType<Host["machine"]["planRange"]>): RangePlan {
  if (isRefusal(plan)) throw new Error(`refused: ${plan.message}`);
  return plan;
}

/** `count` writes of one key. */
function overwritten(count: number): Host {
  const host = new Host({ valueCacheBytesMax: 0 });
  for (let at = 1; at <= count; at += 1) host.run(put("a", String(at)));
  host.flush();
  return host;
}

describe("a compaction", () => {
  test("answers with the store's revision, and goes forward only, not past the present", () => {
    const host = overwritten(3);
    expect(host.run(compact(5))).toMatchObject({ code: "future-revision", revision: 4 });
    expect(host.run(compact(3))).toEqual({ kind: "compaction", revision: 4 });
    expect(host.machine.compacted).toBe(3);
    expect(host.run(compact(3))).toMatchObject({ code: "compacted", revision: 4 });
    expect(host.run(compact(2))).toMatchObject({ code: "compacted" });
    expect(host.run(compact(4))).toEqual({ kind: "compaction", revision: 4 });
  });

  test("of an empty store to revision 0 succeeds once, as in etcd", () => {
    const host = new Host();
    expect(host.machine.compacted).toBe(0);
    expect(host.run(compact(0))).toEqual({ kind: "compaction", revision: 1 });
    expect(host.run(compact(0))).toMatchObject({ code: "compacted" });
  });

  test("makes reads below it fail at once, before anything is deleted; at it they still work", () => {
    const host = overwritten(4);
    const rows = versionRows(host);
    host.run(compact(4));
    expect(versionRows(host)).toBe(rows);
    expect(host.range(rangeOf("a", AT(3)))).toEqual({
      kind: "refused",
      code: "compacted",
      message: "etcdserver: mvcc: required revision has been compacted",
    });
    expect(host.range(rangeOf("a", AT(4)))).toMatchObject({ kvs: [{ modRevision: 4 }] });
  });

  test("keeps the latest version before it, unless that is a delete, and all of its own revision", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    host.run(put("a", "1"));
    host.run(put("b", "1"));
    host.run(put("a", "2"));
    host.run(del("b"));
    host.run(put("a", "3"));
    host.run(compact(5));
    host.flush();
    expect(versionRows(host)).toBe(4);
    expect(host.machine.isSweeping).toBe(false);
    expect(host.range(rangeOf("a", AT(5)))).toMatchObject({ kvs: [{ modRevision: 4 }] });
    expect(host.range(rangeOf("b", AT(5)))).toMatchObject({ count: 0 });
    expect(host.run(compact(6))).toMatchObject({ revision: 6 });
    host.flush();
    expect(versionRows(host)).toBe(2);
    expect(host.run(put("b", "2"))).toMatchObject({ revision: 7 });
    expect(host.range(rangeOf("b"))).toMatchObject({ kvs: [{ createRevision: 7, version: 1 }] });
  });

  test("deletes in bounded batches, and a restart between them resumes", () => {
    const host = overwritten(2500);
    host.run(compact(2501));
    expect(host.flushOne()).toBe(true);
    expect(versionRows(host)).toBe(1500);
    expect(host.machine.isSweeping).toBe(true);
    const hash = host.machine.hash();
    expect(host.restart()).toMatchObject({ ok: true, applied: 2501 });
    expect(host.machine.hash()).toBe(hash);
    host.flush();
    expect(versionRows(host)).toBe(2);
    expect(host.machine.hash()).toBe(hash);
    expect(host.machine.isSweeping).toBe(false);
    expect(host.machine.drain()).toBeUndefined();
  });

  test("leaves the state's hash to what can be read, however far it has swept", () => {
    const swept = overwritten(10);
    const unswept = overwritten(10);
    for (const host of [swept, unswept]) host.run(compact(8));
    swept.flush();
    expect(swept.machine.hash()).toBe(unswept.machine.hash());
  });
});

test("revisions that are left out compact what is before them, and a restart knows of it", () => {
  const host = overwritten(3);
  host.machine.beginAnew(100);
  host.flush();
  host.restart();
  expect(host.machine.revision).toBe(104);
  expect(host.range(rangeOf("a", AT(4)))).toMatchObject({ code: "compacted" });
  expect(host.range(rangeOf("a"))).toMatchObject({ kvs: [{ modRevision: 4 }] });
  expect(versionRows(host)).toBe(1);
  expect(host.run(put("a", "next"))).toMatchObject({ revision: 105 });
});

describe("a read under way", () => {
  test("holds off the sweep until it is answered", () => {
    const host = overwritten(5);
    const plan = planned(host.machine.planRange(rangeOf("a", AT(3))));
    host.run(compact(6));
    host.flush();
    expect(host.machine.isSweeping).toBe(true);
    expect(plan.answer(host.load(plan.missing))).toMatchObject({ kvs: [{ modRevision: 3 }] });
    host.flush();
    expect(host.machine.isSweeping).toBe(false);
    expect(versionRows(host)).toBe(2);
  });

  test("holds nothing off once it is released, or if it had all it needs", () => {
    const host = overwritten(5);
    const released = planned(host.machine.planRange(rangeOf("a", AT(3))));
    const scan = host.machine.scanRange(rangeOf("a", { until: "\0", ...AT(3) }), 1);
    const read = host.machine.planTxn(txnOf([], [op.range("a", AT(3))]));
    planned(host.machine.planRange(rangeOf("a", { keysOnly: true, ...AT(2) })));
    if (isRefusal(scan) || isRefusal(read)) throw new Error("not refused");
    host.run(compact(6));
    for (const plan of [released, scan, read]) {
      expect(host.machine.isSweeping).toBe(true);
      plan.release();
      host.flush();
    }
    expect(host.machine.isSweeping).toBe(false);
  });

  test("above the floor holds nothing off and loses nothing", () => {
    const host = overwritten(5);
    const plan = planned(host.machine.planRange(rangeOf("a")));
    host.run(put("a", "newer"));
    host.run(compact(6));
    host.flush();
    expect(host.machine.isSweeping).toBe(false);
    expect(plan.answer(host.load(plan.missing))).toMatchObject({ kvs: [{ modRevision: 6 }] });
  });

  test("is refused if it takes longer than 10,000 entries: a compaction does not wait for ever", () => {
    const host = overwritten(5);
    const plan = planned(host.machine.planRange(rangeOf("a", AT(3))));
    const read = host.machine.planTxn(txnOf([], [op.range("a", AT(3))]));
    const scan = host.machine.scanRange(rangeOf("a", { until: "\0", ...AT(3) }), 1);
    if (isRefusal(read) || isRefusal(scan)) throw new Error("not refused");
    host.run(compact(6));
    for (let at = 0; at < 10_000; at += 1) host.run(del("nothing"));
    host.flush();
    expect(host.machine.isSweeping).toBe(true);
    host.run(del("nothing"));
    host.flush();
    expect(host.machine.isSweeping).toBe(false);
    expect(plan.answer(host.load(plan.missing))).toMatchObject({ code: "compacted" });
    expect(read.answer(host.load(read.missing))).toMatchObject({ code: "compacted" });
    expect(scan.advance(host.load(scan.missing))).toMatchObject({ code: "compacted" });
  });
});
