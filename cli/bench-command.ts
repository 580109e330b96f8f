// `hansa bench`: a small load from this process, with percentiles; and what its numbers are.
import { Argument } from "commander";
import type { Command } from "commander";
import type { ReadMode } from "../client/index.ts";
import { fill, getLoad, putLoad, watchLoad } from "./bench-load.ts";
import type { BenchKind, BenchPlan, BenchResult } from "./bench-load.ts";
import { withExamples } from "./examples.ts";
import { CliExit } from "./exit-code.ts";
import { countBetween, readModeValue, spanOption } from "./flag-value.ts";
import { Progress } from "./progress.ts";
import { withSession } from "./session.ts";
import { interruptionOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";
import type { View } from "./view.ts";

interface BenchFlags {
  readonly callers: number;
  readonly duration: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly prefix: string;
  readonly read?: ReadMode;
  readonly watchers: number;
}

const HONEST = `
One process asks in a closed loop: each caller asks again when it is answered, all over one connection a member.
So the rate says what this many callers get, not what the cluster could give, a slow answer hides those that would
have come meanwhile, and the CPU of this process is in every number.
`;

const LOADS = { put: putLoad, get: getLoad, watch: watchLoad } as const;

export function addBenchCommand(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const bench = program
    .command("bench")
    .summary("put a small load on the cluster, and print rates and percentiles")
    .description(`put a small load on the cluster, and print rates and percentiles\n${HONEST}`)
    .addArgument(new Argument("<kind>").choices(Object.keys(LOADS)))
    .option("--callers <count>", "calls at once", countBetween(1, 4_096), 32)
    .addOption(spanOption("--duration <span>", "of the load", "5s"))
    .option("--keys <count>", "that it is spread over", countBetween(1, 10_000_000), 1_000)
    .option("--value-bytes <count>", "of each value", countBetween(16, 1_048_576), 256)
    .option("--prefix <text>", "of its keys, which are deleted at the end", "hansa-bench/")
    .option("--read <mode>", "of get", readModeValue)
    .option(
      "--watchers <count>",
      "of watch: each is told of every put",
      countBetween(1, 10_000),
      10,
    )
    .action(async (kind: BenchKind, flags: BenchFlags, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const stop = interruptionOf(stdio);
        const plan: BenchPlan = { ...flags, durationMs: flags.duration };
        const progress = new Progress(stdio, { label: kind, unit: "operations" });
        try {
          if (kind === "get") await fill(client, plan, stop);
          const result = await LOADS[kind](client, plan, stop, (done) => {
            progress.at(done);
          });
          progress.end();
          print(resultView(result));
          if (result.latency.count === 0) onExit(CliExit.failed);
        } finally {
          progress.end();
          await client.delete({ prefix: flags.prefix });
        }
      });
    });
  withExamples(
    bench,
    ["bench put --callers 64 --duration 10s", "writes"],
    ["bench get --read lease -w json", "reads of one mode"],
    ["bench watch --watchers 100", "from a put to its events"],
  );
}

const QUANTILES = [0.5, 0.9, 0.99, 0.999] as const;
const HEAD = [
  "LOAD",
  "CALLERS",
  "SECONDS",
  "COUNT",
  "PER SECOND",
  "P50",
  "P90",
  "P99",
  "P99.9",
  "MAX",
];

function resultView({ kind, callers, seconds, latency, failures }: BenchResult): View {
  const { count, maxMs } = latency;
  const rate = seconds === 0 ? 0 : count / seconds;
  const quantiles = QUANTILES.map((share) => latency.quantileMs(share));
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  const times = [...quantiles, maxMs].map(ms);
  const failed = [...failures].map(([code, times]) => `${code} ${times}`).join(", ");
  const cells = [
    kind,
    String(callers),
    seconds.toFixed(1),
    String(count),
    rate.toFixed(0),
    ...times,
  ];
  const lines = HEAD.map((title, at) => `${title.toLowerCase()}: ${cells[at] ?? ""}\n`);
  const [p50 = 0, p90 = 0, p99 = 0, p999 = 0] = quantiles;
  return {
    simple: [...lines, ...(failed === "" ? [] : [`failed: ${failed}\n`])],
    table: {
      head: [...HEAD, "FAILED"],
      rows: [[...cells, failed]],
      tone: (column) => (column === "FAILED" ? "bad" : undefined),
    },
    json: {
      ...{ load: kind, callers, seconds, count, perSecond: rate },
      latencyMs: { p50, p90, p99, "p99.9": p999, max: maxMs },
      failures: Object.fromEntries(failures),
    },
  };
}
