// The completion script for bash: plain functions over tables that are read from the tree, no bash-completion needed.
import type { CompletionFlag, CompletionNode, CompletionValue } from "./completion-tree.ts";

export function bashScript(nodes: readonly CompletionNode[]): string {
  return `# bash completion of hansa: source <(hansa completion bash)
${caseFunction("__hansa_commands", nodes, ({ commands }) =>
  commands.map(({ name }) => name).join(" "),
)}
${caseFunction("__hansa_flags", nodes, ({ flags }) => flags.map(({ long }) => long).join(" "))}
# What may stand for the value of a flag, or for an argument: words, or @file, @folder, @free.
__hansa_values() {
  case "$1 $2" in
${valueCases(nodes)}
  esac
}
${argumentFunction(nodes)}
${WALK}`;
}

/** A function of a path that prints a list. */
function caseFunction(
  name: string,
  nodes: readonly CompletionNode[],
  list: (node: CompletionNode) => string,
): string {
  const cases = nodes
    .filter((node) => list(node) !== "")
    .map((node) => `    ${quoted(node.path)}) echo ${quoted(list(node))} ;;`);
  return `${name}() {\n  case "$1" in\n${cases.join("\n")}\n  esac\n}`;
}

/** Nothing is printed for a flag that takes no value; `?` comes first where it may be left out. */
function valueCases(nodes: readonly CompletionNode[]): string {
  return nodes
    .flatMap(({ path, flags }) =>
      flags.flatMap((flag) => {
        if (flag.value === undefined) return [];
        const names = [flag.long, ...(flag.short === undefined ? [] : [flag.short])];
        const patterns = names.map((name) => quoted(`${path} ${name}`)).join("|");
        return [`    ${patterns}) echo ${quoted(valueText(flag, flag.value))} ;;`];
      }),
    )
    .join("\n");
}

function argumentFunction(nodes: readonly CompletionNode[]): string {
  return caseFunction("__hansa_arguments", nodes, (node) =>
    node.arguments
      .map(tokenOf)
      .filter((token) => token !== "@free")
      .join(" "),
  );
}

function valueText(flag: CompletionFlag, value: CompletionValue): string {
  return `${flag.isValueOptional ? "? " : ""}${tokenOf(value)}`;
}

function tokenOf(value: CompletionValue): string {
  return value.kind === "words" ? value.words.join(" ") : `@${value.kind}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Finds the command in the words so far; bash splits `--flag=value` at the sign. */
const WALK = String.raw`_hansa() {
  local cur=${"$"}{COMP_WORDS[COMP_CWORD]} prev=${"$"}{COMP_WORDS[COMP_CWORD-1]}
  local path='' word next flag='' offers i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${"$"}{COMP_WORDS[i]}
    if [[ $word == -- ]]; then return; fi
    if [[ $word == -* ]]; then
      offers=$(__hansa_values "$path" "$word")
      if [[ -n $offers ]]; then
        next=${"$"}{COMP_WORDS[i+1]}
        if [[ $next == '=' ]]; then
          if ((i + 2 >= COMP_CWORD)); then flag=$word; fi
          ((i += 2))
        elif [[ $offers != '?'* ]]; then
          if ((i + 1 >= COMP_CWORD)); then flag=$word; fi
          ((i += 1))
        fi
      fi
    elif [[ " $(__hansa_commands "$path") " == *" $word "* ]]; then
      path=${"$"}{path:+$path }$word
    fi
  done
  if [[ $cur == '=' ]]; then cur=''; fi
  if [[ -n $flag ]]; then
    offers=$(__hansa_values "$path" "$flag")
    __hansa_offer "${"$"}{offers#\? }" "$cur"
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(__hansa_flags "$path")" -- "$cur"))
  else
    __hansa_offer "$(__hansa_commands "$path") $(__hansa_arguments "$path")" "$cur"
  fi
}
__hansa_offer() {
  local words=$1 IFS=$'\n'
  case " $words " in
    *' @file '*) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$2")); return ;;
    *' @folder '*) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$2")); return ;;
    *' @free '*) return ;;
  esac
  IFS=$' \n'
  COMPREPLY=($(compgen -W "$words" -- "$2"))
}
complete -F _hansa hansa
`;
