// Examples of a command: shown under its --help, and in docs/cli.md.
import type { Command } from "commander";

/** A command line without `hansa`, and what it is for. */
export interface Example {
  readonly line: string;
  readonly purpose: string;
}

const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Each is `[line, purpose]`. @returns the command */
export function withExamples(
  command: Command,
  ...pairs: readonly (readonly [line: string, purpose: string])[]
): Command {
  const examples = pairs.map(([line, purpose]) => ({ line, purpose }));
  EXAMPLES.set(command, examples);
  const longest = Math.max(...examples.map(({ line }) => line.length));
  const lines = examples.map(
    ({ line, purpose }) => `  hansa ${line.padEnd(longest)}  # ${purpose}`,
  );
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

export function examplesOf(command: Command): readonly Example[] {
  return EXAMPLES.get(command) ?? [];
}
