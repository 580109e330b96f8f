// A `hansa` command line in this process, to its end.
import { run } from "../../cli/program.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function hansa(endpoint: string, args: readonly string[], input = ""): Promise<Ended> {
  const out: Uint8Array[] = [];
  let stderr = "";
  const code = await run(["--endpoints", endpoint, ...args], {
    readInput: () => Promise.resolve(Buffer.from(input)),
    out: (bytes) => out.push(Buffer.from(bytes)),
    err: (text) => {
      stderr += text;
    },
    env: {},
  });
  return { code, stdout: Buffer.concat(out).toString(), stderr };
}
