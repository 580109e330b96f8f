// What is known of who stands at the other end of a socket, before it has said a word of the protocol: the
// certificate that it has proved to hold, if one was demanded.
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

export interface SocketOrigin {
  /** Verified: its chain, its dates, its revocation. Undefined: none was asked for. */
  readonly certificate?: X509Certificate;
  /** Its subject's common name, the last if there are several, as Go reads it; undefined without one. */
  readonly certificateName?: string;
}

/** Of a plain socket. */
export const UNKNOWN_ORIGIN: SocketOrigin = {};

export function originOf(certificate: X509Certificate): SocketOrigin {
  const name = commonNameOf(certificate);
  return { certificate, ...(name === undefined ? {} : { certificateName: name }) };
}

export function commonNameOf(certificate: X509Certificate): string | undefined {
  // Node's types promise one text; of several names it gives a list.
  const given: unknown = certificate.toLegacyObject().subject.CN;
  const name: unknown = Array.isArray(given) ? given.at(-1) : given;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/**
 * Whether the certificate names `host`, a name or an address: among its subject's alternative names, wildcards
 * included; by its common name only when it has no alternative names at all.
 */
export function namesHost(certificate: X509Certificate, host: string): boolean {
  if (certificate.subjectAltName === undefined) return commonNameOf(certificate) === host;
  const named = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  return named !== undefined;
}

/** What it names, for people. */
export function namesOf(certificate: X509Certificate): string {
  const name = commonNameOf(certificate);
  const names = name === undefined ? [] : [`CN ${name}`];
  if (certificate.subjectAltName !== undefined) names.push(certificate.subjectAltName);
  return names.length === 0 ? "nobody" : names.join(", ");
}
