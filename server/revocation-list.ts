// Revoked certificates, from the lists that CAs sign (RFC 5280 section 5). A list counts when one of the trusted
// CAs has signed it. One whose next issue is overdue goes on to count, as in etcd: it revokes what it says, and
// the operator is told.
import type { X509Certificate } from "node:crypto";
import type { X509Crl, X509Certificate as ParsedCertificate } from "@peculiar/x509";

interface IssuedList {
  readonly issuer: X509Certificate;
  /** Normal form. */
  readonly serials: ReadonlySet<string>;
  readonly nextUpdate: Date | undefined;
}

const PEM_LIST = /-----BEGIN X509 CRL-----[\s\S]+?-----END X509 CRL-----/g;

export class RevocationList {
  readonly #lists: readonly IssuedList[];

  private constructor(lists: readonly IssuedList[]) {
    this.#lists = lists;
  }

  /**
   * One list in DER, or any number in PEM.
   *
   * @throws {Error} when it is none, or signed by none of `authorities`.
   */
  static async read(
    bytes: Buffer,
    authorities: readonly X509Certificate[],
  ): Promise<RevocationList> {
    // Loaded by who needs it: it is larger than all else that is about certificates.
    const { x509 } = await import("./x509.ts");
    const blocks = bytes.toString("latin1").match(PEM_LIST);
    const lists: IssuedList[] = [];
    for (const block of blocks ?? [bytes]) {
      const list = new x509.X509Crl(block);
      const issuer = await signerOf(list, authorities, (pem) => new x509.X509Certificate(pem));
      const serials = new Set(list.entries.map(({ serialNumber }) => normal(serialNumber)));
      lists.push({ issuer, serials, nextUpdate: list.nextUpdate });
    }
    return new RevocationList(lists);
  }

  /** Whether the CA that issued it has revoked it. */
  has(certificate: X509Certificate): boolean {
    const serial = normal(certificate.serialNumber);
    return this.#lists.some(
      ({ serials, issuer }) => serials.has(serial) && certificate.checkIssued(issuer),
    );
  }

  /** When newer lists were due of those that are overdue. */
  overdue(now: Date): Date[] {
    return this.#lists.flatMap(({ nextUpdate }) =>
      nextUpdate !== undefined && nextUpdate < now ? [nextUpdate] : [],
    );
  }
}

async function signerOf(
  list: X509Crl,
  authorities: readonly X509Certificate[],
  parsed: (pem: string) => ParsedCertificate,
): Promise<X509Certificate> {
  for (const authority of authorities) {
    const { publicKey, subjectName } = parsed(authority.toString());
    if (subjectName.toString() !== list.issuer) continue;
    if (await list.verify({ publicKey })) return authority;
  }
  throw new Error(`the list of ${list.issuer} is signed by none of the trusted CAs`);
}

/** Hexadecimal without leading zeros, as issuers and libraries differ in them. */
function normal(serial: string): string {
  return serial.toLowerCase().replace(/^0+(?=.)/, "");
}
