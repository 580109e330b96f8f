// What users read of the command line: the reference in docs/ is that of the commands, and every command
// and flag says what it is for.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { Command } from "commander";
import { programOf } from "../../cli/program.ts";
import { cliReference } from "./cli-reference.ts";
import type { Stdio } from "../../cli/stdio.ts";

const SILENT: Stdio = {
  readInput: () => Promise.resolve(new Uint8Array()),
  out: () => undefined,
  err: () => undefined,
  env: {},
};
const program = programOf(SILENT, "never", () => undefined);

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

test("docs/cli.md is the reference that the commands give", () => {
  const path = join(__dirname, "..", "..", "docs", "cli.md");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, cliReference(program));
  expect(readFileSync(path, "utf8")).toBe(cliReference(program));
});

test.each(all(program).map((command) => [command.name(), command] as const))(
  "%s says what it is for, and so do its flags",
  (_, command) => {
    expect(command.description()).not.toBe("");
    for (const option of command.options)
      if (!option.hidden) expect(option.description).not.toBe("");
  },
);
