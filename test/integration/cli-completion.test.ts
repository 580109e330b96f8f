// The completion scripts, run by the shells they are for: what they offer at a place of the command line.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { finish } from "../e2e/child.ts";
import { isInstalled } from "../e2e/tools.ts";
import type { Tool } from "../e2e/tools.ts";
import { hansa } from "./cli-run.ts";

/** Words behind `hansa`, the last of them unfinished, and what is offered for it. */
const OFFERS: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [["ge"], ["get"]],
  [["lease", "gr"], ["grant"]],
  [["--endpoints", "member", "stat"], ["status"]],
  [
    ["--color", "a"],
    ["auto", "always"],
  ],
  [
    ["get", "k", "--on-miss", ""],
    ["wait", "forward", "fail"],
  ],
  [["get", "k", "--limit", ""], []],
  [["member", "add", "--lear"], ["--learner"]],
  [["member", "list", "--wa"], ["--watch"]],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [["dev", "--consensus", "p"], ["paxos"]],
  [["serve", "--initial-cluster-s"], ["--initial-cluster-state"]],
  [["snapshot", "save", "FOLDER/som"], ["FOLDER/some.db"]],
];

/** Bash breaks a line at the sign: --color=al is three words. */
const BASH = `
source "$1"; shift
COMP_WORDS=(hansa "$@"); COMP_CWORD=$#
_hansa
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** The functions of zsh's completion system that the script calls, told to print. */
const ZSH = `
compdef() { }
show() { for offer in "$@"; do [[ $offer == $PREFIX* ]] && print -r -- $offer; done }
_describe() { show "\${(@)\${(@P)@[-1]}%%:*}" }
compadd() { show "\${(@P)@[-1]}" }
_files() { show $PREFIX*(N) }
compset() { PREFIX=\${PREFIX#*=} }
source "$1"; shift
words=(hansa "$@"); CURRENT=$((1 + $#)); PREFIX=\${words[-1]}
_hansa
`;

const FISH = `
source $argv[1]
complete -C "hansa "(string join ' ' -- $argv[2..-1]) | string replace -r '\\t.*' ''
`;

const SHELLS = [
  { shell: "bash", run: (script: string) => ["-c", BASH, "bash", script] },
  { shell: "zsh", run: (script: string) => ["-f", "-c", ZSH, "zsh", script] },
  { shell: "fish", run: (script: string) => ["--no-config", "-c", FISH, script] },
] as const satisfies readonly { shell: Tool; run: (script: string) => string[] }[];

describe.each(SHELLS)("in $shell", ({ shell, run }) => {
  const folder = mkdtempSync(join(tmpdir(), "hansa-completion-"));
  const script = join(folder, "script");

  beforeAll(async () => {
    const { stdout, code } = await hansa("", ["completion", shell]);
    expect(code).toBe(0);
    writeFileSync(script, stdout);
    writeFileSync(join(folder, "some.db"), "");
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const where = isInstalled(shell) ? test : test.skip;

  async function offersFor(words: readonly string[]): Promise<string[]> {
    const placed = words.map((word) => word.replace("FOLDER", folder));
    const { stdout, stderr, exit } = await finish(shell, [...run(script), ...placed]);
    expect({ stderr, code: exit.code ?? 0 }).toMatchObject({ stderr: "" });
    return stdout
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [line.replace(folder, "FOLDER")]));
  }

  where.each(OFFERS)("hansa %j", async (words, offered) => {
    expect((await offersFor(words)).sort()).toEqual([...offered].sort());
  });

  where("the commands of the root are all offered", async () => {
    const { stdout } = await hansa("", ["--help"]);
    const helped = [...stdout.matchAll(/^ {2}([a-z][a-z-]*)(?:\|[a-z-]+)? (?:\[|<| )/gm)].map(
      ([, name]) => name,
    );
    const offered = await offersFor([""]);
    for (const name of helped) if (name !== "help") expect(offered).toContain(name);
    expect(helped.length).toBeGreaterThan(10);
  });
});

(isInstalled("bash") ? test : test.skip)(
  "bash: --flag=value is completed behind the sign",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "hansa-completion-"));
    try {
      const script = join(folder, "script");
      writeFileSync(script, (await hansa("", ["completion", "bash"])).stdout);
      const args = ["-c", BASH, "bash", script, "--color", "=", "al"];
      expect((await finish("bash", args)).stdout).toBe("always\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
