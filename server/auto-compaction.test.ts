// What is compacted when, by a clock that the test moves on.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { MonotonicMs, Revision } from "../base/index.ts";
import { AutoCompactor } from "./auto-compaction.ts";
import type { AutoCompaction } from "./auto-compaction.ts";

interface Played {
  readonly atMs: number;
  readonly target: number;
}

/** A store that is written at an even pace, and compacted as it is told; looked at every 250 ms. */
function play(
  policy: AutoCompaction,
  {
    perSecond,
    untilMs,
    leads = () => true,
  }: {
    readonly perSecond: number;
    readonly untilMs: number;
    readonly leads?: (atMs: number) => boolean;
  },
): Played[] {
  const compactor = new AutoCompactor(policy);
  const played: Played[] = [];
  let compacted = 0;
  for (let atMs = 0; atMs <= untilMs; atMs += 250) {
    const target = compactor.poll({
      now: atMs as MonotonicMs,
      revision: (1 + Math.floor((atMs / 1000) * perSecond)) as Revision,
      compacted: compacted as Revision,
      isLeader: leads(atMs),
    });
    if (target === undefined) continue;
    compacted = target;
    played.push({ atMs, target });
  }
  return played;
}

describe("periodic compaction", () => {
  const hour: AutoCompaction = { mode: "periodic", retentionMs: 3_600_000 };

  test("keeps the span that was asked, and at most a tenth of it more", () => {
    const played = play(hour, { perSecond: 10, untilMs: 4 * 3_600_000 });
    expect(played.length).toBeGreaterThan(20);
    for (const { atMs, target } of played) {
      const keptMs = atMs - ((target - 1) / 10) * 1_000;
      expect(keptMs).toBeGreaterThanOrEqual(3_600_000);
      expect(keptMs).toBeLessThanOrEqual(3_600_000 * 1.1 + 1_000);
    }
    expect(played[0]?.atMs).toBeGreaterThanOrEqual(3_600_000);
  });

  test("lets nothing go that is younger, whatever the pace of writes and looks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 100_000 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 9_000 }), fc.nat(50)), { maxLength: 80 }),
        (retentionMs, steps) => {
          const compactor = new AutoCompactor({ mode: "periodic", retentionMs });
          const writtenAtMs: number[] = [];
          let now = 0;
          let compacted = 0;
          for (const [elapsedMs, writes] of steps) {
            now += elapsedMs;
            for (let write = 0; write < writes; write += 1) writtenAtMs.push(now);
            const target = compactor.poll({
              now: now as MonotonicMs,
              revision: (1 + writtenAtMs.length) as Revision,
              compacted: compacted as Revision,
              isLeader: true,
            });
            if (target === undefined) continue;
            expect(target).toBeGreaterThan(compacted);
            const youngest = writtenAtMs[target - 2] ?? -Infinity;
            expect(now - youngest).toBeGreaterThanOrEqual(retentionMs);
            compacted = target;
          }
        },
      ),
    );
  });

  test("is proposed by a leader alone, and goes on where another one leads", () => {
    const leads = (atMs: number): boolean => atMs > 2 * 3_600_000;
    const played = play(hour, { perSecond: 1, untilMs: 2.2 * 3_600_000, leads });
    expect(played.length).toBeGreaterThan(0);
    expect(played[0]?.atMs).toBeLessThan(2.11 * 3_600_000);
    expect(played[0]?.target).toBeGreaterThan(3_500);
  });

  test("of an idle store is proposed once", () => {
    const played = play(hour, { perSecond: 0, untilMs: 5 * 3_600_000 });
    expect(played).toHaveLength(1);
  });
});

describe("compaction by revisions", () => {
  test("keeps as many as were asked, and at most a tenth more where writes are many", () => {
    const retentionRevisions = 1_000;
    const played = play(
      { mode: "revision", retentionRevisions },
      { perSecond: 50, untilMs: 600_000 },
    );
    expect(played.length).toBeGreaterThan(200);
    for (const { atMs, target } of played) {
      const revision = 1 + Math.floor((atMs / 1000) * 50);
      expect(revision - target).toBe(1_000);
    }
    const gaps = played.slice(1).map(({ target }, at) => target - (played[at]?.target ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(130);
  });

  test("lets the last few go within five minutes, as etcd does", () => {
    const played = play(
      { mode: "revision", retentionRevisions: 100 },
      {
        perSecond: 0.3,
        untilMs: 1_200_000,
      },
    );
    expect(played.length).toBeGreaterThan(1);
    expect(Math.max(...played.map(({ target }) => target))).toBeLessThanOrEqual(261);
  });
});
