// --auto-tls and --peer-auto-tls: a certificate that signs itself, made at the first start and kept under the data
// directory, where etcd keeps its own. One that has expired is made anew.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config.ts";
import { endpointOf } from "./config-value.ts";
import { makeDirectory, writeDurably } from "./durable-file.ts";
import type { Journal } from "./ports.ts";
import type { TlsFiles } from "./tls-material.ts";

/** In the data directory, as etcd has it. */
export const CERTIFICATES_DIRECTORY = "fixtures";
const CERT_FILE = "cert.pem";
const KEY_FILE = "key.pem";
const DAYS_PER_YEAR = 365;

/** The files, which exist when this resolves. @throws what the file system says */
export async function selfSignedFiles(
  config: Config,
  port: "client" | "peer",
  journal: Journal,
): Promise<Pick<TlsFiles, "cert" | "key">> {
  const folder = join(config.dataDir, CERTIFICATES_DIRECTORY, port);
  const flag = port === "client" ? "auto-tls" : "peer-auto-tls";
  const files = {
    cert: { flag, path: join(folder, CERT_FILE) },
    key: { flag, path: join(folder, KEY_FILE) },
  };
  if (isGood(files.cert.path)) return files;
  const { makeSelfSigned } = await import("./certificate-maker.ts");
  const hosts = hostsOf(port === "client" ? config.listenClientUrls : config.listenPeerUrls);
  const made = await makeSelfSigned({
    commonName: config.name,
    hosts,
    usage: "both",
    validDays: config.selfSignedCertValidity * DAYS_PER_YEAR,
  });
  makeDirectory(folder);
  writeDurably(folder, KEY_FILE, made.key);
  writeDurably(folder, CERT_FILE, made.certificate);
  journal.info("a certificate that signs itself was made", { flag, file: files.cert.path, hosts });
  return files;
}

function isGood(file: string): boolean {
  try {
    return Date.parse(new X509Certificate(readFileSync(file)).validTo) > Date.now();
  } catch {
    // None yet, or none that can be used: it is made anew.
    return false;
  }
}

/** Of `https://` addresses; the wildcard address stands for whatever clients call this machine. */
function hostsOf(urls: readonly string[]): string[] {
  const hosts = urls.flatMap((url) => {
    const endpoint = endpointOf(url);
    return endpoint.kind === "tcp" ? [endpoint.host] : [];
  });
  return [...new Set([...hosts, "localhost", "127.0.0.1"])];
}
