// `hansa lock`: a lock that is held while a command runs, or until this is stopped; in etcdctl's words.
import { spawn } from "node:child_process";
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import type { HeldLock } from "../client/index.ts";
import { CliExit } from "./exit-code.ts";
import { countValue } from "./flag-value.ts";
import { withSession } from "./session.ts";
import type { CommonFlags, Session } from "./session.ts";
import { interruptionOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";
import { heldView } from "./turn-view.ts";

/** Of a command that a signal has ended, as a shell has it. */
const SIGNAL_EXIT_CODES: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGKILL: 137,
  SIGTERM: 143,
};

export function addLockCommand(
  program: Command,
  stdio: Stdio,
  onExit: (code: number) => void,
): void {
  program
    .command("lock")
    .description("hold a lock while a command runs, or print its key and hold it until stopped")
    .argument("<name>")
    .argument("[command...]", "what runs while it is held; after -- if it has flags")
    .option("--ttl <seconds>", "kept from others so long when this dies", countValue, 10)
    .addHelpText("after", LOCK_HELP)
    .action(async (name: string, words: string[], flags: { ttl: number }, command: Command) => {
      const { hex = false } = command.optsWithGlobals<CommonFlags>();
      await withSession(command, stdio, {}, async (session) => {
        const interrupted = interruptionOf(stdio);
        const lock = session.client.lock(name, { ttlS: flags.ttl });
        const held = await acquired(() => lock.acquire({ signal: interrupted }), interrupted);
        if (held === undefined) return;
        try {
          if (words.length > 0) onExit(await runUnder(held, words, session, interrupted));
          else {
            session.print(heldView(held, hex));
            if (!(await stoppedFirst(held, interrupted))) throw lostLock();
          }
        } finally {
          await held.unlock();
        }
      });
    });
}

const LOCK_HELP = `
The command finds the lock's key in HANSA_LOCK_KEY and its fencing token in HANSA_FENCING_TOKEN (and, as from
etcdctl, in ETCD_LOCK_KEY and ETCD_LOCK_REV). Its exit code is this one's. When the lock is lost it is sent SIGTERM.`;

/** Undefined: whoever waited was stopped. Also of an election. */
export async function acquired<T>(
  take: () => Promise<T>,
  interrupted: AbortSignal,
): Promise<T | undefined> {
  try {
    return await take();
  } catch (error) {
    if (interrupted.aborted && error instanceof KvError && error.code === "cancelled") {
      return undefined;
    }
    throw error;
  }
}

/** Whether this was stopped, and not the turn lost. */
export async function stoppedFirst(
  turn: { readonly lost: Promise<unknown> },
  interrupted: AbortSignal,
): Promise<boolean> {
  const stopped = new Promise<boolean>((resolve) => {
    if (interrupted.aborted) resolve(true);
    interrupted.addEventListener("abort", () => resolve(true), { once: true });
  });
  return Promise.race([stopped, turn.lost.then(() => false)]);
}

/** @returns its exit code. @throws {KvError} `lock-expired` when the lock was lost before it had ended */
async function runUnder(
  held: HeldLock,
  [command = "", ...args]: readonly string[],
  { stdio }: Session,
  interrupted: AbortSignal,
): Promise<number> {
  const key = Buffer.from(held.key).toString();
  const token = String(held.fencingToken);
  const child = spawn(command, args, {
    stdio: "inherit",
    env: {
      ...stdio.env,
      HANSA_LOCK_KEY: key,
      HANSA_FENCING_TOKEN: token,
      ETCD_LOCK_KEY: key,
      ETCD_LOCK_REV: token,
    },
  });
  const terminate = (): void => void child.kill("SIGTERM");
  held.signal.addEventListener("abort", terminate, { once: true });
  interrupted.addEventListener("abort", terminate, { once: true });
  const code = await new Promise<number>((resolve) => {
    child.once("error", (failure) => {
      stdio.err(`Error: ${command} could not be run: ${failure.message}\n`);
      resolve(CliExit.failed);
    });
    child.once("exit", (exitCode, signal) => {
      resolve(signal === null ? (exitCode ?? 0) : (SIGNAL_EXIT_CODES[signal] ?? CliExit.failed));
    });
  });
  if (held.signal.aborted) throw lostLock();
  return code;
}

function lostLock(): KvError {
  return new KvError("lock-expired", "unknown", "the lock was lost");
}
