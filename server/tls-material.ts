// Certificates, keys, CAs and revocation lists as files: read whole, checked against one another before anything
// uses them. What is wrong names the flag, the file and what was expected; half of a change is no material.
import { X509Certificate, createPrivateKey } from "node:crypto";
import { open } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { SecureContextOptions } from "node:tls";
import { RevocationList } from "./revocation-list.ts";

export interface TlsFile {
  /** Without the dashes; for messages. */
  readonly flag: string;
  /** Empty: not given. */
  readonly path: string;
}

export interface TlsFiles {
  readonly cert: TlsFile;
  readonly key: TlsFile;
  readonly ca: TlsFile;
  readonly crl: TlsFile;
}

/** Versions and suites, of every port. */
export type TlsRules = Pick<SecureContextOptions, "minVersion" | "maxVersion" | "ciphers">;

export interface TlsMaterial {
  /** For servers and for clients. */
  readonly context: SecureContextOptions;
  /** Undefined: none is shown. */
  readonly certificate: X509Certificate | undefined;
  readonly revocations: RevocationList | undefined;
  /** What is legal and wants an operator's eye: dates that have passed. */
  readonly warnings: readonly string[];
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** @throws {Error} naming the flag and the file that is wrong. */
export async function loadTlsMaterial(files: TlsFiles, rules: TlsRules): Promise<TlsMaterial> {
  const [cert, key, ca, crl] = await Promise.all([
    readGiven(files.cert),
    readGiven(files.key),
    readGiven(files.ca),
    readGiven(files.crl),
  ]);
  const warnings: string[] = [];
  const certificate = cert === undefined ? undefined : firstCertificate(files.cert, cert);
  if (certificate !== undefined && key !== undefined) checkKey(files, certificate, key);
  if (certificate !== undefined) warnings.push(...datesOf(files.cert, certificate));
  const cas = ca === undefined ? [] : certificatesIn(files.ca, ca);
  for (const authority of cas) warnings.push(...datesOf(files.ca, authority));
  const context: SecureContextOptions = {
    ...rules,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  };
  inWords(files.cert, () => createSecureContext(context));
  const revocations =
    crl === undefined
      ? undefined
      : await inWordsLater(files.crl, () => RevocationList.read(crl, cas));
  for (const dueAt of revocations?.overdue(new Date()) ?? []) {
    const { flag, path } = files.crl;
    warnings.push(`--${flag} ${path}: a newer list was due at ${dueAt.toISOString()}`);
  }
  return { context, certificate, revocations, warnings };
}

/** @throws {Error} when it cannot be read, or is larger than such a file is. */
async function readGiven(file: TlsFile): Promise<Buffer | undefined> {
  if (file.path === "") return undefined;
  return inWordsLater(file, async () => {
    const handle = await open(file.path, "r");
    try {
      const { size } = await handle.stat();
      if (size > FILE_BYTES_MAX)
        throw new Error(`${size} bytes; expected at most ${FILE_BYTES_MAX}`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  });
}

function firstCertificate(file: TlsFile, pem: Buffer): X509Certificate {
  const [first] = certificatesIn(file, pem);
  if (first === undefined) throw new Error(`${named(file)}: holds no certificate`);
  return first;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function certificatesIn(file: TlsFile, pem: Buffer): X509Certificate[] {
  const blocks = pem.toString("latin1").match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error(`${named(file)}: expected certificates in PEM`);
  return blocks.map((block) => inWords(file, () => new X509Certificate(block)));
}

function checkKey(files: TlsFiles, certificate: X509Certificate, pem: Buffer): void {
  const key = inWords(files.key, () => createPrivateKey(pem));
  if (certificate.checkPrivateKey(key)) return;
  throw new Error(`${named(files.key)}: is not the key of --${files.cert.flag} ${files.cert.path}`);
}

/** A certificate that is out of date is used all the same, as etcd does: its clients say no by themselves. */
function datesOf(file: TlsFile, certificate: X509Certificate): string[] {
  const now = Date.now();
  const { validFrom, validTo } = certificate;
  if (now > Date.parse(validTo)) return [`${named(file)}: expired at ${validTo}`];
  if (now < Date.parse(validFrom)) return [`${named(file)}: is valid only from ${validFrom}`];
  return [];
}

function named({ flag, path }: TlsFile): string {
  return `--${flag} ${path}`;
}

function inWords<T>(file: TlsFile, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw reworded(file, cause);
  }
}

async function inWordsLater<T>(file: TlsFile, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw reworded(file, cause);
  }
}

function reworded(file: TlsFile, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${named(file)}: ${reason}`, { cause });
}
