// `hansa make-mirror`, in etcdctl's words: a prefix of this cluster kept in another one.
import { Client, KvError } from "../client/index.ts";
import type { Command } from "commander";
import { splitUser } from "./auth-flags.ts";
import { withExamples } from "./examples.ts";
import { UsageError } from "./exit-code.ts";
import { countBetween, countValue } from "./flag-value.ts";
import { defined } from "./kv-flags.ts";
import { mirror } from "./mirror.ts";
import type { MirrorPlan } from "./mirror.ts";
import { Progress } from "./progress.ts";
import { withSession } from "./session.ts";
import type { CommonFlags } from "./session.ts";
import { interruptionOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";
import { tlsOf } from "./tls-flags.ts";

interface MirrorFlags {
  readonly prefix: string;
  /** `false`: --no-dest-prefix. */
  readonly destPrefix?: string | false;
  readonly destCacert?: string;
  readonly destCert?: string;
  readonly destKey?: string;
  readonly destInsecureTransport?: boolean | string;
  readonly destUser?: string;
  readonly maxTxnOps: number;
  readonly count?: number;
}

/** As etcdctl tells of itself. */
const REPORT_MS = 30_000;

export function addMirrorCommand(program: Command, stdio: Stdio): void {
  const command = program
    .command("make-mirror")
    .description("keep a copy of a prefix in another cluster, until it is stopped")
    .argument("<destination>", "endpoints of the other cluster: host:port,...")
    .option("--prefix <text>", "keys that begin with it", "")
    .option("--dest-prefix <text>", "stands instead of it there")
    .option("--no-dest-prefix", "nothing stands instead of it there")
    .option("--dest-cacert <file>", "CAs of the other cluster's servers, PEM")
    .option("--dest-cert <file>", "certificate of this client there, PEM")
    .option("--dest-key <file>", "its private key, PEM")
    .option("--dest-insecure-transport [on]", "as --insecure-transport, there")
    .option("--dest-user <name:password>", "whom it is written as there")
    .option("--max-txn-ops <count>", "keys written at once there", countBetween(1, 10_000), 128)
    .option("--count <keys>", "end after so many changes", countValue)
    .action(async (destination: string, flags: MirrorFlags, command: Command) => {
      await withSession(command, stdio, {}, async ({ client }) => {
        const other = destinationOf(destination, flags, command.optsWithGlobals<CommonFlags>());
        try {
          await keepMirror(client, other, flags, stdio);
        } finally {
          await other.close();
        }
      });
    });
  withExamples(
    command,
    ["make-mirror 10.1.0.4:2379 --prefix config/", "as it is"],
    ["make-mirror 10.1.0.4:2379 --prefix config/ --dest-prefix eu/config/", "renamed"],
  );
}

async function keepMirror(
  source: Client,
  destination: Client,
  flags: MirrorFlags,
  stdio: Stdio,
): Promise<void> {
  const { prefix, destPrefix, maxTxnOps, count = Infinity } = flags;
  const plan: MirrorPlan = {
    prefix,
    destPrefix: destPrefix === false ? "" : (destPrefix ?? prefix),
    txnOperationsMax: maxTxnOps,
  };
  const progress = new Progress(stdio, { label: "mirrored", unit: "operations" });
  const enough = new AbortController();
  const stop = AbortSignal.any([interruptionOf(stdio), enough.signal]);
  let mirrored = 0;
  const report = setInterval(() => {
    stdio.out(`${mirrored}\n`);
  }, REPORT_MS);
  try {
    const onMirrored = (more: number): void => {
      mirrored += more;
      progress.at(mirrored);
      if (mirrored >= count) enough.abort();
    };
    await mirror(source, destination, plan, { onMirrored }, stop);
  } finally {
    clearInterval(report);
    progress.end();
    stdio.out(`${mirrored}\n`);
  }
}

/** Writes there are repeated under a session where it has them, so none is applied twice. @throws {UsageError} */
function destinationOf(endpoints: string, flags: MirrorFlags, common: CommonFlags): Client {
  const { destCacert, destCert, destKey, destInsecureTransport, destUser } = flags;
  const tls = tlsOf(
    defined({
      cacert: destCacert,
      cert: destCert,
      key: destKey,
      insecureTransport: destInsecureTransport,
    }),
    {},
  );
  const { name, password } = splitUser(destUser ?? "");
  if (destUser !== undefined && password === undefined) {
    throw new UsageError("--dest-user is NAME:PASSWORD");
  }
  try {
    return new Client({
      endpoints: endpoints.split(","),
      discover: false,
      deadlineMs: common.commandTimeout ?? common.timeout,
      ...(tls === undefined ? {} : { tls }),
      ...(password === undefined ? {} : { auth: { username: name, password } }),
    });
  } catch (cause) {
    if (cause instanceof KvError) throw new UsageError(`destination: ${cause.message}`, { cause });
    throw cause;
  }
}
