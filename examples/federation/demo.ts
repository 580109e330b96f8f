// `npm run demo:federation`: three regions of three members with a delay between them. They write at the same time, one
// is cut off and goes on writing, the cut heals, and all show the same. Then it is left running to play with; with
// `--once` it ends, non-zero unless all regions' keys are equal, and its last line is the figures.
import { conflictsOf, foundFederation, isEqual, startRegions, until } from "./founding.ts";
import type { Region } from "./founding.ts";
import { Arrivals, msText, percentile, writeSteadily } from "./measure.ts";
import type { Acknowledged } from "./measure.ts";
import { Processes, endpointsOf } from "./regions.ts";
import { WideArea } from "./wide-area.ts";

const REGIONS = ["ams", "fra", "iad"] as const;
/** Between any two regions; there and back it is twice as much. */
const ONE_WAY_MS = 40;
const HEAL_MS_MAX = 60_000;
const WRITES = 60;
/** Slow enough for two cores on which all twelve members run. */
const EVERY_MS = 100;
const PREFIX = "demo/";
const CUT_REGION = "iad";

interface Figures {
  writes: number;
  conflicts: number;
  readonly ackMs: number[];
  readonly lagMs: number[];
  converged: boolean;
}

function say(text: string): void {
  console.log(text);
}

async function writeEverywhere(regions: readonly Region[], figures: Figures): Promise<void> {
  const watches = await Promise.all(
    regions.map(async ({ name, client }) => ({
      name,
      arrivals: await Arrivals.from(client, `${PREFIX}load/`),
    })),
  );
  const load = { prefix: `${PREFIX}load/`, count: WRITES, everyMs: EVERY_MS };
  const written = await Promise.all(
    regions.map(async ({ name, client }) => ({
      name,
      done: await writeSteadily(client, name, load),
    })),
  );
  await until("every write is told everywhere", HEAL_MS_MAX, () =>
    written.every(({ done }) =>
      watches.every(({ arrivals }) => arrivals.toldAtMs(done.at(-1)?.value ?? "") !== undefined),
    ),
  );
  for (const { name, done } of written) {
    figures.writes += done.length;
    figures.ackMs.push(...done.map(({ askedAtMs, atMs }) => atMs - askedAtMs));
    for (const watch of watches) {
      if (watch.name !== name) figures.lagMs.push(...lagsOf(done, watch.arrivals));
    }
  }
  for (const { arrivals } of watches) await arrivals.close();
  const { ackMs, lagMs } = figures;
  say(
    `  acknowledged at local latency: p50 ${msText(percentile(ackMs, 0.5))}, p99 ${msText(percentile(ackMs, 0.99))}`,
  );
  say(
    `  seen in the other regions after: p50 ${msText(percentile(lagMs, 0.5))}, p99 ${msText(percentile(lagMs, 0.99))}`,
  );
}

/** From the acknowledgement until the watch was told. */
function lagsOf(done: readonly Acknowledged[], arrivals: Arrivals): number[] {
  return done.flatMap(({ value, atMs }) => {
    const toldAtMs = arrivals.toldAtMs(value);
    return toldAtMs === undefined ? [] : [toldAtMs - atMs];
  });
}

/** What a region's own copy of a key says. */
async function shown({ client }: Region, key: string): Promise<string> {
  const { kv } = await client.get(key);
  return kv?.text() ?? "(nothing)";
}

async function cutAndHeal(
  regions: readonly Region[],
  wan: WideArea,
  figures: Figures,
): Promise<void> {
  say(`\n${CUT_REGION} is cut off. All three write the same five keys.`);
  wan.cut(CUT_REGION);
  for (let at = 0; at < 5; at += 1) {
    for (const { name, client } of regions) {
      const askedAtMs = performance.now();
      await client.put(`${PREFIX}shared/${at}`, `${name} says ${at}`);
      figures.ackMs.push(performance.now() - askedAtMs);
      figures.writes += 1;
    }
  }
  for (const region of regions) {
    say(`  ${region.name} shows demo/shared/0 = ${await shown(region, "demo/shared/0")}`);
  }
  say("The cut heals.");
  wan.heal();
  const healedAtMs = performance.now();
  await until("all regions show the same after the cut", HEAL_MS_MAX, () =>
    isEqual(regions, PREFIX),
  );
  say(`  all show the same after ${(performance.now() - healedAtMs).toFixed(0)} ms`);
  for (const region of regions) {
    say(`  ${region.name} shows demo/shared/0 = ${await shown(region, "demo/shared/0")}`);
  }
}

function howToPlay(regions: readonly Region[]): string {
  const [first, second] = regions;
  if (first === undefined || second === undefined) return "";
  return [
    "\nLeft running. To try:",
    `  npx hansa put demo/x hello --endpoints ${endpointsOf(first.group).join(",")}`,
    `  npx hansa get demo/x --endpoints ${endpointsOf(second.group).join(",")}`,
    `  npx hansa federation status -w table --endpoints ${endpointsOf(first.group).join(",")}`,
    "Ctrl-C ends it and removes its data.",
  ].join("\n");
}

/** Of whoever is ended by Ctrl-C. */
const INTERRUPTED = 130;

interface World {
  readonly wan: WideArea;
  readonly processes: Processes;
  /** Those that are started. */
  readonly regions: Region[];
}

async function demonstrate({ wan, processes, regions }: World): Promise<Figures> {
  const figures: Figures = { writes: 0, conflicts: 0, ackMs: [], lagMs: [], converged: false };
  say(
    `Three regions of three members, ${2 * ONE_WAY_MS} ms between them (${ONE_WAY_MS} each way); ` +
      `data in ${processes.folder}`,
  );
  regions.push(...(await startRegions(processes, REGIONS)));
  await foundFederation(regions, PREFIX);
  say(`\nEvery region writes ${WRITES} times, one write every ${EVERY_MS} ms.`);
  await writeEverywhere(regions, figures);
  await cutAndHeal(regions, wan, figures);
  const [first] = regions;
  figures.conflicts = first === undefined ? 0 : await conflictsOf(first);
  figures.converged = await isEqual(regions, PREFIX);
  return figures;
}

/** @returns its exit code, once no process is left and no data. */
async function run(once: boolean): Promise<number> {
  const interrupted = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve(undefined));
  });
  const wan = new WideArea(ONE_WAY_MS);
  const world: World = { wan, processes: new Processes(wan), regions: [] };
  let figures: Figures | undefined;
  try {
    figures = await Promise.race([demonstrate(world), interrupted]);
    if (figures !== undefined && !once) {
      say(howToPlay(world.regions));
      await interrupted;
    }
  } finally {
    for (const { client } of world.regions) await client.close();
    await world.processes.stop();
    wan.close();
  }
  if (figures === undefined) return INTERRUPTED;
  const { writes, conflicts, lagMs, converged } = figures;
  say(
    `regions ${REGIONS.length}, writes ${writes}, conflicts ${conflicts}, ` +
      `lag p99 ${msText(percentile(lagMs, 0.99))}, converged ${converged ? "yes" : "no"}`,
  );
  return converged ? 0 : 1;
}

run(process.argv.includes("--once")).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
