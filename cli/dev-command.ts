// `hansa dev`: a cluster to develop against, in one command.
import { join, resolve } from "node:path";
import { Option } from "commander";
import type { Command } from "commander";
import { runDevCluster } from "./dev-cluster.ts";
import type { StopWish } from "./dev-cluster.ts";
import type { CliExit } from "./exit-code.ts";
import { countBetween } from "./flag-value.ts";
import type { Stdio } from "./stdio.ts";

interface DevFlags {
  readonly nodes: number;
  readonly learners: number;
  readonly dataDir: string;
  readonly consensus: string;
  readonly basePort?: number;
  readonly tls?: boolean;
}

const DATA_DIR = join("hansa-data", "dev");

export function addDevCommand(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  program
    .command("dev")
    .description("run a cluster of real processes on this machine, for development")
    .option("--nodes <count>", "voters", countBetween(1, 9), 3)
    .option(
      "--learners <count>",
      "members that hold the data and do not vote",
      countBetween(0, 9),
      1,
    )
    .option("--tls", "all ports over TLS, with certificates made in the data folder")
    .option("--data-dir <folder>", "where data and logs are kept between runs", DATA_DIR)
    .addOption(
      new Option("--consensus <protocol>", "of the whole cluster")
        .choices(["raft", "paxos"])
        .default("raft"),
    )
    .option(
      "--base-port <port>",
      "client port of the first member; the others follow 10 apart (default 2379, 22379, ...)",
      countBetween(1, 65_534),
    )
    .action(async (flags: DevFlags) => {
      const options = { ...flags, dataDir: resolve(flags.dataDir) };
      const main = join(__dirname, "main.js");
      onExit(await runDevCluster(options, { main, stdio, stop: signalWish() }));
    });
}

/** Under npm a terminal's Ctrl-C comes twice, from the terminal and from npm: within this it is one. */
const SAME_WISH_MS = 1_000;

/** Ctrl-C and SIGTERM ask to stop; one that comes later asks again. */
function signalWish(): StopWish {
  let askedAtMs: number | undefined;
  let resolveFirst: (signal: NodeJS.Signals) => void = () => undefined;
  let resolveAgain: () => void = () => undefined;
  const first = new Promise<NodeJS.Signals>((resolve) => {
    resolveFirst = resolve;
  });
  const again = new Promise<void>((resolve) => {
    resolveAgain = resolve;
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const nowMs = performance.now();
      if (askedAtMs === undefined) {
        askedAtMs = nowMs;
        resolveFirst(signal);
      } else if (nowMs - askedAtMs > SAME_WISH_MS) resolveAgain();
    });
  }
  return { first, again };
}
