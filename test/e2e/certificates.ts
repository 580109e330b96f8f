// The certificates of a cluster under test: a CA in its folder, one certificate a member for its host, and clients'
// by name, as files and as what each kind of client takes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsOptions } from "../../client/index.ts";
import { CertificateFolder } from "../../server/index.ts";

/** Long enough that `hansa check` finds nothing to renew. */
const DAYS = 60;

export class ClusterCertificates {
  readonly folder: string;
  readonly #issued: CertificateFolder;

  private constructor(folder: string) {
    this.folder = folder;
    this.#issued = new CertificateFolder(folder, { overwrites: true });
  }

  /** With a certificate of the client `root`. */
  static async make(folder: string): Promise<ClusterCertificates> {
    const certificates = new ClusterCertificates(folder);
    await certificates.#issued.init("test CA", DAYS);
    await certificates.client("root");
    return certificates;
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  async client(name: string): Promise<void> {
    await this.#issued.issue(name, {
      commonName: name,
      hosts: [],
      usage: "client",
      validDays: DAYS,
    });
  }

  /** Anew each time; what stood under the name is replaced. `validDays` below 0: expired. */
  async host(name: string, host: string, validDays = DAYS): Promise<void> {
    await this.#issued.issue(name, { commonName: name, hosts: [host], usage: "both", validDays });
  }

  async revoke(name: string): Promise<void> {
    await this.#issued.revoke([name], DAYS);
  }

  /** What a member is started with: both ports, mutual, with the CA's list. */
  serverFlags(name: string): string[] {
    const [cert, key] = [this.path(`${name}.crt`), this.path(`${name}.key`)];
    const [ca, crl] = [this.path("ca.crt"), this.path("ca.crl")];
    return [
      ...["--cert-file", cert, "--key-file", key, "--trusted-ca-file", ca],
      ...["--client-crl-file", crl, "--client-cert-auth"],
      ...["--peer-cert-file", cert, "--peer-key-file", key, "--peer-trusted-ca-file", ca],
      ...["--peer-crl-file", crl, "--peer-client-cert-auth"],
    ];
  }

  /** Of etcdctl and of hansa. */
  clientFlags(name = "root"): string[] {
    return [
      ...["--cacert", this.path("ca.crt")],
      ...["--cert", this.path(`${name}.crt`), "--key", this.path(`${name}.key`)],
    ];
  }

  clientTls(name = "root"): Required<Pick<TlsOptions, "ca" | "cert" | "key">> & {
    readonly ca: Buffer;
    readonly cert: Buffer;
    readonly key: Buffer;
  } {
    return {
      ca: readFileSync(this.path("ca.crt")),
      cert: readFileSync(this.path(`${name}.crt`)),
      key: readFileSync(this.path(`${name}.key`)),
    };
  }
}
