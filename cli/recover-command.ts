// `hansa recover`: the last resort after a quorum is lost for good. Says what it may cost before it does it.
import type { Command } from "commander";
import { CliExit } from "./exit-code.ts";
import type { Stdio } from "./stdio.ts";

interface RecoverFlags {
  readonly dataDir: string;
  readonly walDir?: string;
  readonly acceptDataLoss?: boolean;
}

export function addRecoverCommand(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  program
    .command("recover")
    .description("make a cluster of one from a stopped member whose quorum is lost for good")
    .requiredOption("--data-dir <folder>", "of the member, which must not run")
    .option("--wal-dir <folder>", "of its log, if it was started with one")
    .option("--accept-data-loss", "do it; without this it is only looked at")
    .action(async (flags: RecoverFlags) => {
      const { StartRefusal, recoverMember } = await import("../server/index.ts");
      const acceptsDataLoss = flags.acceptDataLoss === true;
      try {
        const report = await recoverMember({
          dataDir: flags.dataDir,
          ...(flags.walDir === undefined ? {} : { logDir: flags.walDir }),
          acceptsDataLoss,
        });
        const { member, clusterBefore, clusterAfter, votersBefore, committed, lastIndex } = report;
        stdio.err(
          `member ${member} of cluster ${clusterBefore}, which had ${votersBefore} voters\n`,
        );
        stdio.err(
          "DATA MAY BE LOST: writes that other members acknowledged and that are not in this log are gone.\n",
        );
        stdio.err(
          `DATA MAY BE MADE UP: entries after ${committed}, up to ${lastIndex}, may never have been committed; they are kept.\n`,
        );
        stdio.err(
          "Never start another member of the old cluster again; clear their data directories.\n",
        );
        if (clusterAfter === undefined) {
          stdio.err("Nothing was changed. To go on: --accept-data-loss\n");
          onExit(CliExit.failed);
        } else stdio.out(`cluster ${clusterAfter} of one member; start it, then add members\n`);
      } catch (error) {
        if (!(error instanceof StartRefusal)) throw error;
        stdio.err(`Error: ${error.message}\n`);
        onExit(CliExit.failed);
      }
    });
}
