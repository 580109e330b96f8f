// `hansa certs`: a CA for development, and what it issues and revokes. For a cluster that matters use the CA of
// your house: servers take any files in PEM.
import { isIP } from "node:net";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type { CertificateFolder } from "../server/index.ts";
import { CliExit } from "./exit-code.ts";
import { countBetween } from "./flag-value.ts";
import type { Stdio } from "./stdio.ts";

interface FolderFlags {
  readonly dir: string;
}

interface IssueFlags extends FolderFlags {
  readonly host: readonly string[];
  readonly name: string;
  readonly days: number;
  readonly force?: boolean;
}

type InFolder = (
  flags: FolderFlags & { readonly force?: boolean },
  run: (folder: CertificateFolder) => Promise<readonly string[]>,
) => Promise<void>;

const DAYS = countBetween(1, 36_500);
const FOLDER = "certs";
const HOST = /^(?=.{1,253}$)(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;

export function addCertsCommand(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const certs = program
    .command("certs")
    .description("a CA for development: certificates for servers, peers and clients");
  const inFolder = orRefused(stdio, onExit);
  withFolder(certs.command("init"))
    .description("make the CA")
    .option("--name <name>", "common name of the CA", "hansa development CA")
    .option("--days <count>", "how long it is good for", DAYS, 3_650)
    .option("--force", "replace a CA: what it issued is worth nothing then")
    .action((flags: IssueFlags) =>
      inFolder(flags, (folder) => folder.init(flags.name, flags.days)),
    );
  addIssueCommands(certs, inFolder);
  withFolder(certs.command("revoke"))
    .argument("<names...>", "of certificates in the folder")
    .description("put certificates on the CA's list, ca.crl (--client-crl-file, --peer-crl-file)")
    .option("--days <count>", "until a newer list is due", DAYS, 365)
    .action((names: readonly string[], flags: IssueFlags) =>
      inFolder(flags, async (folder) => [await folder.revoke(names, flags.days)]),
    );
  withFolder(certs.command("show"))
    .description("what the folder holds")
    .action((flags: FolderFlags) =>
      inFolder(flags, async (folder) =>
        (await folder.list()).map(({ name, certificate, revoked }) => {
          const { subjectAltName, validTo, serialNumber } = certificate;
          const state = revoked ? "revoked" : Date.parse(validTo) < Date.now() ? "expired" : "good";
          return `${name}  ${state}  until ${validTo}  ${subjectAltName ?? "no hosts"}  serial ${serialNumber}`;
        }),
      ),
    );
}

function addIssueCommands(certs: Command, inFolder: InFolder): void {
  for (const kind of ["server", "peer"] as const) {
    withFolder(certs.command(kind))
      .description(
        kind === "server"
          ? "a certificate that clients meet (--cert-file)"
          : "a certificate that members show one another (--peer-cert-file)",
      )
      .requiredOption("--host <list>", "names and addresses that it is for", hostsValue)
      .option("--name <name>", "of the files, and common name", nameValue, kind)
      .option("--days <count>", "how long it is good for", DAYS, 365)
      .option("--force", "replace one of the name")
      .action((flags: IssueFlags) => {
        const usage = kind === "server" ? "server" : "both";
        return inFolder(flags, (folder) =>
          folder.issue(flags.name, {
            commonName: flags.name,
            hosts: flags.host,
            usage,
            validDays: flags.days,
          }),
        );
      });
  }
  withFolder(certs.command("client"))
    .description("a certificate of a user, whose name is its common name (--cert)")
    .requiredOption("--name <name>", "of the user, and of the files", nameValue)
    .option("--days <count>", "how long it is good for", DAYS, 365)
    .option("--force", "replace one of the name")
    .action((flags: IssueFlags) =>
      inFolder(flags, (folder) =>
        folder.issue(flags.name, {
          commonName: flags.name,
          hosts: [],
          usage: "client",
          validDays: flags.days,
        }),
      ),
    );
}

function withFolder(command: Command): Command {
  return command.option("--dir <folder>", "where the CA lives", FOLDER);
}

/** Runs with the folder and prints the lines; what the folder refuses, or the disk, is an error line. */
function orRefused(stdio: Stdio, onExit: (code: CliExit) => void): InFolder {
  return async ({ dir, force }, run) => {
    const { CertificateFolder, CertificateFolderError } = await import("../server/index.ts");
    try {
      const lines = await run(new CertificateFolder(resolve(dir), { overwrites: force === true }));
      for (const line of lines) stdio.out(`${line}\n`);
    } catch (error) {
      const refused = error instanceof CertificateFolderError;
      if (!refused && !(error instanceof Error && "syscall" in error)) throw error;
      stdio.err(`Error: ${error.message}\n`);
      onExit(CliExit.failed);
    }
  };
}

function hostsValue(text: string): string[] {
  const hosts = text.split(",").map((host) => host.trim());
  if (hosts.every((host) => isIP(host) !== 0 || HOST.test(host))) return [...new Set(hosts)];
  throw new InvalidArgumentError("expected host names and addresses, separated by commas.");
}

/** It names files, too. */
function nameValue(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError("expected 1 to 64 letters, digits, dots, hyphens, _ or @.");
}
