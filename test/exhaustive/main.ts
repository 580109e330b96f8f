// `npm run exhaust -- --protocol raft|paxos`: every world of the small world, with their number and the time it
// took; or, with a guard switched off, few inputs that break a promise.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import type { PlantedBug } from "../../base/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { DEMONSTRATIONS, SMALL_WORLD } from "./bounds.ts";
import type { Bounds } from "./bounds.ts";
import { search } from "./search.ts";
import type { Outcome } from "./search.ts";

const USAGE = `npm run exhaust -- [options]
  --protocol NAME   the core: raft or paxos; both without it
  --bug NAME        switch this guard off: ${Object.keys(DEMONSTRATIONS).join(", ")}
  --epochs N        rounds in which members campaign (${SMALL_WORLD.epochs})
  --campaigns N     campaigns in all (${SMALL_WORLD.campaigns})
  --values N        client commands in all (${SMALL_WORLD.values})
  --crashes N       crashes in all, at most one of each member (${SMALL_WORLD.crashes})
  --catch-up        Paxos: members ask each other for what was chosen without them
  --worlds-max N    give up behind so many worlds (${SMALL_WORLD.worldsMax})`;

const NUMBERS = ["epochs", "campaigns", "values", "crashes", "worlds-max"] as const;
const TEXT = { type: "string" } as const;
const PROGRESS_MS = 10_000;

class UsageError extends Error {
  override readonly name = "UsageError";
}

function boundsOf(args: readonly string[]): readonly Bounds[] {
  const { values } = parseArgs({
    args: [...args],
    options: {
      protocol: TEXT,
      bug: TEXT,
      epochs: TEXT,
      campaigns: TEXT,
      values: TEXT,
      crashes: TEXT,
      "worlds-max": TEXT,
      "catch-up": { type: "boolean", default: false },
    },
  });
  const [epochs, campaigns, commands, crashes, worldsMax] = NUMBERS.map((name) => {
    const text = values[name];
    if (text === undefined || /^[0-9]{1,9}$/.test(text)) return text;
    throw new UsageError(`--${name} ${text}: expected a whole number`);
  });
  const given = { epochs, campaigns, values: commands, crashes, worldsMax };
  const set = Object.entries(given).filter(([, text]) => text !== undefined);
  const numbers = Object.fromEntries(set.map(([name, text]) => [name, Number(text)]));
  const bug = bugOf(values.bug);
  return protocolsOf(values.protocol, bug).map((protocol) => ({
    ...SMALL_WORLD,
    ...(bug === undefined ? {} : { ...DEMONSTRATIONS[bug]?.bounds, planted: bug }),
    protocol,
    ...(values["catch-up"] ? { catchUp: true } : {}),
    ...numbers,
  }));
}

function protocolsOf(
  name: string | undefined,
  bug: PlantedBug | undefined,
): readonly ProtocolName[] {
  const known = bug === undefined ? undefined : DEMONSTRATIONS[bug]?.protocols;
  if (name === undefined) return known ?? ["raft", "paxos"];
  if (name === "raft" || name === "paxos") return [name];
  throw new UsageError(`--protocol ${name}: expected raft or paxos`);
}

function bugOf(name: string | undefined): PlantedBug | undefined {
  if (name === undefined) return undefined;
  const known = (Object.keys(DEMONSTRATIONS) as PlantedBug[]).find((bug) => bug === name);
  if (known !== undefined) return known;
  throw new UsageError(`--bug ${name}: expected one of ${Object.keys(DEMONSTRATIONS).join(", ")}`);
}

/** @returns whether it ended as it must: exhausted, or broken where a guard is off. */
function run(bounds: Bounds): boolean {
  const { protocol, epochs, campaigns, values, crashes, planted, catchUp } = bounds;
  const size = `${epochs} epochs, ${campaigns} campaigns, ${values} values, ${crashes} crashes`;
  const without = planted === undefined ? "" : `, without the guard of ${planted}`;
  console.log(
    `${protocol}: ${bounds.nodes} members, ${size}${catchUp ? ", catch-up" : ""}${without}`,
  );
  const beganAtMs = performance.now();
  const cpuBegan = process.cpuUsage();
  let saidAtMs = beganAtMs;
  const outcome = search(bounds, {
    onDepth(now) {
      if (performance.now() - saidAtMs < PROGRESS_MS) return;
      saidAtMs = performance.now();
      console.log(`${protocol}: ... ${lineOf(now)}`);
    },
  });
  const seconds = ((performance.now() - beganAtMs) / 1000).toFixed(1);
  const cpuSeconds = (process.cpuUsage(cpuBegan).user / 1e6).toFixed(1);
  if (outcome.violation !== undefined) {
    console.log(outcome.violation.message);
    for (const line of outcome.violation.story) console.log(`  ${line}`);
  }
  const end = outcome.violation !== undefined ? "BROKEN" : outcome.exhausted ? "exhausted" : "cut";
  const times = `wall time ${seconds} s, processor time ${cpuSeconds} s`;
  console.log(`${protocol}: ${end} ${lineOf(outcome)}, ${times}`);
  return planted === undefined ? outcome.exhausted : outcome.violation !== undefined;
}

function lineOf({ worlds, depth, combinations, memberStates, messages }: Outcome): string {
  const members = `${combinations} combinations of ${memberStates} member states`;
  return `${worlds} states, depth ${depth}, ${members}, ${messages} messages`;
}

/** Each core in a process of its own, side by side: they have nothing in common but the machine. */
async function runApart(all: readonly Bounds[], args: readonly string[]): Promise<boolean> {
  const ends = all.map(({ protocol }) => {
    const own = [...process.execArgv, process.argv[1] ?? "", ...args, "--protocol", protocol];
    const child = spawn(process.execPath, own, { stdio: "inherit" });
    return new Promise<boolean>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => {
        resolve(code === 0);
      });
    });
  });
  return (await Promise.all(ends)).every((well) => well);
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const all = boundsOf(args);
    const [only] = all;
    const well = all.length === 1 && only !== undefined ? run(only) : await runApart(all, args);
    process.exitCode = well ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.error(USAGE);
    process.exitCode = 2;
  }
}

void main(process.argv.slice(2));
