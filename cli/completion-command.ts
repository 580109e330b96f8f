// `hansa completion bash|zsh|fish`: the script that completes this very command line.
import { Argument } from "commander";
import type { Command } from "commander";
import { bashScript } from "./completion-bash.ts";
import { fishScript } from "./completion-fish.ts";
import { completionTree } from "./completion-tree.ts";
import type { CompletionNode } from "./completion-tree.ts";
import { zshScript } from "./completion-zsh.ts";
import { withExamples } from "./examples.ts";
import type { Stdio } from "./stdio.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
type Shell = keyof typeof SCRIPTS;

export function addCompletionCommand(program: Command, stdio: Stdio): void {
  const command = program
    .command("completion")
    .description("print a script that completes hansa's commands, flags and their words")
    .addArgument(new Argument("<shell>").choices(Object.keys(SCRIPTS)))
    .action(async (shell: Shell) => {
      stdio.out(SCRIPTS[shell](await nodesOf(program)));
    });
  withExamples(
    command,
    ["completion bash > /etc/bash_completion.d/hansa", "for every user"],
    ["completion zsh > ~/.zfunc/_hansa", "with ~/.zfunc in fpath"],
    ["completion fish > ~/.config/fish/completions/hansa.fish", "for this user"],
  );
}

/** With the flags of `serve`, which the server parses by itself. */
async function nodesOf(program: Command): Promise<CompletionNode[]> {
  const { OPTIONS } = await import("../server/index.ts");
  return completionTree(program).map((node) => {
    if (node.path !== "serve") return node;
    const flags = OPTIONS.map(({ flag, meaning }) => ({
      long: `--${flag}`,
      text: meaning,
      isValueOptional: false,
      value: { kind: flag.endsWith("-dir") ? ("folder" as const) : ("free" as const) },
    }));
    return { ...node, flags, arguments: [] };
  });
}
