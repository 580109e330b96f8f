// A scenario is a text file: prose after #, commands, dashes, what they did. A file that several protocols are
// put through says `----` where they do the same, and `---- NAME` once for each where they do not.
// `UPDATE_GOLDEN=1` rewrites it.
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "@jest/globals";

/** Runs one command line; what it returns is printed below the dashes. */
export type Command = (args: readonly string[]) => readonly string[];
export type Commands = Readonly<Record<string, Command>>;

const DASHES = /^----( |$)/;

/** Replays the file for every protocol and compares it whole, so that a difference shows the whole story. */
export function runScenario(path: string, protocols: Readonly<Record<string, Commands>>): void {
  const source = readFileSync(path, "utf8");
  const actual = source
    .trimEnd()
    .split(/\n{2,}/)
    .map((block) => runBlock(path, block, protocols))
    .join("\n\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, `${actual}\n`);
  else expect(`${actual}\n`).toBe(source);
}

/** Prose and commands up to the dashes; a block without a command is prose. */
function runBlock(
  path: string,
  block: string,
  protocols: Readonly<Record<string, Commands>>,
): string {
  const lines = block.split("\n");
  const dashes = lines.findIndex((line) => DASHES.test(line));
  const head = dashes === -1 ? lines : lines.slice(0, dashes);
  const calls = head.filter((line) => line !== "" && !line.startsWith("#"));
  if (calls.length === 0) return block;
  const outputs = Object.entries(protocols).map(([name, commands]) => {
    const output = calls.flatMap((line) => runLine(path, line, commands));
    return { name, text: output.length === 0 ? "ok" : output.join("\n") };
  });
  const alike = outputs.every(({ text }) => text === outputs[0]?.text);
  const told = alike
    ? [`----\n${outputs[0]?.text ?? ""}`]
    : outputs.map(({ name, text }) => `---- ${name}\n${text}`);
  return [...head, ...told].join("\n");
}

function runLine(path: string, line: string, commands: Commands): readonly string[] {
  const [name = "", ...args] = line.split(" ");
  const command = commands[name];
  if (command === undefined) throw new Error(`${path}: unknown command "${name}"`);
  return command(args);
}
