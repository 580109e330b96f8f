// Makes certificates for development and for --auto-tls: a CA, what it issues, certificates that sign themselves,
// and the list of those revoked. ECDSA on P-256 with SHA-256; everything as PEM.
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { X509Certificate, X509CrlEntryParams } from "@peculiar/x509";
import { x509 } from "./x509.ts";

/** A certificate and its private key, PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateOrder {
  readonly commonName: string;
  /** Host names and addresses. */
  readonly hosts: readonly string[];
  /** What it may be shown as. */
  readonly usage: "server" | "client" | "both";
  readonly validDays: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks of other machines may be behind this one. */
const SKEW_MS = 5 * 60 * 1000;
/** Positive, as RFC 5280 section 4.1.2.2 asks, and not to be guessed. */
const SERIAL_BYTES = 16;

export async function makeAuthority(commonName: string, validDays: number): Promise<CertifiedKey> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates(validDays),
    serialNumber: newSerial(),
    name: nameOf(commonName),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return certified(certificate, keys);
}

export async function makeCertificate(
  authority: CertifiedKey,
  order: CertificateOrder,
): Promise<CertifiedKey> {
  const keys = await newKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    ...dates(order.validDays),
    serialNumber: newSerial(),
    subject: nameOf(order.commonName),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority),
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...extensionsOf(order),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return certified(certificate, keys);
}

/** One that is its own issuer: it hides what is said, and proves nothing. */
export async function makeSelfSigned(order: CertificateOrder): Promise<CertifiedKey> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates(order.validDays),
    serialNumber: newSerial(),
    name: nameOf(order.commonName),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...extensionsOf(order),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return certified(certificate, keys);
}

/**
 * The authority's next list: what `previous` (PEM; undefined: none) says, and `revoked`, certificates in PEM.
 *
 * @throws {Error} when a certificate is not of this authority.
 */
export async function makeRevocationList(
  authority: CertifiedKey,
  previous: string | undefined,
  revoked: readonly string[],
  validDays: number,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const before = previous === undefined ? undefined : new x509.X509Crl(previous);
  const entries = new Map<string, X509CrlEntryParams>();
  for (const { serialNumber, revocationDate } of before?.entries ?? []) {
    entries.set(serialNumber, { serialNumber, revocationDate });
  }
  for (const pem of revoked) {
    const certificate = new x509.X509Certificate(pem);
    if (!(await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true }))) {
      throw new Error(`${certificate.subject} is not issued by ${issuer.subject}`);
    }
    const { serialNumber } = certificate;
    if (!entries.has(serialNumber)) {
      entries.set(serialNumber, { serialNumber, revocationDate: new Date() });
    }
  }
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate: new Date(),
    nextUpdate: new Date(Date.now() + validDays * DAY_MS),
    entries: [...entries.values()],
    signingAlgorithm: ALGORITHM,
    signingKey: await signingKeyOf(authority),
    extensions: [await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey)],
  });
  // RFC 7468 section 6 calls it by its whole name, and OpenSSL reads no other.
  return `${list.toString("pem").replace(/(BEGIN|END) CRL/g, "$1 X509 CRL")}\n`;
}

function extensionsOf({ hosts, usage }: CertificateOrder): InstanceType<typeof x509.Extension>[] {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const usages = { server: [serverAuth], client: [clientAuth], both: [serverAuth, clientAuth] };
  const extensions: InstanceType<typeof x509.Extension>[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages[usage]),
  ];
  const names = hosts.map((host) => ({
    type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
    value: host,
  }));
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
  return extensions;
}

/** As data, not as text: a name may hold what separates names. */
function nameOf(commonName: string): { CN: string[] }[] {
  return [{ CN: [commonName] }];
}

function dates(validDays: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const nowMs = Date.now();
  return { notBefore: new Date(nowMs - SKEW_MS), notAfter: new Date(nowMs + validDays * DAY_MS) };
}

function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  // Neither negative nor with leading zeros.
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString("hex");
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** @throws {Error} when it is a key of another kind than is made here. */
async function signingKeyOf({ key }: CertifiedKey): Promise<webcrypto.CryptoKey> {
  const parsed = createPrivateKey(key);
  if (parsed.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new Error("the CA's key is not one of ECDSA on P-256");
  }
  const bytes = parsed.export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
}

async function certified(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<CertifiedKey> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: bytes, format: "der", type: "pkcs8" });
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: key.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}
