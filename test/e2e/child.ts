// A process of a test: its output kept to a bound, its end awaited, its signals sent by pid.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { until } from "./until.ts";

const OUTPUT_LINES_MAX = 2_000;

export interface Exit {
  /** Absent when a signal ended it. */
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
}

export interface Finished {
  readonly exit: Exit;
  readonly stdout: string;
  readonly stderr: string;
}

/** A long-running process. Whoever starts it stops it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;

  constructor(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#process = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      let rest = "";
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        const parts = (rest + chunk).split("\n");
        rest = parts.pop() ?? "";
        this.#lines.push(...parts);
        this.#lines.splice(0, Math.max(0, this.#lines.length - OUTPUT_LINES_MAX));
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#process.once("error", reject);
      // "close" comes after the last output, so a test can read why it ended.
      this.#process.once("close", (code, signal) => {
        this.#exit = exitOf(code, signal);
        resolve(this.#exit);
      });
    });
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`not started: ${this.#process.spawnfile}`);
    return pid;
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** The last lines of both streams, in the order they came. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Goes to its standard input, which stays open. */
  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.kill(signal);
  }

  /** @throws {Error} with the output when the process ends before the line, or the deadline passes. */
  async line(pattern: RegExp, deadlineMs: number): Promise<string> {
    return until(`a line like ${String(pattern)} from pid ${this.pid}`, deadlineMs, () => {
      const found = this.#lines.find((line) => pattern.test(line));
      if (found === undefined && this.#exit !== undefined) {
        throw new Error(`ended with ${JSON.stringify(this.#exit)}:\n${this.output}`);
      }
      return found;
    });
  }
}

/** Runs a command to its end. Never rejects for its exit code: tests judge that. */
export function finish(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
    readonly cwd?: string;
  } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ exit: exitOf(code, signal), stdout, stderr });
    });
    // A command that does not read its input may close it first.
    child.stdin.on("error", (failure: NodeJS.ErrnoException) => {
      if (failure.code !== "EPIPE") reject(failure);
    });
    child.stdin.end(options.input ?? "");
  });
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  return { ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) };
}
