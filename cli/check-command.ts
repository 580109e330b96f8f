// `hansa check`: whether a cluster is well; and etcdctl's two loads.
import type { Command } from "commander";
import { checkCluster } from "./check-cluster.ts";
import { findingsView, verdictOf } from "./check-finding.ts";
import type { Finding } from "./check-finding.ts";
import { checkDatascale, checkPerf } from "./check-load.ts";
import type { LoadName, LoadPlan } from "./check-load.ts";
import { withExamples } from "./examples.ts";
import { CliExit } from "./exit-code.ts";
import { countBetween, oneOf, spanOption } from "./flag-value.ts";
import { Progress } from "./progress.ts";
import { withSession } from "./session.ts";
import type { Session } from "./session.ts";
import { interruptionOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";

type OnExit = (code: CliExit) => void;

interface CheckFlags {
  readonly rounds: number;
  readonly duration: number;
  readonly dataDir?: string;
}

interface LoadFlags {
  readonly load: LoadName;
  readonly prefix: string;
  readonly duration: number;
  readonly autoCompact?: boolean;
  readonly autoDefrag?: boolean;
}

export function addCheckCommand(program: Command, stdio: Stdio, onExit: OnExit): void {
  const check = program
    .command("check")
    .description(
      "judge the cluster: every member, its disk, clock, space and hash; fails by exit code",
    )
    .option("--rounds <count>", "times that each member is asked", countBetween(2, 1_000), 5)
    .addOption(spanOption("--duration <span>", "over which they are spread", "2s"))
    .option("--data-dir <folder>", "probe the disk under this folder of this machine too")
    .action(async (flags: CheckFlags, command: Command) => {
      await withSession(command, stdio, {}, async (session) => {
        const { rounds, duration, dataDir } = flags;
        const stop = interruptionOf(stdio);
        const where = dataDir === undefined ? {} : { dataDir };
        const plan = { rounds, durationMs: duration, stop, ...where };
        tell(session, await checkCluster(session, plan), onExit);
      });
    });
  addLoad(
    check,
    "perf",
    "whether it bears etcdctl's load of writes",
    stdio,
    onExit,
    (session, plan) => checkPerf(session.client, plan),
  );
  addLoad(
    check,
    "datascale",
    "what memory etcdctl's load of keys takes",
    stdio,
    onExit,
    checkDatascale,
  );
  withExamples(
    check,
    ["check -w table", "every line passes, warns or fails"],
    ["check --data-dir /var/lib/hansa", "on a member's machine, its disk too"],
    ["check perf --load m --duration 20s", "a load of 1,000 writes a second"],
  );
}

function addLoad(
  check: Command,
  name: "perf" | "datascale",
  description: string,
  stdio: Stdio,
  onExit: OnExit,
  run: (session: Session, plan: LoadPlan) => Promise<Finding[]>,
): void {
  check
    .command(name)
    .description(description)
    .option("--load <size>", "s, m, l or xl", oneOf<LoadName>(["s", "m", "l", "xl"]), "s")
    .option("--prefix <text>", "of its keys, deleted at the end", `/hansa-check-${name}/`)
    .addOption(spanOption("--duration <span>", "of perf", "1m"))
    .option("--auto-compact", "compact afterwards")
    .option("--auto-defrag", "defragment the endpoints afterwards")
    .action(async (_: object, command: Command) => {
      const flags = command.optsWithGlobals<LoadFlags>();
      await withSession(command, stdio, {}, async (session) => {
        const progress = new Progress(stdio, { label: `check ${name}`, unit: "operations" });
        const plan: LoadPlan = {
          load: flags.load,
          prefix: flags.prefix,
          durationMs: flags.duration,
          stop: interruptionOf(stdio),
          onDone: (done) => {
            progress.at(done);
          },
        };
        const findings = await run(session, plan).finally(() => {
          progress.end();
        });
        await cleanUp(session, flags);
        tell(session, findings, onExit);
      });
    });
}

async function cleanUp({ client, endpoints }: Session, flags: LoadFlags): Promise<void> {
  const { revision } = await client.delete({ prefix: flags.prefix });
  if (flags.autoCompact === true) await client.compact(revision, { physical: true });
  if (flags.autoDefrag !== true) return;
  for (const endpoint of endpoints) await client.maintenance.defragment({ endpoint });
}

function tell(session: Session, findings: readonly Finding[], onExit: OnExit): void {
  session.print(findingsView(findings));
  if (verdictOf(findings) === "fail") onExit(CliExit.failed);
}
