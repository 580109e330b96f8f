// What a command sees of the process around it; tests lend their own.

export interface Stdio {
  /** Everything on standard input, to its end. */
  readonly readInput: () => Promise<Uint8Array>;
  readonly out: (bytes: Uint8Array | string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function processStdio(): Stdio {
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
  };
}
