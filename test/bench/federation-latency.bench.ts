// What a write costs in three regions 40 ms from each other, at 70 % of the load that this machine takes: how long until
// it is acknowledged, beside a lone region and beside keys that are not federated, and how long until the other regions
// are told of it. Numbers only.
import { expect, test } from "@jest/globals";
import type { Region } from "../../examples/federation/founding.ts";
import type { FederationLoadPlan, RegionLoadReport } from "./federation-load.ts";
import { FEDERATED, FederationWorld, ONE_WAY_MS } from "./federation-world.ts";
import type { Measured } from "./federation-world.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

const MEASURE_MS = Number(process.env["HANSA_BENCH_SECONDS"] ?? "30") * 1_000;
const WARM_UP_MS = Math.min(5_000, MEASURE_MS / 2);
/** Of each region, while it is found out what the machine takes. */
const CALLERS = 32;
const SHARE = 0.7;
const VALUE_BYTES = 256;
const KEYS_PER_REGION = 1_000;
/** Five times what a quiet machine takes. */
const RUN_MS_MAX = 20 * 60_000;

const NOTHING_LOST = { failures: 0, skipped: 0, unseen: 0 };

interface Row {
  readonly subject: string;
  readonly report: RegionLoadReport;
  readonly cores: number;
}

async function run(
  world: FederationWorld,
  regions: readonly Region[],
  plan: Pick<FederationLoadPlan, "prefix" | "pace" | "isWatched">,
): Promise<Measured> {
  const load = world.load(regions, {
    ...plan,
    warmUpMs: WARM_UP_MS,
    measureMs: MEASURE_MS,
    keysPerRegion: KEYS_PER_REGION,
    valueBytes: VALUE_BYTES,
  });
  await load.begun();
  return load.measured();
}

/** Writes a second and region that all regions keep up with: their own, and those of the others. */
async function capacity(world: FederationWorld): Promise<number> {
  const pace = { kind: "closed", callers: CALLERS } as const;
  const plan = { prefix: `${FEDERATED}all/`, pace, isWatched: true };
  const { regions } = await run(world, world.regions, plan);
  const keptUp = regions.map(({ perSecond, toldPerSecond }) => perSecond + toldPerSecond);
  return Math.min(...keptUp) / regions.length;
}

function rowsOf({ regions, cores }: Measured, what: string): Row[] {
  return regions.map((report) => {
    const subject = `${report.name}, ${what}`;
    return { subject, report, cores: cores.get(report.name) ?? 0 };
  });
}

/** Beyond what the way takes; of writes that are seen elsewhere at all. */
function beyond({ p50, p99 }: RegionLoadReport["seenMs"]): string {
  return `${shortNumber(p50 - ONE_WAY_MS)} / ${shortNumber(p99 - ONE_WAY_MS)}`;
}

function cellsOf(rows: readonly Row[]): string[][] {
  const head = [
    "region",
    "writes/s",
    "acknowledged, p50 / p99 ms",
    `seen elsewhere ${ONE_WAY_MS} ms after that and, p50 / p99 ms`,
    "the same since it was asked for",
    "CPU, cores",
  ];
  const body = rows.map(({ subject, report, cores }) => {
    const { perSecond, ackMs, seenMs, seenSinceAskedMs } = report;
    const isSeen = seenMs.p50 > 0;
    return [
      subject,
      shortNumber(perSecond),
      `${shortNumber(ackMs.p50)} / ${shortNumber(ackMs.p99)}`,
      isSeen ? beyond(seenMs) : "",
      isSeen ? beyond(seenSinceAskedMs) : "",
      cores.toFixed(2),
    ];
  });
  return [head, ...body];
}

async function measureAll(): Promise<void> {
  const world = await FederationWorld.start();
  try {
    const lone = await world.startLone();
    const takes = await capacity(world);
    const pace = { kind: "open", perSecond: takes * SHARE } as const;
    const own = { prefix: "own/", pace, isWatched: false };
    const federated = { prefix: `${FEDERATED}steady/`, pace, isWatched: true };
    const rows = [
      ...rowsOf(await run(world, [lone], own), "by itself"),
      ...rowsOf(await run(world, world.regions, own), "keys not federated"),
      ...rowsOf(await run(world, world.regions, federated), "federated keys"),
    ];
    for (const { report } of rows) expect(report).toMatchObject(NOTHING_LOST);
    const machine = describeMachine();
    const cells = cellsOf(rows);
    const about =
      `Three regions of three members, ${ONE_WAY_MS} ms each way, ${VALUE_BYTES}-byte values, open loop at ` +
      `${SHARE * 100} % of the ${shortNumber(takes)} writes a second and region that this machine takes`;
    process.stdout.write(`\n${formatTable(cells)}\n\n${about}; ${machineLine(machine)}\n`);
    writeResult("federation-latency", { machine, takes, share: SHARE, rows });
    writeReadmeSection(
      "federation-latency",
      `${markdownTable(cells)}\n\n${about}; ${machineLine(machine)}.`,
    );
  } finally {
    await world.stop();
  }
}

test("measures acknowledgement and arrival at 70 % load", measureAll, RUN_MS_MAX);
