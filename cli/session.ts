// One run of a client command: its flags made into a client and an output, and both ended with it.
import type { Command } from "commander";
import { Client, KvError } from "../client/index.ts";
import type { AuthOptions, ClientOptions, TlsOptions } from "../client/index.ts";
import { authOf } from "./auth-flags.ts";
import type { AuthFlags } from "./auth-flags.ts";
import { UsageError } from "./exit-code.ts";
import { outputOf } from "./output-format.ts";
import type { Format, Output } from "./output.ts";
import { paintFor } from "./paint.ts";
import type { ColorChoice, Paint } from "./paint.ts";
import type { Stdio } from "./stdio.ts";
import { tlsOf } from "./tls-flags.ts";
import type { TlsFlags } from "./tls-flags.ts";
import { printed } from "./view.ts";
import type { View } from "./view.ts";

/** The flags that every client command takes. */
export interface CommonFlags extends TlsFlags, AuthFlags {
  readonly endpoints?: string;
  readonly writeOut: Format;
  readonly timeout: number;
  /** etcdctl's name for the same. */
  readonly commandTimeout?: number;
  readonly hex?: boolean;
  readonly color: ColorChoice;
}

/** What a command has to work with. */
export interface Session {
  readonly client: Client;
  readonly output: Output;
  /** Puts an answer on standard output, in the format that was asked for. */
  readonly print: (view: View) => void;
  readonly paint: Paint;
  readonly stdio: Stdio;
  readonly endpoints: readonly string[];
  /** What their connections are secured with; undefined: nothing was given. */
  readonly tls: TlsOptions | undefined;
  /** Whom the command is run as; undefined: nobody was named. */
  readonly auth: AuthOptions | undefined;
}

export interface SessionOptions {
  readonly valueOnly?: boolean;
  readonly countOnly?: boolean;
  /** Writes under a server session: repeated after any failure, applied once. */
  readonly exactlyOnce?: boolean;
}

const ENDPOINT_DEFAULT = "127.0.0.1:2379";

/** --endpoints, or HANSA_ENDPOINTS, or ETCDCTL_ENDPOINTS, or the first member of `hansa dev`. */
function endpointsOf(flags: CommonFlags, env: Stdio["env"]): string[] {
  const given = flags.endpoints ?? env["HANSA_ENDPOINTS"] ?? env["ETCDCTL_ENDPOINTS"];
  const endpoints = (given ?? "").split(",").filter((endpoint) => endpoint !== "");
  return endpoints.length === 0 ? [ENDPOINT_DEFAULT] : endpoints;
}

/** Runs `body` with a client of the given endpoints and closes it, however the body ends. */
export async function withSession(
  command: Command,
  stdio: Stdio,
  options: SessionOptions,
  body: (session: Session) => Promise<void>,
): Promise<void> {
  const flags = command.optsWithGlobals<CommonFlags>();
  const endpoints = endpointsOf(flags, stdio.env);
  const deadlineMs = flags.commandTimeout ?? flags.timeout;
  const tls = tlsOf(flags, stdio.env);
  const auth = await authOf(flags, stdio);
  const client = clientOf({
    endpoints,
    ...(tls === undefined ? {} : { tls }),
    ...(auth === undefined ? {} : { auth }),
    // Who names an endpoint means it, as with etcdctl: no other is asked.
    discover: false,
    deadlineMs,
    // With one endpoint there is nobody else to ask.
    ...(endpoints.length === 1 ? { attemptMs: deadlineMs } : {}),
    writes: options.exactlyOnce === true ? "sessions" : "never",
  });
  const paint = paintFor(stdio, "out", flags.color);
  const output = outputOf(flags.writeOut, {
    paint,
    hex: flags.hex ?? false,
    valueOnly: options.valueOnly ?? false,
    countOnly: options.countOnly ?? false,
  });
  try {
    await body({
      client,
      output,
      print: printerOf(command, stdio),
      paint,
      stdio,
      endpoints,
      tls,
      auth,
    });
  } finally {
    await client.close();
  }
}

/** Also for commands that ask no server. */
export function printerOf(command: Command, stdio: Stdio): (view: View) => void {
  const { writeOut, color } = command.optsWithGlobals<CommonFlags>();
  const paint = paintFor(stdio, "out", color);
  return (view) => {
    stdio.out(printed(view, writeOut, paint));
  };
}

/** @throws {UsageError} what is wrong with the endpoints or the timeout */
function clientOf(options: ClientOptions): Client {
  try {
    return new Client(options);
  } catch (cause) {
    if (cause instanceof KvError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
