// The completion script for fish: a line for each command and flag, with the condition under which it is offered.
import type { CompletionFlag, CompletionNode, CompletionValue } from "./completion-tree.ts";

export function fishScript(nodes: readonly CompletionNode[]): string {
  const root = nodes.find(({ path }) => path === "");
  const global = new Set((root?.flags ?? []).map(({ long }) => long));
  const lines = nodes.flatMap((node) => [
    ...node.commands.map(
      ({ name, text }) => `${offer(node.path)} -f -a ${quoted(name)} -d ${quoted(text)}`,
    ),
    ...node.arguments.flatMap((value) => argumentLines(node.path, value)),
    ...node.flags
      // Those of every command are offered once, without a condition.
      .filter(({ long }) => node.path === "" || !global.has(long))
      .map((flag) => flagLine(node.path === "" ? "complete -c hansa" : offer(node.path), flag)),
  ]);
  const valued = nodes.flatMap(({ flags }) => flags).filter(takesNextWord);
  const names = new Set(
    valued.flatMap(({ long, short }) => [long, ...(short === undefined ? [] : [short])]),
  );
  return `# fish completion of hansa: hansa completion fish | source
${pathFunction(nodes, [...names])}
complete -c hansa -f
${lines.join("\n")}
`;
}

/** Flags behind which the next word is a value, whatever it looks like. */
function takesNextWord({ value, isValueOptional }: CompletionFlag): boolean {
  return value !== undefined && !isValueOptional;
}

/** `__hansa_at PATH`: the words so far name exactly this command. */
function pathFunction(nodes: readonly CompletionNode[], valued: readonly string[]): string {
  const paths = nodes.map(({ path }) => path).filter((path) => path !== "");
  return `set -g __hansa_paths ${paths.map(quoted).join(" ")}
set -g __hansa_valued ${valued.map(quoted).join(" ")}
function __hansa_at
  set -l path ''
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip -eq 1
      set skip 0
    else if contains -- $word $__hansa_valued
      set skip 1
    else if not string match -q -- '-*' $word
      set -l longer (string trim -- "$path $word")
      if contains -- $longer $__hansa_paths
        set path $longer
      end
    end
  end
  test "$path" = "$argv[1]"
end`;
}

function offer(path: string): string {
  return `complete -c hansa -n ${quoted(`__hansa_at "${path}"`)}`;
}

function flagLine(start: string, flag: CompletionFlag): string {
  const { long, short, text, value } = flag;
  const names = [`-l ${long.slice(2)}`, ...(short === undefined ? [] : [`-s ${short.slice(1)}`])];
  return `${start} ${names.join(" ")}${value === undefined ? "" : valueText(value)} -d ${quoted(text)}`;
}

function valueText(value: CompletionValue): string {
  if (value.kind === "words") return ` -x -a ${quoted(value.words.join(" "))}`;
  if (value.kind === "folder") return ` -x -a '(__fish_complete_directories)'`;
  return value.kind === "file" ? " -r -F" : " -x";
}

function argumentLines(path: string, value: CompletionValue): string[] {
  if (value.kind === "words") return [`${offer(path)} -f -a ${quoted(value.words.join(" "))}`];
  return value.kind === "file" ? [`${offer(path)} -F`] : [];
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
