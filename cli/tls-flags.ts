// The flags that secure a client command's connections, by etcdctl's names, with their twins in the environment,
// and the files that they name. An `http://` endpoint stays plain whatever is given.
import { readFileSync } from "node:fs";
import { Option } from "commander";
import type { Command } from "commander";
import type { TlsOptions } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import type { Stdio } from "./stdio.ts";

export interface TlsFlags {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecureSkipTlsVerify?: boolean | string;
  readonly insecureTransport?: boolean | string;
}

export function addTlsFlags(program: Command): void {
  program
    .option("--cacert <file>", "CAs of the servers, PEM")
    .option("--cert <file>", "certificate of this client, PEM")
    .option("--key <file>", "its private key, PEM")
    .addOption(
      new Option(
        "--insecure-skip-tls-verify [on]",
        "take any server's certificate; for development",
      ),
    )
    .addOption(
      new Option(
        "--insecure-transport [on]",
        "false: endpoints without a scheme are secured (etcdctl; default true)",
      ),
    );
}

/** Undefined: an endpoint without a scheme is plain. @throws {UsageError} naming what cannot be used. */
export function tlsOf(flags: TlsFlags, env: Stdio["env"]): TlsOptions | undefined {
  const given = (name: string): string | undefined =>
    (env[`HANSA_${name}`] ?? env[`ETCDCTL_${name}`]) || undefined;
  const ca = fileOf("cacert", flags.cacert ?? given("CACERT"));
  const cert = fileOf("cert", flags.cert ?? given("CERT"));
  const key = fileOf("key", flags.key ?? given("KEY"));
  const skips = flags.insecureSkipTlsVerify ?? given("INSECURE_SKIP_TLS_VERIFY");
  const insecureSkipVerify = isOn("insecure-skip-tls-verify", skips) ?? false;
  const plain = flags.insecureTransport ?? given("INSECURE_TRANSPORT");
  const isPlain = isOn("insecure-transport", plain) ?? true;
  if (ca === undefined && cert === undefined && key === undefined && !insecureSkipVerify) {
    return isPlain ? undefined : {};
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    insecureSkipVerify,
  };
}

function fileOf(flag: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--${flag} ${path}: ${reason}`, { cause });
  }
}

/** As Go's flags read what is on or off; the flag alone says on. */
function isOn(flag: string, value: boolean | string | undefined): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  if (["true", "1", "t"].includes(value.toLowerCase())) return true;
  if (["false", "0", "f"].includes(value.toLowerCase())) return false;
  throw new UsageError(`--${flag} ${value}: expected true or false`);
}
