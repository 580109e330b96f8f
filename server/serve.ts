// One server process from start to end: what must be refused is refused before data is touched, a signal
// drains, a failed disk stops. server.ts composes what runs in between.
import type { Config } from "./config.ts";
import { Closers } from "./closers.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { ServerJournal } from "./journal.ts";
import { watchProcessEnd } from "./process-end.ts";
import { Server } from "./server.ts";
import { HANSA_VERSION } from "./version.ts";

/** On top of --shutdown-timeout-ms: to write the state, and to close what is open. */
const CLOSE_MS_MAX = 10_000;

/**
 * Runs one server until a signal, a failed disk or a refusal ends it; takes SIGINT and SIGTERM and the
 * handlers of uncaught errors meanwhile. What is wrong goes to the log and, in one line, to stderr.
 *
 * @returns the exit code; the caller ends the process with it at once.
 */
export async function serve(config: Config): Promise<ExitCode> {
  const journal = ServerJournal.open({
    level: config.logLevel,
    outputs: config.logOutputs,
    format: config.logFormat,
    fields: { name: config.name },
    onOutputFailure: (output, failure) => {
      process.stderr.write(`hansa: log output ${output} failed: ${failure.message}\n`);
    },
  });
  journal.info("starting", { version: HANSA_VERSION, dataDir: config.dataDir, pid: process.pid });
  const code = await new Run(config, journal).toTheEnd();
  await journal.close();
  return code;
}

class Run {
  readonly #config: Config;
  readonly #journal: ServerJournal;
  readonly #closers = new Closers();
  readonly #stopping = new AbortController();
  readonly #asked: Promise<ExitCode>;
  #ask: (code: ExitCode) => void = () => undefined;
  #server: Server | undefined;

  constructor(config: Config, journal: ServerJournal) {
    this.#config = config;
    this.#journal = journal;
    this.#asked = new Promise((resolve) => {
      this.#ask = resolve;
    });
  }

  async toTheEnd(): Promise<ExitCode> {
    const watch = watchProcessEnd({
      journal: this.#journal,
      onStop: (signal) => {
        this.#journal.info("stopping", { signal });
        this.#boundTheEnd();
        this.#stopping.abort();
        this.#ask(ExitCode.clean);
      },
      state: () => this.#server?.state() ?? {},
    });
    let code: ExitCode;
    try {
      this.#server = await Server.start({
        config: this.#config,
        journal: this.#journal,
        closers: this.#closers,
        onHalt: (failure) => {
          const halted = failure.kind === "corrupt" ? ExitCode.corruptStore : ExitCode.diskFailure;
          process.stderr.write(`hansa: stopped for good: ${failure.message}\n`);
          this.#boundTheEnd();
          this.#ask(halted);
        },
        onBug: watch.onBug,
        signal: this.#stopping.signal,
        onRemoved: () => {
          process.stderr.write("hansa: this member has been removed from the cluster\n");
          this.#boundTheEnd();
          this.#ask(ExitCode.clean);
        },
      });
      code = await this.#asked;
      if (code === ExitCode.clean) code = await this.#drain(this.#server);
    } catch (cause) {
      code = this.#refused(cause);
    }
    await this.#close();
    watch.stop();
    return code;
  }

  async #drain(server: Server): Promise<ExitCode> {
    const failure = await server.stop();
    if (failure === undefined) return ExitCode.clean;
    process.stderr.write(`hansa: the state could not be written: ${failure.message}\n`);
    return ExitCode.diskFailure;
  }

  /** @throws what is no refusal: a bug. */
  #refused(cause: unknown): ExitCode {
    const refusal = refusalOf(cause);
    if (refusal === undefined) throw cause;
    this.#journal.error("not started", { reason: refusal.message, exitCode: refusal.exitCode });
    process.stderr.write(`hansa: ${refusal.message}\n`);
    this.#boundTheEnd();
    return refusal.exitCode;
  }

  async #close(): Promise<void> {
    for (const failure of await this.#closers.closeAll()) {
      this.#journal.warn("did not close", { failure });
    }
  }

  /** A disk that never answers must not keep the process: what is not written is in the log. */
  #boundTheEnd(): void {
    const boundMs = this.#config.shutdownTimeoutMs + CLOSE_MS_MAX;
    const timer = setTimeout(() => {
      this.#journal.lastWord("did not stop in time", { boundMs });
      process.stderr.write(`hansa: did not stop within ${boundMs} ms\n`);
      process.exit(ExitCode.diskFailure);
    }, boundMs);
    timer.unref();
  }
}

/** Refusals, and failures of the file system while the data is opened; undefined for anything else. */
function refusalOf(cause: unknown): StartRefusal | undefined {
  if (cause instanceof StartRefusal) return cause;
  if (!(cause instanceof Error) || !("syscall" in cause)) return undefined;
  return new StartRefusal(ExitCode.diskFailure, cause.message, { cause });
}
