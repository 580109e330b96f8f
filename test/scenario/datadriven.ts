// A scenario is a text file: prose after #, commands, dashes, what they did. `UPDATE_GOLDEN=1` rewrites it.
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "@jest/globals";

/** Runs one command line; what it returns is printed below the dashes. */
export type Command = (args: readonly string[]) => readonly string[];

/** Replays the file and compares it whole, so that a difference shows the whole story. */
export function runScenario(path: string, commands: Readonly<Record<string, Command>>): void {
  const source = readFileSync(path, "utf8");
  const actual = source
    .trimEnd()
    .split(/\n{2,}/)
    .map((block) => runBlock(path, block, commands))
    .join("\n\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, `${actual}\n`);
  else expect(`${actual}\n`).toBe(source);
}

/** Prose and commands up to the dashes; a block without a command is prose. */
function runBlock(
  path: string,
  block: string,
  commands: Readonly<Record<string, Command>>,
): string {
  const lines = block.split("\n");
  const dashes = lines.indexOf("----");
  const head = dashes === -1 ? lines : lines.slice(0, dashes);
  const output: string[] = [];
  let ran = false;
  for (const line of head) {
    if (line === "" || line.startsWith("#")) continue;
    const [name = "", ...args] = line.split(" ");
    const command = commands[name];
    if (command === undefined) throw new Error(`${path}: unknown command "${name}"`);
    output.push(...command(args));
    ran = true;
  }
  if (!ran) return block;
  return [...head, "----", ...(output.length === 0 ? ["ok"] : output)].join("\n");
}
