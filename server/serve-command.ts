// `hansa serve [flags]`: from the command line to an exit code.
import { configHelp } from "./config-help.ts";
import { describeIssue } from "./config-issue.ts";
import { parseConfig } from "./config.ts";
import { ExitCode } from "./exit-code.ts";
import { serve } from "./serve.ts";
import { sizeThreadPool } from "./thread-pool.ts";
import { SERVER_VERSION } from "./version.ts";

/**
 * Runs a server as the flags and the environment say; every mistake in them is a line on stderr. To be
 * called before anything uses libuv's thread pool. The caller ends the process with the code at once.
 */
export async function runServe(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<ExitCode> {
  const [first] = argv;
  if (first === "--help" || first === "-h" || first === "help") {
    process.stdout.write(`Usage: hansa serve [options]\n\n${configHelp()}`);
    return ExitCode.clean;
  }
  if (first === "--version") {
    process.stdout.write(`${SERVER_VERSION}\n`);
    return ExitCode.clean;
  }
  sizeThreadPool(env);
  const parsed = parseConfig(argv, env);
  if (parsed.ok) {
    for (const warning of parsed.warnings) process.stderr.write(`hansa: ${warning}\n`);
    return serve(parsed.config);
  }
  for (const issue of parsed.issues) process.stderr.write(`hansa: ${describeIssue(issue)}\n`);
  process.stderr.write("hansa: not started; `hansa serve --help` lists the options\n");
  return ExitCode.badConfiguration;
}
