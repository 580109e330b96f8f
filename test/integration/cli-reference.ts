// docs/cli.md, written from the tree of commands: a test keeps them equal.
import type { Argument, Command, Option } from "commander";
import { examplesOf } from "../../cli/examples.ts";

export function cliReference(program: Command): string {
  const lines = [
    "# Command line",
    "",
    "Written by `test/integration/cli-reference.ts` from the commands themselves; a test keeps them equal.",
    "`hansa COMMAND --help` says the same. `hansa serve` has its own flags: [configuration](configuration.md).",
    "",
    "Exit codes: 0 done (an absent key too), 1 failed, 2 wrong command line. An error names its code, and whether a",
    "write may have been applied: `Error: TOO_STALE (not applied): ...`.",
    "",
    "## Flags of every command",
    "",
    ...flagTable(program),
    ...sections(program, ""),
  ];
  return `${lines.join("\n")}\n`;
}

function sections(command: Command, path: string): string[] {
  const shown = command.createHelp().visibleCommands(command);
  return shown
    .filter((inner) => inner.name() !== "help")
    .flatMap((inner) => {
      const name = path === "" ? inner.name() : `${path} ${inner.name()}`;
      return [...section(inner, name), ...sections(inner, name)];
    });
}

function section(command: Command, path: string): string[] {
  const words = command.registeredArguments.map(argumentText);
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  const examples = examplesOf(command).map(({ line, purpose }) => `hansa ${line}  # ${purpose}`);
  return [
    "",
    `## ${path}`,
    "",
    ...["```", ["hansa", path, ...words].join(" "), "```", ""],
    ...command.description().trim().split("\n").map(proseLine),
    ...(aliases.length === 0 ? [] : ["", `Also: ${aliases.join(", ")}.`]),
    ...(hasFlags(command) ? ["", ...flagTable(command)] : []),
    ...(examples.length === 0 ? [] : ["", "```sh", ...examples, "```"]),
  ];
}

function hasFlags(command: Command): boolean {
  return command.options.some(({ hidden }) => !hidden);
}

function flagTable(command: Command): string[] {
  return [
    "| Flag | Meaning |",
    "|---|---|",
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => {
        return `| \`${option.flags.replaceAll("|", "\\|")}\` | ${meaningOf(option)} |`;
      }),
  ];
}

function meaningOf(option: Option): string {
  const fallback: unknown = option.defaultValueDescription ?? option.defaultValue;
  const isShown = typeof fallback === "number" || (typeof fallback === "string" && fallback !== "");
  const text = escaped(option.description);
  return isShown ? `${text} (default \`${String(fallback)}\`)` : text;
}

function argumentText(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Indented lines are code, as they stand. */
function proseLine(line: string): string {
  return line.startsWith("  ") ? `  ${line}` : escaped(line);
}

function escaped(text: string): string {
  return text.replace(/[<>|]/g, (sign) => `\\${sign}`);
}
