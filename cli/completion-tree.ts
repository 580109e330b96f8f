// What can follow on a command line, read from the tree of commands: subcommands, flags, their words and files.
import type { Argument, Command, Option } from "commander";

/** What may stand for a value. */
export type CompletionValue =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" }
  | { readonly kind: "folder" }
  | { readonly kind: "free" };

export interface CompletionFlag {
  /** With its dashes. */
  readonly long: string;
  readonly short?: string;
  readonly text: string;
  /** Absent: it takes none. */
  readonly value?: CompletionValue;
  /** The value may be left out, as in `--watch`. */
  readonly isValueOptional: boolean;
}

export interface CompletionNode {
  /** As `member add`; "" is the root. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly text: string }[];
  /** Its own, and those of every command above it. */
  readonly flags: readonly CompletionFlag[];
  readonly arguments: readonly CompletionValue[];
}

const HELP: CompletionFlag = {
  long: "--help",
  short: "-h",
  text: "display help for command",
  isValueOptional: false,
};

export function completionTree(
  command: Command,
  path = "",
  inherited: readonly CompletionFlag[] = [],
): CompletionNode[] {
  const own = command.options.filter((option) => !option.hidden).map(flagOf);
  const flags = [...own, ...inherited];
  const visible = command.createHelp().visibleCommands(command);
  const subcommands = visible.filter((inner) => inner.name() !== "help");
  const node: CompletionNode = {
    path,
    commands: subcommands.flatMap((inner) =>
      [inner.name(), ...inner.aliases()].map((name) => ({ name, text: textOf(inner) })),
    ),
    flags: [...flags, HELP],
    arguments: command.registeredArguments.map(argumentValue),
  };
  const below = subcommands.flatMap((inner) =>
    [inner.name(), ...inner.aliases()].flatMap((name) =>
      completionTree(inner, path === "" ? name : `${path} ${name}`, flags),
    ),
  );
  return [node, ...below];
}

function textOf(command: Command): string {
  const summary = command.summary();
  return (summary === "" ? command.description() : summary).split("\n")[0] ?? "";
}

function flagOf(option: Option): CompletionFlag {
  const { long = option.flags, short, description } = option;
  const takesValue = option.required || option.optional;
  return {
    long,
    ...(short === undefined ? {} : { short }),
    text: description.split("\n")[0] ?? "",
    ...(takesValue ? { value: valueOf(option, option.flags) } : {}),
    isValueOptional: option.optional,
  };
}

function argumentValue(argument: Argument): CompletionValue {
  return valueOf(argument, `<${argument.name()}>`);
}

/** By its choices, by the words of its parser (flag-value.ts), or by what its name says that it is. */
function valueOf(of: Option | Argument, name: string): CompletionValue {
  const { argChoices, parseArg } = of;
  if (argChoices !== undefined) return { kind: "words", words: argChoices };
  const words = wordsOf(parseArg);
  if (words !== undefined) return { kind: "words", words };
  if (/<(?:folder|dir)>/.test(name)) return { kind: "folder" };
  return /<file>/.test(name) ? { kind: "file" } : { kind: "free" };
}

function wordsOf(parser: unknown): readonly string[] | undefined {
  if (typeof parser !== "function" || !("words" in parser)) return undefined;
  const { words } = parser;
  return Array.isArray(words) ? words.filter((word) => typeof word === "string") : undefined;
}
