// What a write costs in three regions 40 ms from each other, where the machine's processors are busy for 70 % of the time:
// how long until it is acknowledged, beside a lone region and beside keys that are not federated, and how long until the
// other regions are told of it. Numbers only.
import { expect, test } from "@jest/globals";
import type { Region } from "../../examples/federation/founding.ts";
import type { FederationLoadPlan, RegionLoadReport } from "./federation-load.ts";
import { FEDERATED, FederationWorld, ONE_WAY_MS } from "./federation-world.ts";
import type { Measured } from "./federation-world.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

const MEASURE_MS = Number(process.env["HANSA_BENCH_SECONDS"] ?? "60") * 1_000;
const WARM_UP_MS = Math.min(5_000, MEASURE_MS / 2);
/** How long the most that they take is measured, and how long it is looked how busy the machine is. */
const MOST_MS = MEASURE_MS / 2;
const PROBE_MS = MEASURE_MS / 3;
/** Of each region, while it is found out what the machine takes at most, however long a write then takes. */
const CALLERS = 32;
/** Of the time, in which processors are busy. */
const SHARE = 0.7;
/**
 * Writes a second and region at which it is first looked how busy they are, and looks at the paces that follow: at least
 * so many that what is written often is compiled by then, as it is in members that have served for a while.
 */
const PROBE_PER_SECOND = 40;
const PROBES_MIN = 8;
const PROBES_MAX = 20;
/** One look wavers: so many in a row have to come so near to SHARE. */
const NEAR_PROBES = 2;
const NEAR = 0.02;
/** From one look to the next. */
const STEP_MAX = 4;
const VALUE_BYTES = 256;
const KEYS_PER_REGION = 1_000;
/** Three times what a quiet machine takes. */
const RUN_MS_MAX = 50 * 60_000;

const NOTHING_LOST = { failures: 0, unseen: 0 };

interface Row {
  readonly subject: string;
  readonly report: RegionLoadReport;
  readonly cores: number;
  /** Of the machine. */
  readonly busy: number;
  readonly stolen: number;
}

type Load = Pick<FederationLoadPlan, "prefix" | "pace" | "isWatched">;

async function run(
  world: FederationWorld,
  regions: readonly Region[],
  plan: Load,
  measureMs = MEASURE_MS,
): Promise<Measured> {
  const load = world.load(regions, {
    ...plan,
    warmUpMs: WARM_UP_MS,
    measureMs,
    keysPerRegion: KEYS_PER_REGION,
    valueBytes: VALUE_BYTES,
  });
  await load.begun();
  return load.measured();
}

/** Writes a second and region, with so many callers, that all regions keep up with: their own, and those of the others. */
async function mostOf(world: FederationWorld): Promise<number> {
  const pace = { kind: "closed", callers: CALLERS } as const;
  const plan = { prefix: `${FEDERATED}most/`, pace, isWatched: true };
  const { regions } = await run(world, world.regions, plan, MOST_MS);
  const keptUp = regions.map(({ perSecond, toldPerSecond }) => perSecond + toldPerSecond);
  return Math.min(...keptUp) / regions.length;
}

/**
 * Writes a second and region at which processors are busy for SHARE of the time. What a write takes of them falls as
 * more come at once, so it is looked for in steps, each along the line from doing nothing to the step before.
 */
async function steadyPace(world: FederationWorld): Promise<number> {
  const busyAt = async (perSecond: number, probe: number): Promise<number> => {
    const plan = { prefix: `${FEDERATED}probe${probe}/`, isWatched: true };
    const pace = { kind: "open", perSecond } as const;
    return (await run(world, world.regions, { ...plan, pace }, PROBE_MS)).busy;
  };
  const idle = await busyAt(0, 0);
  if (idle > SHARE / 2) throw new Error(`this machine is busy with something else: ${idle}`);
  let pace = PROBE_PER_SECOND;
  let near: number[] = [];
  for (let probe = 1; probe <= PROBES_MAX; probe += 1) {
    const busy = await busyAt(pace, probe);
    near = Math.abs(busy - SHARE) <= NEAR ? [...near, pace] : [];
    if (probe >= PROBES_MIN && near.length >= NEAR_PROBES) break;
    pace *= Math.min(STEP_MAX, (SHARE - idle) / Math.max(busy - idle, 0.01));
  }
  const settled = near.length === 0 ? [pace] : near;
  return settled.reduce((sum, one) => sum + one, 0) / settled.length;
}

/** At once: what follows may fail. */
function printRows({ regions, cores, busy, stolen }: Measured, what: string): Row[] {
  const rows = regions.map((report) => {
    const subject = `${report.name}, ${what}`;
    return { subject, report, cores: cores.get(report.name) ?? 0, busy, stolen };
  });
  process.stdout.write(`\n${formatTable(cellsOf(rows))}\n`);
  return rows;
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
    "machine busy, %",
    "taken by its host, %",
    "due and not begun",
  ];
  const body = rows.map(({ subject, report, cores, busy, stolen }) => {
    const { perSecond, skipped, ackMs, seenMs, seenSinceAskedMs } = report;
    const isSeen = seenMs.p50 > 0;
    return [
      subject,
      shortNumber(perSecond),
      `${shortNumber(ackMs.p50)} / ${shortNumber(ackMs.p99)}`,
      isSeen ? beyond(seenMs) : "",
      isSeen ? beyond(seenSinceAskedMs) : "",
      cores.toFixed(2),
      (busy * 100).toFixed(0),
      (stolen * 100).toFixed(1),
      String(skipped),
    ];
  });
  return [head, ...body];
}

interface Scene {
  readonly most: number;
  readonly busy: number;
  readonly wentFirst: boolean;
  readonly rows: readonly Row[];
}

/** Federated keys at both loads; `more` is measured after them, at the pace of the first. */
async function measureScene(
  members: number,
  more: (world: FederationWorld, own: Load) => Promise<Row[]>,
): Promise<Scene> {
  const world = await FederationWorld.start(members);
  try {
    const most = await mostOf(world);
    const perSecond = await steadyPace(world);
    const pace = { kind: "open", perSecond } as const;
    const half = { kind: "open", perSecond: perSecond / 2 } as const;
    const easy = { prefix: `${FEDERATED}easy/`, pace: half, isWatched: true };
    const federated = { prefix: `${FEDERATED}steady/`, pace, isWatched: true };
    const share = { kind: "open", perSecond: SHARE * most } as const;
    const crowded = { prefix: `${FEDERATED}crowded/`, pace: share, isWatched: true };
    const of = members === 1 ? "one member, " : "";
    const rows = printRows(
      await run(world, world.regions, easy),
      `${of}federated keys, half as many`,
    );
    const measured = await run(world, world.regions, federated);
    rows.push(...printRows(measured, `${of}federated keys`));
    const ofMost = `${of}federated keys, ${SHARE * 100} % of the most`;
    rows.push(...printRows(await run(world, world.regions, crowded), ofMost));
    rows.unshift(...(await more(world, { prefix: "own/", pace, isWatched: false })));
    for (const { report } of rows) expect(report).toMatchObject(NOTHING_LOST);
    const { busy, wentFirst } = measured;
    return { most, busy, wentFirst, rows };
  } finally {
    await world.stop();
  }
}

async function measureAll(): Promise<void> {
  const three = await measureScene(3, async (world, own) => [
    ...printRows(await run(world, world.regions, own), "keys not federated"),
    ...printRows(await run(world, [await world.startLone()], own), "by itself"),
  ]);
  const one = await measureScene(1, () => Promise.resolve([]));
  const machine = describeMachine();
  const cells = cellsOf([...three.rows, ...one.rows]);
  const each = (figure: (scene: Scene) => number): string =>
    [three, one].map((scene) => shortNumber(figure(scene))).join(" and ");
  const busy = each((scene) => scene.busy * 100);
  const most = each((scene) => scene.most);
  const about =
    `Three regions of three members, then of one, ${ONE_WAY_MS} ms each way, ${VALUE_BYTES}-byte values, open loop; ` +
    `processors busy for ${busy} % of the time while federated keys were written, generator and network included` +
    `${three.wentFirst && one.wentFirst ? ", which ran before the members" : ""}; ` +
    `at most, with ${CALLERS} callers a region, ${most} writes a second and region`;
  process.stdout.write(`\n${formatTable(cells)}\n\n${about}; ${machineLine(machine)}\n`);
  writeResult("federation-latency", { machine, share: SHARE, three, one });
  writeReadmeSection(
    "federation-latency",
    `${markdownTable(cells)}\n\n${about}; ${machineLine(machine)}.`,
  );
}

test("measures acknowledgement and arrival at 70 % load", measureAll, RUN_MS_MAX);
