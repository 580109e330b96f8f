// What a command sees of the process around it; tests lend their own.

/** Which streams are terminals, and how wide they are. */
export interface Terminal {
  readonly out: boolean;
  readonly err: boolean;
  readonly columns: number;
}

export interface Stdio {
  /** Everything on standard input, to its end. */
  readonly readInput: () => Promise<Uint8Array>;
  readonly out: (bytes: Uint8Array | string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent: no stream is one. */
  readonly terminal?: Terminal;
  /** Aborted at the first SIGINT or SIGTERM; a second one ends the process. Absent: nobody interrupts. */
  readonly interrupted?: () => AbortSignal;
}

const NO_TERMINAL: Terminal = { out: false, err: false, columns: 80 };

export function terminalOf(stdio: Stdio): Terminal {
  return stdio.terminal ?? NO_TERMINAL;
}

/** Asked for by who ends a long run in good order; before that the signals end the process. */
export function interruptionOf(stdio: Stdio): AbortSignal {
  return stdio.interrupted?.() ?? new AbortController().signal;
}

export function processStdio(): Stdio {
  let interruption: AbortController | undefined;
  return {
    readInput: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
      return Buffer.concat(chunks);
    },
    out: (bytes) => {
      process.stdout.write(bytes);
    },
    err: (text) => {
      process.stderr.write(text);
    },
    env: process.env,
    terminal: {
      out: process.stdout.isTTY,
      err: process.stderr.isTTY,
      columns: columnsOf(process.stdout.isTTY ? process.stdout.columns : process.stderr.columns),
    },
    interrupted: () => {
      interruption ??= onFirstSignal();
      return interruption.signal;
    },
  };
}

function columnsOf(columns: number | undefined): number {
  return columns === undefined || columns < 1 ? NO_TERMINAL.columns : columns;
}

function onFirstSignal(): AbortController {
  const controller = new AbortController();
  const stop = (): void => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    controller.abort();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return controller;
}
