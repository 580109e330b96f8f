// What waits for a region that is away is counted, and told by the region's name (federation 10, trap 16).
import { expect, test } from "@jest/globals";
import type { LogTimeMs, MonotonicMs, WallMs } from "../base/index.ts";
import { ReportBook } from "../federation/index.ts";
import type { FederationChange, Vector } from "../federation/index.ts";
import { del, put } from "../test/store/requests.ts";
import { policy } from "../test/federation/document.ts";
import type { Region } from "../test/federation/region.ts";
import { ANCHOR_MS, configOf, regions } from "../test/federation/region.ts";
import { FederatedRegion } from "./federated-region.ts";
import { FederationKeeping } from "./federation-keeping.ts";

const CONFIG = configOf(3, [policy("f/")]);
/** Between two looks at what may be forgotten, and more. */
const LATER_MS = 5_000;

interface Told {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

class Kept {
  readonly region: Region;
  readonly told: Told[] = [];
  readonly proposed: FederationChange[] = [];
  readonly reports = new ReportBook();
  /** Of snapshots that others are taking. */
  pinned: readonly Vector[] = [];
  readonly #keeping: FederationKeeping;
  #nowMs = 0;

  constructor(region: Region, waitingBytesMax: number, settledMax?: number) {
    this.region = region;
    this.#keeping = new FederationKeeping({
      region: new FederatedRegion(() => region.host.machine),
      reports: this.reports,
      pinned: () => this.pinned,
      waitingBytesMax,
      ...(settledMax !== undefined && { settledMax }),
      clock: {
        monotonicMs: () => this.#nowMs as MonotonicMs,
        wallMs: () => (ANCHOR_MS + region.nowMs) as WallMs,
      },
      logTime: () => region.nowMs as LogTimeMs,
      propose: (change, done) => {
        this.proposed.push(change);
        const answer = region.change(change);
        done(!("kind" in answer) && !answer.more);
      },
      journal: {
        info: () => undefined,
        warn: () => undefined,
        error: (message, fields) => this.told.push({ message, fields }),
      },
    });
  }

  get agrees(): boolean {
    return this.#keeping.agrees;
  }

  look(): void {
    this.#nowMs += LATER_MS;
    this.#keeping.look();
  }
}

test("a region that is away is named once half of the bound waits for it, and again once it has come and gone", () => {
  const [east, north, south] = regions(CONFIG);
  if (east === undefined || north === undefined || south === undefined) throw new Error("three");
  const kept = new Kept(east, 80);
  const report = (of: Region): void => {
    kept.reports.note({ origin: of.origin, epoch: 1, vector: new Map(of.state.applied) });
  };
  east.run(put("f/a", "1"));
  kept.look();
  expect(kept.told).toEqual([]);
  east.run(del("f/a"));
  east.run(put("f/b", "1"));
  east.run(del("f/b"));
  north.pull(east);
  report(north);
  report(south);
  expect(east.state.records.waitingBytes).toBe(2 * (3 + 32));
  kept.look();
  kept.look();
  expect(kept.told).toEqual([
    {
      message: "deletes and conflicts wait for regions: part those that do not come back",
      fields: { regions: "south", waitingBytes: 70, boundBytes: 80 },
    },
  ]);
  south.pull(east);
  report(south);
  kept.look();
  kept.look();
  expect(east.state.records).toMatchObject({ waitingBytes: 0, tombstones: 0 });
  east.run(put("f/a", "1"));
  east.run(del("f/a"));
  kept.look();
  expect(kept.told).toHaveLength(1);
  east.run(put("f/b", "1"));
  east.run(del("f/b"));
  kept.look();
  expect(kept.told).toHaveLength(2);
});

test("conflicts that another policy settles are settled, though nobody writes any more", () => {
  const open = configOf(2, [policy("f/", { policy: "siblings" })]);
  const [east, north] = regions(open);
  if (east === undefined || north === undefined) throw new Error("two");
  const kept = new Kept(north, Infinity);
  east.run(put("f/a", "1"));
  north.run(put("f/a", "2"));
  for (const [to, from] of [
    [east, north],
    [north, east],
  ] as const) {
    to.pull(from);
  }
  kept.reports.note({ origin: east.origin, epoch: 1, vector: new Map(east.state.applied) });
  for (let round = 0; round < 4; round += 1) kept.look();
  expect(north.siblings("f/a")).toHaveLength(2);
  expect(kept.agrees).toBe(true);
  const settling = { ...configOf(2, [policy("f/")]), epoch: 2 };
  for (const region of [east, north]) region.configure(settling);
  expect(kept.agrees).toBe(false);
  for (let round = 0; round < 4; round += 1) kept.look();
  expect(north.siblings("f/a")).toHaveLength(2);
  kept.reports.note({ origin: east.origin, epoch: 2, vector: new Map(east.state.applied) });
  expect(kept.agrees).toBe(true);
  for (let round = 0; round < 4; round += 1) kept.look();
  expect(north.siblings("f/a")).toEqual(["2:1"]);
});

test("regions of which one has a policy that the other has not yet do not settle each other's write away", () => {
  const [east, north] = regions(configOf(2, [policy("f/", { policy: "first-writer" })]));
  if (east === undefined || north === undefined) throw new Error("two");
  const all = [new Kept(east, Infinity), new Kept(north, Infinity)];
  const settleAndTell = (): void => {
    for (let round = 0; round < 4; round += 1) for (const kept of all) kept.look();
    for (const { reports } of all) {
      for (const { origin, state } of [east, north]) {
        const epoch = state.config?.epoch ?? 0;
        reports.note({ origin, epoch, vector: new Map(state.applied) });
      }
    }
  };
  east.run(put("f/a", "first"));
  north.nowMs = 50;
  north.run(put("f/a", "last"));
  north.pull(east);
  east.pull(north);
  settleAndTell();
  north.configure({ ...configOf(2, [policy("f/")]), epoch: 2 });
  settleAndTell();
  north.pull(east);
  east.pull(north);
  settleAndTell();
  for (const region of [east, north]) expect(region.get("f/a")).toBe("first");
});

test("conflicts behind more than one entry takes are settled, though those are nobody's to settle", () => {
  const open = policy("a/", { policy: "siblings" });
  const [east, north] = regions(configOf(2, [open, policy("f/")]));
  if (east === undefined || north === undefined) throw new Error("two");
  const kept = new Kept(north, Infinity, 2);
  for (const region of [east, north]) {
    for (const key of ["a/1", "a/2", "a/3", "f/a"]) region.run(put(key, "1"));
  }
  north.pull(east);
  east.pull(north);
  kept.reports.note({ origin: east.origin, epoch: 1, vector: new Map(east.state.applied) });
  for (let round = 0; round < 6; round += 1) kept.look();
  expect(north.siblings("f/a")).toHaveLength(1);
  expect(north.state.records.contested).toBe(3);
  // Nothing is logged of those that nobody settles.
  const settled = kept.proposed.flatMap((one) => (one.change === "settle" ? [one.keys] : []));
  expect(settled).toEqual([["f/a"]]);
});

test("siblings count with their values, and as many after a restart", () => {
  const [east, north] = regions(CONFIG);
  if (east === undefined || north === undefined) throw new Error("two");
  east.run(put("f/a", "four"));
  expect(east.state.records.waitingBytes).toBe(0);
  north.run(put("f/a", "seven.."));
  east.pull(north);
  expect(east.state.records.waitingBytes).toBe(3 + 2 * 32 + 4 + 7);
  east.restart();
  expect(east.state.records.waitingBytes).toBe(3 + 2 * 32 + 4 + 7);
  east.run(put("f/a", "seen"));
  expect(east.state.records.waitingBytes).toBe(0);
});

test("what goes on from a snapshot that is on its way is retained until that has come (federation 10)", () => {
  const [east, north] = regions(configOf(2, [policy("f/")]));
  if (east === undefined || north === undefined) throw new Error("two");
  const kept = new Kept(east, Infinity);
  east.run(put("f/a", "1"));
  north.pull(east);
  kept.reports.note({ origin: north.origin, epoch: 1, vector: new Map(north.state.applied) });
  kept.pinned = [new Map()];
  for (let round = 0; round < 4; round += 1) kept.look();
  expect(east.state.retention.firstOf(east.origin)).toBe(1);
  kept.pinned = [];
  for (let round = 0; round < 4; round += 1) kept.look();
  expect(east.state.retention.firstOf(east.origin)).toBeUndefined();
});
