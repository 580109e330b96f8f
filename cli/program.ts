// The command line of everything but `serve`: common flags, commands, and how each run ends.
import { Command, CommanderError, Option } from "commander";
import { KvError } from "../client/index.ts";
import { addAuthCommands } from "./auth-commands.ts";
import { addAuthFlags } from "./auth-flags.ts";
import { addBenchCommand } from "./bench-command.ts";
import { addCertsCommand } from "./certs-command.ts";
import { addCheckCommand } from "./check-command.ts";
import { addClusterCommands } from "./cluster-commands.ts";
import { addCompletionCommand } from "./completion-command.ts";
import { addConflictsCommands } from "./conflicts-commands.ts";
import { addDevCommand } from "./dev-command.ts";
import { addElectCommand } from "./elect-command.ts";
import { errorLine } from "./error-line.ts";
import { CliExit, UsageError } from "./exit-code.ts";
import { addFederationCommands } from "./federation-commands.ts";
import { colorValue, formatValue, spanOption, spanValue } from "./flag-value.ts";
import { addIdsCommand } from "./ids-command.ts";
import { addKindCommands } from "./kind-commands.ts";
import { addKvCommands } from "./kv-commands.ts";
import { addLeaseCommands } from "./lease-commands.ts";
import { addLockCommand } from "./lock-command.ts";
import { addMaintenanceCommands } from "./maintenance-commands.ts";
import { addMemberCommands } from "./member-commands.ts";
import { colorChoiceIn, isColorful, paintFor } from "./paint.ts";
import type { ColorChoice, Paint } from "./paint.ts";
import { terminalOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";
import { addMirrorCommand } from "./mirror-command.ts";
import { addRecoverCommand } from "./recover-command.ts";
import { addSnapshotCommands } from "./snapshot-commands.ts";
import { addTlsFlags } from "./tls-flags.ts";
import { addTxnCommand } from "./txn-command.ts";
import { addWatchCommand } from "./watch-command.ts";

/** etcdctl's default of --command-timeout, which is taken too. */
const TIMEOUT_DEFAULT = "5s";

/** Runs one command line (without `node` and the script) and says how the process should end. */
export async function run(argv: readonly string[], stdio: Stdio): Promise<number> {
  let exit: number = CliExit.done;
  const color = colorChoiceIn(argv);
  const paint = paintFor(stdio, "err", color);
  const program = programOf(stdio, color, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exit;
  } catch (error) {
    // commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? CliExit.done : CliExit.usage;
    if (error instanceof UsageError) {
      stdio.err(painted(`Error: ${error.message}\n`, paint));
      return CliExit.usage;
    }
    if (error instanceof KvError) {
      stdio.err(painted(errorLine(error), paint));
      return CliExit.failed;
    }
    throw error;
  }
}

/** The whole tree of commands. `onExit` is told how a run that does not throw is to end. */
export function programOf(
  stdio: Stdio,
  color: ColorChoice,
  onExit: (code: number) => void,
): Command {
  const program = new Command("hansa")
    .description("A replicated configuration and metadata store, and its command line.")
    .exitOverride();
  addLook(program, stdio, color);
  addCommonFlags(program);
  addTlsFlags(program);
  addAuthFlags(program);
  program.commandsGroup("Keys:");
  addKvCommands(program, stdio);
  addTxnCommand(program, stdio);
  addWatchCommand(program, stdio);
  addKindCommands(program, stdio);
  addLeaseCommands(program, stdio, onExit);
  addLockCommand(program, stdio, onExit);
  addElectCommand(program, stdio);
  addIdsCommand(program, stdio);
  program.commandsGroup("Cluster:");
  addMemberCommands(program, stdio);
  addClusterCommands(program, stdio, onExit);
  addFederationCommands(program, stdio, onExit);
  addConflictsCommands(program, stdio);
  addAuthCommands(program, stdio);
  addMaintenanceCommands(program, stdio, onExit);
  addSnapshotCommands(program, stdio, onExit);
  addCheckCommand(program, stdio, onExit);
  addMirrorCommand(program, stdio);
  addBenchCommand(program, stdio, onExit);
  program.commandsGroup("Server:");
  addServeHelp(program);
  addDevCommand(program, stdio, onExit);
  addCertsCommand(program, stdio, onExit);
  addRecoverCommand(program, stdio, onExit);
  program.commandsGroup("Others:");
  addCompletionCommand(program, stdio);
  program
    .command("version")
    .description("print the version")
    .action(async () => {
      const { versionText } = await import("./version-text.ts");
      stdio.out(versionText());
    });
  return program;
}

function addCommonFlags(program: Command): void {
  program
    .showHelpAfterError("(add --help for help)")
    .option("--endpoints <list>", "host:port,... (default 127.0.0.1:2379, or HANSA_ENDPOINTS)")
    .option("-w, --write-out <format>", "simple, json, table or fields", formatValue, "simple")
    .addOption(spanOption("--timeout <span>", "bound on the command", TIMEOUT_DEFAULT))
    .addOption(new Option("--command-timeout <span>").argParser(spanValue).hideHelp())
    .option("--hex", "print keys and values as \\x61")
    .option("--color <when>", "auto, always or never; NO_COLOR counts too", colorValue, "auto")
    .addHelpText("after", EXIT_HELP);
}

/** Help and errors, in the colours of everything else. */
function addLook(program: Command, stdio: Stdio, color: ColorChoice): void {
  const outPaint = paintFor(stdio, "out", color);
  const errPaint = paintFor(stdio, "err", color);
  program
    .configureOutput({
      writeOut: stdio.out,
      writeErr: stdio.err,
      outputError: (text, write) => {
        write(painted(text.replace(/^error:/, "Error:"), errPaint));
      },
      getOutHelpWidth: () => terminalOf(stdio).columns,
      getErrHelpWidth: () => terminalOf(stdio).columns,
      getOutHasColors: () => isColorful(stdio, "out", color),
      getErrHasColors: () => isColorful(stdio, "err", color),
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => outPaint("head", title),
      styleCommandText: (text) => outPaint("head", text),
      styleOptionText: (text) => outPaint("accent", text),
      styleSubcommandText: (text) => outPaint("accent", text),
      styleArgumentText: (text) => outPaint("accent", text),
    });
}

function painted(errorText: string, paint: Paint): string {
  return errorText.replace(/^Error:/, (word) => paint("bad", word));
}

/** `main` hands `serve` and its flags to the server before they come here; this is its line in the help. */
function addServeHelp(program: Command): void {
  program
    .command("serve [flags...]")
    .description("run one member; `hansa serve --help` lists flags");
}

const EXIT_HELP = `
Exit codes: 0 done (an absent key too), 1 failed, 2 wrong command line; \`hansa serve\` has its own,
which docs/configuration.md lists.`;
