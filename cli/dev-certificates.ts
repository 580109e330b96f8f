// The certificates of a development cluster, made at its first start and kept beside its data: one CA, one certificate
// for what clients meet, one for what members show, and one of the client `root`.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsOptions } from "../client/index.ts";

const DAYS = 3_650;
const HOSTS = ["localhost", "127.0.0.1"];

function fileIn(dataDir: string, file: string): string {
  return join(dataDir, "certs", file);
}

/** What the client `root` is secured with. */
export async function devCertificates(dataDir: string): Promise<TlsOptions> {
  const { CertificateFolder } = await import("../server/index.ts");
  const folder = new CertificateFolder(join(dataDir, "certs"), { overwrites: false });
  const lacks = (name: string): boolean => !existsSync(fileIn(dataDir, `${name}.crt`));
  if (lacks("ca")) await folder.init("hansa dev", DAYS);
  for (const [name, usage, hosts] of [
    ["server", "server", HOSTS],
    ["peer", "both", HOSTS],
    ["root", "client", []],
  ] as const) {
    if (lacks(name)) await folder.issue(name, { commonName: name, hosts, usage, validDays: DAYS });
  }
  return {
    ca: readFileSync(fileIn(dataDir, "ca.crt")),
    cert: readFileSync(fileIn(dataDir, "root.crt")),
    key: readFileSync(fileIn(dataDir, "root.key")),
  };
}

/** Of each member: both ports, mutual, with the CA's list. */
export function devServerFlags(dataDir: string): string[] {
  const file = (name: string): string => fileIn(dataDir, name);
  return [
    ...["--cert-file", file("server.crt"), "--key-file", file("server.key")],
    ...["--trusted-ca-file", file("ca.crt"), "--client-crl-file", file("ca.crl")],
    ...["--peer-cert-file", file("peer.crt"), "--peer-key-file", file("peer.key")],
    ...["--peer-trusted-ca-file", file("ca.crt"), "--peer-crl-file", file("ca.crl")],
  ];
}

/** For a shell in which `hansa` and `etcdctl` are to work. */
export function devClientEnvironment(dataDir: string): string[] {
  return ["CACERT=ca.crt", "CERT=root.crt", "KEY=root.key"].map((pair) => {
    const [name = "", file = ""] = pair.split("=");
    return `export ETCDCTL_${name}=${fileIn(dataDir, file)}`;
  });
}
