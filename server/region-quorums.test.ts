// Quorums across regions: whose word counts, what is told when too few have a write, and what a read waits for
// (federation 13; scenarios 31 and 32).
import { describe, expect, test } from "@jest/globals";
import { keyOf } from "../base/index.ts";
import type { KvError, MonotonicMs, Revision } from "../base/index.ts";
import { ReportBook, encodeToken, originId, sequence } from "../federation/index.ts";
import type { FederationConfig, OriginId, Report, Sequence } from "../federation/index.ts";
import type { RegionReach } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { KeyRange } from "../store/index.ts";
import { FEDERATION_ID, documentOf, home } from "../test/federation/document.ts";
import type { QuorumState } from "./region-quorums.ts";
import { RegionQuorums } from "./region-quorums.ts";

const self = originId(1);
const CONFIG = documentOf(
  ["eu", "us", "zz"].map((name) => ({ name })),
  { placements: [{ prefix: keyOf(Buffer.from("f/")), regions: ["eu", "us"] }] },
);

const key = keyOf(Buffer.from("f/k"));

const other = keyOf(Buffer.from("g/k"));
const OTHER_PLACED = { prefix: keyOf(Buffer.from("g/")), regions: ["eu", "zz"] };
const TWO_PLACED = { ...CONFIG, placements: [...CONFIG.placements, OTHER_PLACED] };
/** From the one placement into the other. */
const BOTH: KeyRange = { key, end: keyOf(Buffer.from("g/l")) };

const HOME = home("f/", "eu");

/** A leader of three regions, whose clock is moved by hand. */
class Bench {
  now = 0 as MonotonicMs;
  readonly applied = new Map<OriginId, Sequence>([[self, sequence(10)]]);
  readonly reports = new ReportBook();
  readonly asked: ((report: Report) => void)[] = [];
  readonly quorums: RegionQuorums;

  readonly state: { -readonly [Field in keyof QuorumState]: QuorumState[Field] };

  constructor(config: FederationConfig = CONFIG, own: OriginId = self) {
    this.state = { applied: this.applied, config, self: own, holds: () => true };
    this.quorums = new RegionQuorums({
      state: this.state,
      reports: this.reports,
      leads: () => true,
      now: () => this.now,
      revision: () => 1 as Revision,
      ask: (_, done) => this.asked.push(done),
    });
    this.hear(1, 10);
  }

  /** A region reports what it has of origin 1. */
  hear(origin: number, count: number, epoch = 1): void {
    this.reports.note(this.report(origin, count, epoch));
    this.quorums.onNews();
  }

  report(origin: number, count: number, epoch = 1): Report {
    return { origin: originId(origin), epoch, vector: new Map([[self, sequence(count)]]) };
  }

  passTo(ms: number): void {
    this.now = ms as MonotonicMs;
    this.quorums.onNews();
  }

  get context() {
    const { signal } = new AbortController();
    return { deadlineAtMs: 1_000 as MonotonicMs, signal, caller: OWN_AUTHORITY };
  }

  write(writeRegions: number, ranges: readonly KeyRange[] = [{ key }]): { reach?: RegionReach } {
    const told: { reach?: RegionReach } = {};
    this.quorums.afterWrite({ ranges, writeRegions }, this.context, (reach) => {
      told.reach = reach;
    });
    return told;
  }

  read(
    readRegions: number,
    token?: Uint8Array,
    range: KeyRange = { key },
  ): { ended?: KvError | "ready" } {
    const told: { ended?: KvError | "ready" } = {};
    const asked = { range, readRegions, ...(token === undefined ? {} : { token }) };
    this.quorums.beforeRead(asked, this.context, (error) => {
      told.ended = error ?? "ready";
    });
    return told;
  }
}

describe("a write that waits for regions", () => {
  test("is answered once enough have it, not by those that have less", () => {
    const bench = new Bench();
    const told = bench.write(2);
    bench.hear(2, 9);
    expect(told.reach).toBeUndefined();
    bench.hear(2, 10);
    expect(told.reach).toEqual({ asked: 2, reached: 2, sloppy: false, names: ["eu", "us"] });
  });

  test("counts a stand-in outside of the placement, and says so", () => {
    const bench = new Bench();
    const told = bench.write(2);
    bench.hear(3, 12);
    expect(told.reach).toEqual({ asked: 2, reached: 2, sloppy: true, names: ["eu", "zz"] });
  });

  test("of several keys is sloppy if it is for one of them", () => {
    const bench = new Bench(TWO_PLACED);
    const [one, two] = [{ key }, { key: other }];
    const told = [[one], [one, two], [two], [BOTH]].map((ranges) => bench.write(2, ranges));
    bench.hear(2, 10);
    expect(told.map(({ reach }) => reach?.sloppy)).toEqual([false, true, true, true]);
  });

  test("goes by the origin that wrote it, though the region is given another one meanwhile", () => {
    const bench = new Bench();
    const told = bench.write(2);
    const reborn = originId(4);
    const { config } = bench.state;
    const members = config.members.map((member) =>
      member.origin === self ? { ...member, origin: reborn } : member,
    );
    bench.state.self = reborn;
    bench.state.config = { ...config, members };
    const standing = (origin: OriginId, had: number): void => {
      const vector = new Map([
        [self, sequence(had)],
        [reborn, sequence(40)],
      ] as const);
      bench.reports.note({ origin, epoch: 2, vector });
      bench.quorums.onNews();
    };
    standing(reborn, 10);
    standing(originId(2), 9);
    expect(told.reach).toBeUndefined();
    standing(originId(2), 10);
    expect(told.reach).toEqual({ asked: 2, reached: 2, sloppy: false, names: ["eu", "us"] });
  });

  test("under a home counts nobody's word by a document that is not logged here (federation 12)", () => {
    const bench = new Bench({ ...CONFIG, homes: [HOME] });
    const told = bench.write(2);
    bench.hear(2, 10, 2);
    expect(told.reach).toBeUndefined();
    bench.state.config = { ...CONFIG, epoch: 2, homes: [HOME] };
    bench.quorums.onNews();
    expect(told.reach).toMatchObject({ asked: 2, reached: 2 });
    // Where there are no homes nobody tells of another's writes: what is applied is applied.
    const plain = new Bench();
    const free = plain.write(2);
    plain.hear(2, 10, 2);
    expect(free.reach).toMatchObject({ reached: 2 });
  });

  test("is told how far it came before its deadline passes: no failure (trap 18)", () => {
    const bench = new Bench();
    const told = bench.write(3);
    bench.hear(2, 10);
    bench.passTo(899);
    expect(told.reach).toBeUndefined();
    bench.passTo(901);
    expect(told.reach).toMatchObject({ asked: 3, reached: 2 });
  });
});

describe("a read that asks regions", () => {
  test("waits until one has answered after the question, and until what it has is here", () => {
    const bench = new Bench();
    bench.hear(2, 10);
    const told = bench.read(2);
    expect(told.ended).toBeUndefined();
    bench.asked[0]?.({ ...bench.report(2, 10), vector: new Map([[originId(2), sequence(4)]]) });
    expect(told.ended).toBeUndefined();
    bench.applied.set(originId(2), sequence(4));
    bench.quorums.onNews();
    expect(told.ended).toBe("ready");
  });

  test("does not count a region outside of the placement, and fails typed", () => {
    const bench = new Bench();
    const told = bench.read(2);
    bench.asked[0]?.(bench.report(3, 10));
    bench.passTo(950);
    expect(told.ended).toMatchObject({
      code: "regions-not-reached",
      outcome: "not-applied",
      message: "1 of 2 regions answered in time",
    });
  });

  test("does not count its own region either, where that is outside of the placement", () => {
    const bench = new Bench(CONFIG, originId(3));
    const told = bench.read(2);
    bench.asked[0]?.(bench.report(1, 10));
    expect(told.ended).toBeUndefined();
    bench.asked[0]?.(bench.report(2, 10));
    expect(told.ended).toBe("ready");
    expect(new Bench(CONFIG, originId(3)).read(1).ended).toBe("ready");
  });

  test("of a range waits for as many of each placement in it", () => {
    const bench = new Bench(TWO_PLACED);
    const told = bench.read(2, undefined, BOTH);
    bench.asked[0]?.(bench.report(2, 10));
    expect(told.ended).toBeUndefined();
    bench.asked[0]?.(bench.report(3, 10));
    expect(told.ended).toBe("ready");
  });

  test("with a token waits for what it names", () => {
    const bench = new Bench();
    const vector = new Map([[originId(3), sequence(2)]]);
    const told = bench.read(0, encodeToken({ federationId: FEDERATION_ID, epoch: 1, vector }));
    expect(told.ended).toBeUndefined();
    bench.applied.set(originId(3), sequence(2));
    bench.quorums.onNews();
    expect(told.ended).toBe("ready");
  });
});

test("what no answer could satisfy is refused before anything is done", () => {
  const { quorums } = new Bench();
  expect(quorums.refusesWrite({ ranges: [{ key }], writeRegions: 3 })).toBeUndefined();
  expect(quorums.refusesWrite({ ranges: [{ key }], writeRegions: 4 })?.message).toBe(
    "4 regions are asked for; the federation has 3",
  );
  expect(quorums.refusesRead({ range: { key }, readRegions: 2 })).toBeUndefined();
  expect(quorums.refusesRead({ range: { key }, readRegions: 3 })?.message).toBe(
    "3 regions are asked for; 2 have a say in the key",
  );
  expect(quorums.refusesRead({ range: BOTH, readRegions: 3 })?.message).toBe(
    "3 regions are asked for; 2 have a say in some of the keys",
  );
  const token = Uint8Array.of(9);
  expect(quorums.refusesRead({ range: { key }, readRegions: 1, token })?.code).toBe(
    "invalid-argument",
  );
});
