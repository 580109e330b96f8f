// The hash of what the engine holds: the same on members that hold the same, however far each has swept, and
// another once anything differs. That of the keys is compared with etcd's in test/store/etcd-agreement.test.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LogIndex, Revision } from "../base/index.ts";
import { commands } from "../test/store/arbitrary.ts";
import { Host } from "../test/store/host.ts";
import { alarm, compact, del, grant, openSession, put } from "../test/store/requests.ts";
import { isRefusal } from "./refusal.ts";
import type { Refusal } from "./response.ts";
import { familyOf } from "./rows.ts";
import type { StateHash } from "./state-hash.ts";
import { compareMarks } from "./state-marks.ts";

interface Asked {
  readonly revision?: number;
  readonly compactRevision?: number;
  readonly scope?: "keys" | "whole";
}

/** Of what was flushed. */
function hashOf(
  host: Host,
  { revision = 0, compactRevision = 0, scope = "keys" }: Asked = {},
): StateHash | Refusal {
  const hashing = host.machine.hashing({
    revision: revision as Revision,
    compactRevision: compactRevision as Revision,
    scope,
  });
  if (isRefusal(hashing)) return hashing;
  for (const row of host.sortedRows()) hashing.take([row]);
  return hashing.end();
}

describe("the hash of the keys", () => {
  test("is equal at equal revision and floor, whatever was swept, flushed and restarted", () => {
    fc.assert(
      fc.property(
        fc.array(commands, { minLength: 1, maxLength: 40 }),
        fc.nat(40),
        fc.nat(3),
        (script, at, back) => {
          const [eager, lazy] = [new Host(), new Host({ valueCacheBytesMax: 0 })];
          for (const [step, request] of script.entries()) {
            eager.run(request);
            lazy.run(request);
            eager.flush();
            if (step === at) {
              lazy.flushOne();
              lazy.restart();
              for (let index: number = lazy.machine.applied; index <= step; index += 1) {
                const missed = script[index];
                if (missed !== undefined) lazy.run(missed);
              }
            }
          }
          lazy.flushOne();
          const revision = Math.max(1, eager.machine.revision - back);
          expect(hashOf(lazy, { revision })).toEqual(hashOf(eager, { revision }));
          expect(hashOf(lazy, { scope: "whole" })).toEqual(hashOf(eager, { scope: "whole" }));
          expect(lazy.machine.marks.at(-1)).toEqual(eager.machine.marks.at(-1));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("can be taken as if compacted further, as a peer is that was", () => {
    const [one, other] = [new Host(), new Host()];
    for (const host of [one, other]) {
      for (const round of ["1", "2"]) {
        for (const key of ["a", "b"]) host.run(put(key, round));
        host.run(del("a"));
      }
    }
    other.run(compact(4));
    for (const host of [one, other]) host.flush();
    const behind = hashOf(one);
    expect(hashOf(one, { compactRevision: 4 })).toEqual(hashOf(other));
    expect(hashOf(other)).not.toMatchObject({ hash: "hash" in behind ? behind.hash : 0 });
    expect(hashOf(other, { revision: 3 })).toMatchObject({ code: "compacted" });
    expect(hashOf(one, { revision: 99 })).toMatchObject({ code: "future-revision" });
  });

  test("is another once a byte of a row is, or a row is missing", () => {
    const host = new Host();
    host.run(put("a", "1"));
    host.run(put("b", "2"));
    host.flush();
    const whole = hashOf(host);
    const rows = [...host.rows].filter(
      ([key]) => familyOf(Buffer.from(key, "latin1")) === "version",
    );
    for (const [key, row] of rows) {
      const harmed = row.slice();
      harmed[harmed.length - 1] = (harmed.at(-1) ?? 0) ^ 1;
      host.rows.set(key, harmed);
      expect(hashOf(host)).not.toEqual(whole);
      host.rows.delete(key);
      expect(hashOf(host)).not.toEqual(whole);
      host.rows.set(key, row);
    }
    expect(hashOf(host)).toEqual(whole);
  });

  test("waits with a sweep for as long as it reads, and gives up when the sweep cannot", () => {
    const host = new Host();
    for (const round of ["1", "2", "3"]) host.run(put("a", round));
    const hashing = host.machine.hashing({
      revision: 0 as Revision,
      compactRevision: 0 as Revision,
      scope: "keys",
    });
    if (isRefusal(hashing)) throw new Error(hashing.message);
    host.run(compact(4));
    host.flush();
    expect(host.machine.isSweeping).toBe(true);
    for (const row of host.sortedRows()) hashing.take([row]);
    expect(hashing.end()).toMatchObject({ revision: 4, compactRevision: 0 });
    host.flush();
    expect(host.machine.isSweeping).toBe(false);
  });
});

describe("the hash of the whole state", () => {
  test("covers leases, sessions and alarms", () => {
    const seen = new Set<number>();
    const host = new Host();
    for (const request of [put("a", "1"), grant(5n, 9_000), openSession(), alarm("activate", 7n)]) {
      host.run(request);
      host.flush();
      const hash = hashOf(host, { scope: "whole" });
      if ("hash" in hash) seen.add(hash.hash);
    }
    expect(seen.size).toBe(4);
  });
});

describe("marks", () => {
  const mark = (applied: number, digest: number): { applied: LogIndex; digest: number } => ({
    applied: applied as LogIndex,
    digest,
  });

  test("are compared at the newest index that both have", () => {
    const left = [mark(256, 1), mark(512, 2), mark(600, 3)];
    expect(compareMarks(left, [mark(512, 2), mark(700, 9)])).toEqual({ applied: 512, equal: true });
    expect(compareMarks(left, [mark(512, 5)])).toEqual({ applied: 512, equal: false });
    expect(compareMarks(left, [mark(601, 3)])).toBeUndefined();
  });

  test("of two that applied the same are equal; after one different write they never are again", () => {
    const [one, other] = [new Host(), new Host()];
    for (let write = 0; write < 600; write += 1) {
      one.run(put("k", String(write)));
      other.run(put("k", String(write === 300 ? -1 : write)));
    }
    expect(one.machine.marks.map(({ applied }) => applied)).toEqual([256, 512, 600]);
    expect(compareMarks(one.machine.marks, other.machine.marks)).toEqual({
      applied: 600,
      equal: false,
    });
    expect(compareMarks(one.machine.marks.slice(0, 1), other.machine.marks)).toEqual({
      applied: 256,
      equal: true,
    });
  });
});
