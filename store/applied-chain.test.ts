// S2: what a lost batch looks like at boot, and what a checkpoint promises.
import { describe, expect, test } from "@jest/globals";
import { bytesOf, keyOf } from "../base/index.ts";
import type { Key, LogIndex } from "../base/index.ts";
import { Host } from "../test/store/host.ts";
import { compact, openSession, put, rangeOf } from "../test/store/requests.ts";
import { familyOf } from "./rows.ts";

/** A store of `count` batches, one command in each; each checkpoint becomes the chain's base at once. */
function batches(count: number, engineLogBytesMax = 0): Host {
  const host = new Host({ valueCacheBytesMax: 0, engineLogBytesMax });
  for (let at = 1; at <= count; at += 1) {
    host.run(put(`k${at}`, "v"));
    host.flush();
  }
  return host;
}

/** The engine as if it had lost some batches. */
function lose(host: Host, ...lost: readonly number[]): void {
  host.rows.clear();
  host.batches.forEach((ops, at) => {
    if (lost.includes(at + 1)) return;
    for (const op of ops) {
      if (op.op === "put") host.rows.set(keyOf(op.key), op.value);
      else host.rows.delete(keyOf(op.key));
    }
  });
}

function chainRows(host: Host): number {
  return [...host.rows.keys()].filter((key) => familyOf(bytesOf(key)) === "chain").length;
}

describe("the chained applied index", () => {
  test("whole: the machine is where it was", () => {
    const host = batches(4);
    const hash = host.machine.hash();
    expect(host.restart()).toEqual({ ok: true, applied: 4 });
    expect(host.machine.revision).toBe(5);
    expect(host.machine.hash()).toBe(hash);
  });

  test("a lost end is no gap: the log applies it again", () => {
    const host = batches(4);
    const hash = host.machine.hash();
    lose(host, 3, 4);
    expect(host.restart()).toEqual({ ok: true, applied: 2 });
    host.run(put("k3", "v"));
    host.run(put("k4", "v"));
    expect(host.machine.hash()).toBe(hash);
  });

  test.each([[[1]], [[2]], [[3]], [[2, 3]], [[1, 2, 3]]])(
    "a lost middle is a gap: %j of 4",
    (lost) => {
      const host = batches(4);
      lose(host, ...lost);
      expect(host.restart()).toMatchObject({ ok: false, reason: expect.stringContaining("batch") });
    },
  );

  test("an engine that lost everything is an empty store", () => {
    const host = batches(3);
    lose(host, 1, 2, 3);
    expect(host.restart()).toEqual({ ok: true, applied: 0 });
    expect(host.machine.revision).toBe(1);
  });

  test("a lost batch that held no entry, but a step of a compaction, is a gap", () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    for (let at = 0; at < 1500; at += 1) host.run(put("a", String(at)));
    host.run(compact(1501));
    host.flush();
    expect(host.batches.length).toBe(2);
    host.run(put("a", "last"));
    host.flush();
    lose(host, 2);
    expect(host.restart()).toMatchObject({ ok: false });
  });

  test("a batch that follows another state is a gap, though its number fits", () => {
    const host = batches(3);
    const other = new Host({ valueCacheBytesMax: 0 });
    other.run(put("x", "v"));
    other.run(put("y", "v"));
    other.flush();
    const [key, value] = [...other.rows.entries()].find(([at]) => at.startsWith("l")) ?? ["", ""];
    host.rows.set(key as Key, value as Uint8Array);
    expect(host.restart()).toMatchObject({ ok: false });
  });

  test("goes on after a restart, and a gap after it is seen too", () => {
    const host = batches(2);
    host.restart();
    host.run(put("k3", "v"));
    host.flush();
    host.run(put("k4", "v"));
    host.flush();
    lose(host, 3);
    expect(host.restart()).toMatchObject({ ok: false });
  });

  test("entries without a command move it as well", () => {
    const host = batches(1);
    host.machine.apply(
      {
        index: (host.machine.applied + 1) as LogIndex,
        epoch: { config: 0, round: 2, node: 0 },
        kind: "noop",
      },
      [],
    );
    host.flush();
    expect(host.restart()).toEqual({ ok: true, applied: 2 });
  });
});

describe("a checkpoint", () => {
  test("holds what is pending, removes the chain before it, and is the base of the next", () => {
    const host = batches(3);
    expect(chainRows(host)).toBe(3);
    host.run(put("k4", "v"));
    expect(host.checkpoint()).toBe(true);
    expect(chainRows(host)).toBe(0);
    expect(host.restart()).toEqual({ ok: true, applied: 4 });
    host.run(put("k5", "v"));
    host.flush();
    expect(chainRows(host)).toBe(1);
    expect(host.restart()).toEqual({ ok: true, applied: 5 });
    expect(host.range(rangeOf("k", { until: "l" }))).toMatchObject({ count: 5 });
  });

  test("is not needed twice, but is after a batch without sync", () => {
    const host = batches(1);
    expect(host.machine.checkpoint()).toBeDefined();
    expect(host.machine.checkpoint()).toBeUndefined();
    host.run(put("a", "1"));
    host.flush();
    expect(host.machine.checkpoint()).toBeDefined();
  });

  test("lost with batches after it kept is a gap", () => {
    const host = batches(2);
    host.run(put("k3", "v"));
    host.checkpoint();
    host.run(put("k4", "v"));
    host.flush();
    lose(host, 3);
    expect(host.restart()).toMatchObject({ ok: false });
  });

  test("is the base only once the engine's own log no longer holds what came before it", () => {
    const host = batches(2, 1 << 20);
    host.checkpoint();
    expect(chainRows(host)).toBe(3);
    host.run(put("large", "v".repeat(2 << 20)));
    host.checkpoint();
    expect(chainRows(host)).toBe(1);
    lose(host, 4);
    expect(host.restart()).toEqual({ ok: true, applied: 2 });
  });

  test("covers a compaction, sessions and log time", () => {
    const host = batches(3);
    host.run(openSession(5_000), 700);
    host.run(compact(3), 800);
    host.checkpoint();
    const hash = host.machine.hash();
    expect(host.restart()).toEqual({ ok: true, applied: 5 });
    expect(host.machine.compacted).toBe(3);
    expect(host.machine.logTime).toBe(800);
    expect(host.machine.hash()).toBe(hash);
  });
});

describe("planted", () => {
  test("state-gap-ignored-at-boot: a gap passes, and the state is another", () => {
    const host = batches(4);
    const hash = host.machine.hash();
    lose(host, 2);
    expect(host.restart({ planted: "state-gap-ignored-at-boot" })).toEqual({
      ok: true,
      applied: 4,
    });
    expect(host.machine.hash()).not.toBe(hash);
  });

  test("apply-twice-on-restart: entries since the checkpoint come again, and change the state", () => {
    const host = batches(2);
    host.checkpoint();
    host.run(put("k3", "v"));
    host.flush();
    const hash = host.machine.hash();
    expect(host.restart({ planted: "apply-twice-on-restart" })).toEqual({ ok: true, applied: 2 });
    host.run(put("k3", "v"));
    expect(host.machine.applied).toBe(3);
    expect(host.machine.hash()).not.toBe(hash);
    host.flush();
    expect(host.restart()).toEqual({ ok: true, applied: 3 });
  });
});

test("a row that no machine wrote is not passed over", () => {
  const host = batches(1);
  host.rows.set(keyOf(Uint8Array.of(0x7a)), new Uint8Array(0));
  expect(() => host.restart()).toThrow("which is no family");
});
