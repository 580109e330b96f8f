// A password that is not on the command line: the first line of standard input, which a terminal does not show.
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Stdio } from "./stdio.ts";
import { terminalOf } from "./stdio.ts";

/** `prompt` goes to the terminal, if there is one. */
export async function readSecret(prompt: string, stdio: Stdio): Promise<string> {
  if (!terminalOf(stdio).err || !process.stdin.isTTY) {
    const [line = ""] = new TextDecoder().decode(await stdio.readInput()).split(/\r?\n/);
    return line;
  }
  stdio.err(prompt);
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    stdio.err("\n");
  }
}
