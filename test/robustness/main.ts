// The robustness harness on real processes: strikes a cluster under all its traffic for some minutes and judges what
// was seen. Ends with a line of figures, and a non-zero code on a violation.
import { parseArgs } from "node:util";
import { PROTOCOLS } from "../e2e/cluster.ts";
import { Network } from "../integration/netns/network.ts";
import { runReal } from "./real-run.ts";

const USAGE =
  "npm run robustness -- [--protocol raft|paxos] [--minutes 5] [--seed N] [--election-timeout MS]";
const NAMES = ["n1", "n2", "n3", "l1"];
const VIOLATIONS_SHOWN = 20;

async function network(): Promise<Network | undefined> {
  try {
    return await Network.create(NAMES);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.log(`no partitions here, kills and pauses alone: ${why.split("\n")[0] ?? ""}`);
    return undefined;
  }
}

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      protocol: { type: "string", default: "raft" },
      minutes: { type: "string", default: "5" },
      seed: { type: "string", default: String(process.pid) },
      "election-timeout": { type: "string", default: "500" },
    },
  });
  const protocol = PROTOCOLS.find((name) => name === values.protocol);
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  const electionTimeoutMs = Number(values["election-timeout"]);
  const isClear = minutes > 0 && Number.isSafeInteger(seed) && electionTimeoutMs >= 100;
  if (protocol === undefined || !isClear) {
    console.error(USAGE);
    return 2;
  }
  const own = await network();
  const beganAtMs = performance.now();
  const note = (line: string): void => {
    console.log(`${((performance.now() - beganAtMs) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  };
  try {
    const { violations, ...figures } = await runReal({
      protocol,
      seed,
      forMs: minutes * 60_000,
      electionTimeoutMs,
      note,
      ...(own === undefined ? {} : { network: own }),
    });
    for (const violation of violations.slice(0, VIOLATIONS_SHOWN)) console.log(violation);
    const counts = Object.entries(figures).map(([name, count]) => `${name} ${count}`);
    console.log(`${protocol}, seed ${seed}: ${counts.join(", ")}, violations ${violations.length}`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await own?.close();
  }
}

run().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
