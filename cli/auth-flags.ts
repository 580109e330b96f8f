// Who a client command is: etcdctl's --user NAME[:PASSWORD] and --password, with their twins in the environment.
import type { Command } from "commander";
import type { AuthOptions } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { readSecret } from "./secret-input.ts";
import type { Stdio } from "./stdio.ts";

export interface AuthFlags {
  readonly user?: string;
  /** A boolean is of `user add --no-password`, which is not meant here. */
  readonly password?: string | boolean;
}

export function addAuthFlags(program: Command): void {
  program
    .option("--user <name[:password]>", "whom the command is run as (or HANSA_USER)")
    .option("--password <password>", "of --user; without any it is read (or HANSA_PASSWORD)");
}

/** Undefined: nobody was named. @throws {UsageError} for a password of nobody */
export async function authOf(flags: AuthFlags, stdio: Stdio): Promise<AuthOptions | undefined> {
  const { env } = stdio;
  const named = (flags.user ?? env["HANSA_USER"] ?? env["ETCDCTL_USER"]) || undefined;
  const own = typeof flags.password === "string" ? flags.password : undefined;
  const given = (own ?? env["HANSA_PASSWORD"] ?? env["ETCDCTL_PASSWORD"]) || undefined;
  if (named === undefined) {
    if (own !== undefined) throw new UsageError("--password is given without --user");
    return undefined;
  }
  if (given !== undefined) return { username: named, password: given };
  const { name, password } = splitUser(named);
  return { username: name, password: password ?? (await readSecret("Password: ", stdio)) };
}

/** NAME or NAME:PASSWORD; a password may hold further colons. */
export function splitUser(text: string): { readonly name: string; readonly password?: string } {
  const at = text.indexOf(":");
  return at < 0 ? { name: text } : { name: text.slice(0, at), password: text.slice(at + 1) };
}
