// One member of a development cluster as a child process: started, watched, stopped.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readSync, fstatSync } from "node:fs";
import type { DevMember } from "./dev-plan.ts";
import { MEMBER_NODE_OPTIONS } from "./node-options.ts";

/** How a child ended: a code, or the signal that ended it. */
export type ChildEnd =
  { readonly code: number } | { readonly signal: NodeJS.Signals } | { readonly failure: Error };

const TAIL_BYTES = 4_096;
const TAIL_LINES = 5;

export class DevChild {
  readonly member: DevMember;
  readonly ended: Promise<ChildEnd>;
  readonly #child: ChildProcess;
  #end: ChildEnd | undefined;

  /** Starts `hansa serve` by the script `main`; its output is appended to the member's log file. */
  constructor(member: DevMember, main: string) {
    this.member = member;
    const log = openSync(member.logFile, "a", 0o600);
    this.#child = fork(main, ["serve", ...member.flags], {
      stdio: ["ignore", log, log, "ipc"],
      execArgv: [...MEMBER_NODE_OPTIONS],
      // A group of its own: a terminal's Ctrl-C goes to the whole foreground group, and a member takes a
      // second signal as "at once".
      detached: true,
    });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      const onEnd = (end: ChildEnd): void => {
        this.#end ??= end;
        resolve(this.#end);
      };
      this.#child.once("error", (failure) => {
        onEnd({ failure });
      });
      this.#child.once("exit", (code, signal) => {
        onEnd(signal === null ? { code: code ?? 0 } : { signal });
      });
    });
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** The last lines of its log. */
  tail(): string[] {
    const file = openSync(this.member.logFile, "r");
    try {
      const size = fstatSync(file).size;
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      const lines = buffer.toString().trimEnd().split("\n");
      return lines.slice(-TAIL_LINES);
    } finally {
      closeSync(file);
    }
  }
}

export function endText(end: ChildEnd): string {
  if ("failure" in end) return `could not be started: ${end.failure.message}`;
  return "signal" in end ? `was ended by ${end.signal}` : `exited with code ${end.code}`;
}
