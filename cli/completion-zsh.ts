// The completion script for zsh: commands and flags with what they are for.
import type { CompletionFlag, CompletionNode, CompletionValue } from "./completion-tree.ts";

export function zshScript(nodes: readonly CompletionNode[]): string {
  return `#compdef hansa
# zsh completion of hansa: source <(hansa completion zsh)
__hansa_commands() {
  case "$1" in
${nodes
  .filter(({ commands }) => commands.length > 0)
  .map(commandCase)
  .join("\n")}
  esac
}
__hansa_flags() {
  case "$1" in
${nodes.map(flagCase).join("\n")}
  esac
}
# What may stand for the value of a flag, or for an argument: words, or @file, @folder, @free.
__hansa_values() {
  case "$1 $2" in
${nodes.flatMap(valueCases).join("\n")}
  esac
}
__hansa_arguments() {
  case "$1" in
${nodes.flatMap(argumentCases).join("\n")}
  esac
}
${WALK}`;
}

function commandCase({ path, commands }: CompletionNode): string {
  return `    ${quoted(path)}) reply=(${commands.map(({ name, text }) => described(name, text)).join(" ")}) ;;`;
}

function flagCase({ path, flags }: CompletionNode): string {
  return `    ${quoted(path)}) reply=(${flags.map(({ long, text }) => described(long, text)).join(" ")}) ;;`;
}

function valueCases({ path, flags }: CompletionNode): string[] {
  return flags.flatMap((flag) => {
    if (flag.value === undefined) return [];
    const names = [flag.long, ...(flag.short === undefined ? [] : [flag.short])];
    const patterns = names.map((name) => quoted(`${path} ${name}`)).join("|");
    return [`    ${patterns}) reply=(${valueWords(flag, flag.value)}) ;;`];
  });
}

function valueWords(flag: CompletionFlag, value: CompletionValue): string {
  return [...(flag.isValueOptional ? ["@optional"] : []), ...tokensOf(value)].join(" ");
}

function argumentCases(node: CompletionNode): string[] {
  const tokens = node.arguments.flatMap(tokensOf).filter((token) => token !== "@free");
  return tokens.length === 0 ? [] : [`    ${quoted(node.path)}) reply=(${tokens.join(" ")}) ;;`];
}

function tokensOf(value: CompletionValue): readonly string[] {
  return value.kind === "words" ? value.words : [`@${value.kind}`];
}

/** As `_describe` takes it: a colon ends the name. */
function described(name: string, text: string): string {
  return quoted(`${name}:${text.replaceAll(":", " ")}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const WALK = String.raw`_hansa() {
  local hansa_path='' word flag='' cur=$PREFIX
  local -a reply offers
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    [[ $word == -- ]] && return
    if [[ $word == -*=* ]]; then continue
    elif [[ $word == -* ]]; then
      reply=(); __hansa_values "$hansa_path" "$word"
      if (( $#reply > 0 )) && [[ $reply[1] != @optional ]]; then
        (( i + 1 >= CURRENT )) && flag=$word
        (( i += 1 ))
      fi
    else
      reply=(); __hansa_commands "$hansa_path"
      offers=("${"$"}{(@)reply%%:*}")
      (( $offers[(Ie)$word] )) && hansa_path="${"$"}{hansa_path:+$hansa_path }$word"
    fi
  done
  if [[ -z $flag && $cur == --*=* ]]; then
    flag=${"$"}{cur%%=*}
    compset -P '*='
  fi
  if [[ -n $flag ]]; then
    reply=(); __hansa_values "$hansa_path" "$flag"
    __hansa_offer
  elif [[ $cur == -* ]]; then
    reply=(); __hansa_flags "$hansa_path"
    offers=("${"$"}{(@)reply}")
    _describe -o 'flag' offers
  else
    reply=(); __hansa_commands "$hansa_path"
    if (( $#reply > 0 )); then
      offers=("${"$"}{(@)reply}")
      _describe 'command' offers
    fi
    reply=(); __hansa_arguments "$hansa_path"
    (( $#reply > 0 )) && __hansa_offer
  fi
}
__hansa_offer() {
  reply=("${"$"}{(@)reply:#@optional}")
  case $reply[1] in
    @file) _files ;;
    @folder) _files -/ ;;
    @free) ;;
    *) compadd -a reply ;;
  esac
}
compdef _hansa hansa
`;
