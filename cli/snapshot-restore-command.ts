// `hansa snapshot restore`: etcdutl's flags, those of a member's first start, and no other.
import { Option } from "commander";
import type { Command } from "commander";
import { CliExit, UsageError } from "./exit-code.ts";
import { countValue } from "./flag-value.ts";
import type { Stdio } from "./stdio.ts";

interface RestoreFlags {
  readonly bumpRevision: number;
  readonly markCompacted?: boolean;
  readonly skipHashCheck?: boolean;
}

/** Read by the server's own parser, so that a value means here what it means to `hansa serve`. */
const MEMBER_FLAGS: readonly (readonly [flag: string, value: string, meaning: string])[] = [
  ["name", "name", "of the member"],
  ["data-dir", "folder", "to make; empty or absent (default NAME.hansa)"],
  ["wal-dir", "folder", "of the log, if it is to lie elsewhere; empty or absent"],
  ["initial-cluster", "list", "members of the new cluster: NAME=PEER-URL,..."],
  ["initial-cluster-token", "token", "of the new cluster"],
  ["initial-advertise-peer-urls", "list", "this member's peer URLs"],
  ["initial-learners", "names", "members that do not vote"],
  ["consensus", "protocol", "raft or paxos, whichever the snapshot comes from"],
  ["election-timeout", "ms", "the group's lease constant; the members' may not be below it"],
];

export function addSnapshotRestoreCommand(
  snapshot: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const command = snapshot
    .command("restore <file>")
    .description(
      "make a member of a new cluster from a file; each of its members from the same one",
    );
  for (const [flag, value, meaning] of MEMBER_FLAGS)
    command.option(`--${flag} <${value}>`, meaning);
  command
    .addOption(
      new Option("--bump-revision <count>", "revisions to leave out, so that none is met twice")
        .argParser(countValue)
        .default(0),
    )
    .option("--mark-compacted", "what is before is compacted; with --bump-revision, and only then")
    .option("--skip-hash-check", "do not look at the sum at the file's end")
    .action(async (file: string, flags: RestoreFlags & Readonly<Record<string, unknown>>) => {
      await orFailed(stdio, onExit, file, () => restore(file, flags, stdio));
    });
}

async function restore(
  file: string,
  flags: RestoreFlags & Readonly<Record<string, unknown>>,
  stdio: Stdio,
): Promise<void> {
  const { bumpRevision, markCompacted = false, skipHashCheck = false } = flags;
  if (bumpRevision > 0 !== markCompacted) {
    throw new UsageError("--bump-revision and --mark-compacted come together");
  }
  const { describeIssue, parseConfig, restoreSnapshot } = await import("../server/index.ts");
  const given = MEMBER_FLAGS.flatMap(([flag]) => {
    const value = flags[propertyOf(flag)];
    return typeof value === "string" ? [`--${flag}`, value] : [];
  });
  const parsed = parseConfig(given, {});
  if (!parsed.ok) throw new UsageError(parsed.issues.map(describeIssue).join("; "));
  const { bootstrap, dataDir, logDir, logSegmentBytes } = parsed.config;
  if (bootstrap === undefined) throw new UsageError("--initial-cluster describes no cluster");
  const report = await restoreSnapshot({
    file,
    dataDir,
    logDir,
    bootstrap,
    logSegmentBytes,
    revisionsSkipped: bumpRevision,
    skipsSum: skipHashCheck,
  });
  stdio.out(
    `member ${report.member} of the new cluster ${report.cluster} restored in ${dataDir}: revision ${report.revision}, ${report.keys} keys\n`,
  );
}

/** As commander names an option's value. */
function propertyOf(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What is wrong with the file or the directory is a line on stderr. */
export async function orFailed(
  stdio: Stdio,
  onExit: (code: CliExit) => void,
  file: string,
  body: () => Promise<void>,
): Promise<void> {
  const { SnapshotFileError, StartRefusal } = await import("../server/index.ts");
  try {
    await body();
  } catch (error) {
    if (error instanceof SnapshotFileError) stdio.err(`Error: ${file}: ${error.message}\n`);
    else if (error instanceof StartRefusal) stdio.err(`Error: ${error.message}\n`);
    else if (isSystemError(error)) stdio.err(`Error: ${error.message}\n`);
    else throw error;
    onExit(CliExit.failed);
  }
}

/** No such file, no permission, a disk that is full: with what and where in its message. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
