// A region that is cut off while all go on writing, and how fast it catches up once the cut heals, with the load still
// on; then all regions' keys are equal, and every conflict of the cut is in each region's record. Numbers only, but for
// those two.
import { expect, test } from "@jest/globals";
import { isEqual, sampleOf } from "../../examples/federation/founding.ts";
import type { Region } from "../../examples/federation/founding.ts";
import { tick, until } from "../e2e/until.ts";
import { FEDERATED, FederationWorld, REGIONS } from "./federation-world.ts";
import type { Measured } from "./federation-world.ts";
import { keyAt } from "./keys.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

/** A shorter cut is for a look and is no result. */
const CUT_MS = Number(process.env["HANSA_BENCH_CUT_S"] ?? "600") * 1_000;
const PER_SECOND = Number(process.env["HANSA_BENCH_RATE"] ?? "50");
const CUT = "iad";
/** Keys that both sides of the cut write during it. */
const CONTESTED = 200;
const CONTESTED_PREFIX = `${FEDERATED}contested/`;
const VALUE_BYTES = 256;
const KEYS_PER_REGION = 1_000;
const WARM_UP_MS = 2_000;
/** A look takes nine pages of metrics, made by the members that are measured. */
const POLL_MS = 500;
const CATCH_UP_MS_MAX = CUT_MS + 120_000;
const RUN_MS_MAX = 3 * CUT_MS + 15 * 60_000;
/** Behind by less than this of the writes of one region, it has caught up: so much is always on its way. */
const ON_THE_WAY_MS = 1_000;

interface CatchUp {
  /** That others had and it had not, when the cut healed. */
  readonly lacked: number;
  /** Of the others, applied until it had caught up: those and what was written meanwhile. */
  readonly applied: number;
  readonly seconds: number;
}

/** By region: the last of its transactions that `region` has applied. */
async function appliedBy(region: Region): Promise<ReadonlyMap<string, number>> {
  const counts = await Promise.all(
    REGIONS.map(async (name, at) => {
      const labels = `\\{origin="${at + 1}",region="${name}"\\}`;
      return [name, await sampleOf(region, `hansa_federation_applied${labels}`)] as const;
    }),
  );
  return new Map(counts);
}

/** Of the origins other than `of`, what their own regions have and `of` has not. */
async function behind(world: FederationWorld, of: Region): Promise<Omit<CatchUp, "seconds">> {
  const here = await appliedBy(of);
  const others = world.regions.filter(({ name }) => name !== of.name);
  let [lacked, applied] = [0, 0];
  for (const other of others) {
    const there = (await appliedBy(other)).get(other.name) ?? 0;
    const count = here.get(other.name) ?? 0;
    lacked += Math.max(0, there - count);
    applied += count;
  }
  return { lacked, applied };
}

async function catchUp(world: FederationWorld): Promise<CatchUp> {
  const region = world.region(CUT);
  const before = await behind(world, region);
  const healedAtMs = performance.now();
  world.wan.heal();
  const enough = (2 * PER_SECOND * ON_THE_WAY_MS) / 1_000;
  const after = await until(`${CUT} has caught up`, CATCH_UP_MS_MAX, async () => {
    const standing = await behind(world, region);
    if (standing.lacked > enough) {
      await tick(POLL_MS);
      return undefined;
    }
    return standing;
  });
  const seconds = (performance.now() - healedAtMs) / 1_000;
  return { lacked: before.lacked, applied: after.applied - before.applied, seconds };
}

/** One after the other, each on both sides of the cut: so many conflicts, and no more. */
async function contest(world: FederationWorld): Promise<void> {
  for (let at = 0; at < CONTESTED; at += 1) {
    for (const name of ["ams", CUT] as const) {
      const key = `${CONTESTED_PREFIX}${keyAt(at)}`;
      await world.region(name).client.put(key, `${name} says ${at}`);
    }
  }
}

/** By contested key: the write that won and those that lost, as the region's record has them. */
async function recordOf({ client }: Region): Promise<ReadonlyMap<string, string>> {
  const record = new Map<string, string>();
  const keys = { prefix: CONTESTED_PREFIX };
  let from = 0;
  for (;;) {
    const { conflicts, next, more } = await client.conflicts.settled({ keys, from });
    for (const { key, kept, lost } of conflicts) {
      const dots = [kept, ...lost.map(({ dot }) => dot)];
      const text = dots.map(({ origin, sequence }) => `${origin}:${sequence}`).join(" ");
      record.set(Buffer.from(key).toString(), text);
    }
    if (!more) return record;
    from = next;
  }
}

/** Once everybody has everything, what lost is settled. */
async function recordsOf(world: FederationWorld): Promise<ReadonlyMap<string, string>[]> {
  return until("every conflict is settled everywhere", CATCH_UP_MS_MAX, async () => {
    const records = await Promise.all(world.regions.map(recordOf));
    return records.every(({ size }) => size === CONTESTED) ? records : undefined;
  });
}

function cellsOf(caught: CatchUp, { regions, cores }: Measured, sameAfterMs: number): string[][] {
  const written = regions.reduce((sum, { perSecond }) => sum + perSecond, 0);
  const arriving = regions
    .filter(({ name }) => name !== CUT)
    .reduce((sum, { perSecond }) => sum + perSecond, 0);
  const lost = regions.reduce((sum, { failures, skipped }) => sum + failures + skipped, 0);
  const rate = caught.applied / caught.seconds;
  const used = [...cores].map(([name, each]) => `${name} ${each.toFixed(2)}`).join(", ");
  return [
    [`${CUT} cut off for ${CUT_MS / 1_000} s under load`, "figure"],
    ["writes/s, all regions", shortNumber(written)],
    ["writes/s of the other two", shortNumber(arriving)],
    ["writes of all that failed", String(lost)],
    ["transactions it lacked", shortNumber(caught.lacked)],
    ["seconds until it had caught up, the load still on", shortNumber(caught.seconds)],
    ["transactions/s it applied meanwhile", shortNumber(rate)],
    ["of the write rate of all regions", `${(rate / written).toFixed(1)} times`],
    ["of the write rate of the other two", `${(rate / arriving).toFixed(1)} times`],
    ["seconds until all keys were equal, the load over", shortNumber(sameAfterMs / 1_000)],
    ["conflicts of the cut, each in every region's record", String(CONTESTED)],
    ["CPU over the whole run, cores", used],
  ];
}

async function measureAll(): Promise<void> {
  const world = await FederationWorld.start();
  try {
    const load = world.load(world.regions, {
      prefix: FEDERATED,
      pace: { kind: "open", perSecond: PER_SECOND },
      isWatched: false,
      warmUpMs: WARM_UP_MS,
      measureMs: RUN_MS_MAX,
      keysPerRegion: KEYS_PER_REGION,
      valueBytes: VALUE_BYTES,
    });
    await load.begun();
    world.wan.cut(CUT);
    const cutAtMs = performance.now();
    await contest(world);
    await tick(Math.max(0, cutAtMs + CUT_MS - performance.now()));
    const caught = await catchUp(world);
    load.end();
    const measured = await load.measured();
    const endedAtMs = performance.now();
    await until("all regions' keys are equal", CATCH_UP_MS_MAX, async () =>
      (await isEqual(world.regions, FEDERATED)) ? true : undefined,
    );
    const sameAfterMs = performance.now() - endedAtMs;
    const [record, ...others] = await recordsOf(world);
    for (const other of others) expect(other).toEqual(record);
    const machine = describeMachine();
    const cells = cellsOf(caught, measured, sameAfterMs);
    process.stdout.write(`\n${formatTable(cells)}\n\n${machineLine(machine)}\n`);
    const cores = Object.fromEntries(measured.cores);
    writeResult("federation-catch-up", { machine, cutMs: CUT_MS, caught, ...measured, cores });
    writeReadmeSection(
      "federation-catch-up",
      `${markdownTable(cells)}\n\n${machineLine(machine)}.`,
    );
  } finally {
    await world.stop();
  }
}

test("measures how fast a region that was cut off catches up", measureAll, RUN_MS_MAX);
