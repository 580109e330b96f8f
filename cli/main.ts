#!/usr/bin/env -S node --max-semi-space-size=16 --heap-growing-percent=200 --no-memory-reducer --v8-pool-size=1 --expose-gc
// The `hansa` command, with the options of node-options.ts. `serve` goes to the server with its flags untouched; the rest
// is the client's. Either is loaded only by who runs it: the server brings RocksDB with it, the client all commands.
import { CliExit } from "./exit-code.ts";
import { nodeRefusal } from "./node-version.ts";
import { processStdio } from "./stdio.ts";

async function main(argv: readonly string[]): Promise<void> {
  const refusal = nodeRefusal(process.versions.node);
  if (refusal !== undefined) {
    process.stderr.write(`hansa: ${refusal}\n`);
    process.exit(CliExit.usage);
  }
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
  const { run } = await import("./program.ts");
  process.exitCode = await run(argv, stdio);
}

main(process.argv.slice(2)).catch((bug: unknown) => {
  process.stderr.write(
    `hansa: ended by a bug: ${bug instanceof Error ? bug.stack : String(bug)}\n`,
  );
  process.exit(CliExit.failed);
});
