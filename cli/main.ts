#!/usr/bin/env -S node --max-semi-space-size=32 --expose-gc
// The `hansa` command. `serve` goes to the server with its flags untouched; the rest is the client's. The
// server is loaded only by who runs one: it brings RocksDB with it. A larger young generation (MiB) halves
// what a busy server spends on collecting garbage; it can only be set where the process starts.
import { CliExit } from "./exit-code.ts";
import { run } from "./program.ts";
import { processStdio } from "./stdio.ts";

async function main(argv: readonly string[]): Promise<void> {
  const stdio = processStdio();
  const [command, ...flags] = argv;
  if (command === "serve") {
    const { serveCommand } = await import("./serve-command.ts");
    // The server has written what it had to; what still runs (a disk that does not answer) must not hold it.
    process.exit(await serveCommand(flags));
  }
  // `hansa get k | head -1`: who reads has seen enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(CliExit.done);
  });
  process.exitCode = await run(argv, stdio);
}

main(process.argv.slice(2)).catch((bug: unknown) => {
  process.stderr.write(
    `hansa: ended by a bug: ${bug instanceof Error ? bug.stack : String(bug)}\n`,
  );
  process.exit(CliExit.failed);
});
