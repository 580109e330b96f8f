// The client of the directory group, made of the options that name it. Files are read here, before anything else is
// touched, so that a wrong path is told at once.
import { readFileSync } from "node:fs";
import { KvError } from "../base/index.ts";
import { Client } from "../client/index.ts";
import type { ClientOptions } from "../client/index.ts";
import type { Config } from "./config.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { FederationDirectory } from "./federation-directory.ts";
import type { Journal } from "./ports.ts";

/** Undefined: the options name none. @throws {StartRefusal} badConfiguration naming what cannot be used */
export function openDirectory(config: Config, journal: Journal): FederationDirectory | undefined {
  const endpoints = config.federationDirectoryEndpoints;
  if (endpoints.length === 0) return undefined;
  const options: ClientOptions = {
    endpoints,
    discover: false,
    ...tlsIn(config),
    ...authIn(config),
  };
  try {
    return new FederationDirectory(new Client(options), journal);
  } catch (cause) {
    if (!(cause instanceof KvError)) throw cause;
    const why = `--federation-directory-endpoints: ${cause.message}`;
    throw new StartRefusal(ExitCode.badConfiguration, why, { cause });
  }
}

function tlsIn(config: Config): Pick<ClientOptions, "tls"> {
  const { federationDirectoryTrustedCaFile: ca, federationDirectoryCertFile: cert } = config;
  if (ca === "") return {};
  const trusted = { ca: read("federation-directory-trusted-ca-file", ca) };
  if (cert === "") return { tls: trusted };
  const key = read("federation-directory-key-file", config.federationDirectoryKeyFile);
  return { tls: { ...trusted, cert: read("federation-directory-cert-file", cert), key } };
}

function authIn(config: Config): Pick<ClientOptions, "auth"> {
  const { federationDirectoryUser: username, federationDirectoryPasswordFile: file } = config;
  if (username === "") return {};
  const password = read("federation-directory-password-file", file).replace(/\r?\n$/, "");
  return { auth: { username, password } };
}

function read(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartRefusal(ExitCode.badConfiguration, `--${flag}: cannot be read: ${reason}`, {
      cause,
    });
  }
}
