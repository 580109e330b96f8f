// How a server process ends: asked to by a signal, by a bug, or by a disk. The first signal drains, the
// second ends at once; a bug leaves a dump of the state and no further effect.
import type { JournalFields, ServerJournal } from "./journal.ts";
import { ExitCode } from "./exit-code.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
type StopSignal = (typeof SIGNALS)[number];

/** What a shell reports for a process that a signal ended. */
const SIGNAL_EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

export interface ProcessEndOptions {
  readonly journal: ServerJournal;
  /** The first signal; called once. */
  readonly onStop: (signal: StopSignal) => void;
  /** For the dump: what to know about the replica; must not throw. */
  readonly state: () => JournalFields;
}

export interface ProcessEndWatch {
  /** Ends the process inside the call, as an uncaught error does. */
  readonly onBug: (bug: unknown) => void;
  /** The process is about to end by itself: a first signal changes nothing of that any more, a second ends it at once. */
  readonly stop: () => void;
}

/** Watches for signals and bugs of the whole process. */
export function watchProcessEnd(options: ProcessEndOptions): ProcessEndWatch {
  let stopping = false;
  let stopped = false;
  const onSignal = (signal: StopSignal): void => {
    if (stopping) process.exit(SIGNAL_EXIT_CODES[signal]);
    stopping = true;
    if (!stopped) options.onStop(signal);
  };
  const onBug = (bug: unknown): void => {
    endByBug(bug, options);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on("uncaughtException", onBug);
  process.on("unhandledRejection", onBug);
  const stop = (): void => {
    // Signals are heard on: without a listener one would end the process with a code of its own.
    stopped = true;
    process.removeListener("uncaughtException", onBug);
    process.removeListener("unhandledRejection", onBug);
  };
  return { onBug, stop };
}

/**
 * Ends the process inside the call: after a bug no message may leave and no write begin, so nothing is
 * drained and the lines are written synchronously.
 */
function endByBug(bug: unknown, { journal, state }: ProcessEndOptions): never {
  journal.lastWord("ended by a bug; the state at that moment is in this line", {
    bug,
    state: state(),
  });
  const message = bug instanceof Error ? `${bug.name}: ${bug.message}` : String(bug);
  process.stderr.write(`hansa: ended by a bug: ${message}\n`);
  process.exit(ExitCode.bug);
}
