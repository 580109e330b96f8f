// A development CA and what it has issued, in a folder: NAME.crt and NAME.key each, ca.crt, ca.key, and the list of
// what is revoked, ca.crl. Nothing is overwritten unasked; keys are for their owner alone.
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type * as CertificateMaker from "./certificate-maker.ts";
import type { CertificateOrder, CertifiedKey } from "./certificate-maker.ts";
import { makeDirectory, writeDurably } from "./durable-file.ts";
import { RevocationList } from "./revocation-list.ts";

/** What a folder has, or lacks, or would lose. */
export class CertificateFolderError extends Error {
  override readonly name = "CertificateFolderError";
}

export interface IssuedCertificate {
  readonly name: string;
  readonly certificate: X509Certificate;
  readonly revoked: boolean;
}

const AUTHORITY = "ca";
const READABLE = 0o644;

/** Every server loads this file, and few make certificates: what makes them is a sixth of all that is loaded. */
const maker = (): Promise<typeof CertificateMaker> => import("./certificate-maker.ts");

export class CertificateFolder {
  readonly #folder: string;
  readonly #overwrites: boolean;

  constructor(folder: string, options: { readonly overwrites: boolean }) {
    this.#folder = folder;
    this.#overwrites = options.overwrites;
  }

  /** A CA, and its list of nothing. @throws {CertificateFolderError} when there is one. */
  async init(commonName: string, validDays: number): Promise<readonly string[]> {
    makeDirectory(this.#folder);
    this.#checkFree(AUTHORITY);
    const { makeAuthority, makeRevocationList } = await maker();
    const authority = await makeAuthority(commonName, validDays);
    const files = this.#writeKey(AUTHORITY, authority);
    const list = await makeRevocationList(authority, undefined, [], validDays);
    return [...files, this.#writeReadable(`${AUTHORITY}.crl`, list)];
  }

  /** @throws {CertificateFolderError} when there is no CA, or one of the name has been issued. */
  async issue(name: string, order: CertificateOrder): Promise<readonly string[]> {
    const authority = this.#authority();
    if (name === AUTHORITY) throw new CertificateFolderError(`"${AUTHORITY}" is the CA's own name`);
    this.#checkFree(name);
    const { makeCertificate } = await maker();
    return this.#writeKey(name, await makeCertificate(authority, order));
  }

  /** @throws {CertificateFolderError} when there is no CA, or no certificate of a name. */
  async revoke(names: readonly string[], validDays: number): Promise<string> {
    const authority = this.#authority();
    const revoked = names.map((name) => this.#read(`${name}.crt`, `no certificate "${name}"`));
    const list = join(this.#folder, `${AUTHORITY}.crl`);
    const previous = existsSync(list) ? readFileSync(list, "utf8") : undefined;
    const { makeRevocationList } = await maker();
    const next = await makeRevocationList(authority, previous, revoked, validDays);
    return this.#writeReadable(`${AUTHORITY}.crl`, next);
  }

  /** By name, the CA first. */
  async list(): Promise<readonly IssuedCertificate[]> {
    const authority = new X509Certificate(this.#authority().certificate);
    const file = join(this.#folder, `${AUTHORITY}.crl`);
    const revocations = existsSync(file)
      ? await RevocationList.read(readFileSync(file), [authority])
      : undefined;
    const names = readdirSync(this.#folder)
      .filter((entry) => entry.endsWith(".crt"))
      .map((entry) => entry.slice(0, -".crt".length))
      .sort(
        (left, right) =>
          Number(right === AUTHORITY) - Number(left === AUTHORITY) || (left < right ? -1 : 1),
      );
    return names.map((name) => {
      const certificate = new X509Certificate(readFileSync(join(this.#folder, `${name}.crt`)));
      return { name, certificate, revoked: revocations?.has(certificate) ?? false };
    });
  }

  #authority(): CertifiedKey {
    const absent = "no CA: `hansa certs init` makes one";
    return {
      certificate: this.#read(`${AUTHORITY}.crt`, absent),
      key: this.#read(`${AUTHORITY}.key`, absent),
    };
  }

  #read(file: string, absent: string): string {
    const path = join(this.#folder, file);
    if (!existsSync(path)) throw new CertificateFolderError(`${path}: ${absent}`);
    return readFileSync(path, "utf8");
  }

  #checkFree(name: string): void {
    for (const file of [`${name}.crt`, `${name}.key`]) {
      const path = join(this.#folder, file);
      if (this.#overwrites || !existsSync(path)) continue;
      throw new CertificateFolderError(`${path} is there already; --force replaces it`);
    }
  }

  /** The key first: who watches the certificate finds its key in place. */
  #writeKey(name: string, { certificate, key }: CertifiedKey): string[] {
    writeDurably(this.#folder, `${name}.key`, key);
    const file = this.#writeReadable(`${name}.crt`, certificate);
    return [file, join(this.#folder, `${name}.key`)];
  }

  #writeReadable(file: string, text: string): string {
    writeDurably(this.#folder, file, text);
    const path = join(this.#folder, file);
    chmodSync(path, READABLE);
    return path;
  }
}
