// Revocation lists: signed ones count, over what their CA issued, and add up.
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { makeAuthority, makeCertificate, makeRevocationList } from "./certificate-maker.ts";
import type { CertifiedKey } from "./certificate-maker.ts";
import { RevocationList } from "./revocation-list.ts";

let authority: CertifiedKey;
let other: CertifiedKey;

beforeAll(async () => {
  [authority, other] = await Promise.all([makeAuthority("CA", 1), makeAuthority("other CA", 1)]);
});

const order = { commonName: "x", hosts: [], usage: "client", validDays: 1 } as const;

function parsed({ certificate }: CertifiedKey): X509Certificate {
  return new X509Certificate(certificate);
}

describe("a list", () => {
  test("names what it revokes, and keeps what was revoked before", async () => {
    const [first, second, good] = await Promise.all(
      [1, 2, 3].map(() => makeCertificate(authority, order)),
    );
    if (first === undefined || second === undefined || good === undefined) throw new Error("made");
    const once = await makeRevocationList(authority, undefined, [first.certificate], 1);
    const twice = await makeRevocationList(authority, once, [second.certificate], 1);
    const list = await RevocationList.read(Buffer.from(twice), [parsed(other), parsed(authority)]);
    expect([first, second, good].map((made) => list.has(parsed(made)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("in DER is read too, and several in PEM add up", async () => {
    const made = await makeCertificate(other, order);
    const empty = await makeRevocationList(authority, undefined, [], 1);
    const full = await makeRevocationList(other, undefined, [made.certificate], 1);
    const both = [parsed(authority), parsed(other)];
    const list = await RevocationList.read(Buffer.from(empty + full), both);
    expect(list.has(parsed(made))).toBe(true);
    const der = Buffer.from(full.replace(/-----[^-]+-----|\s/g, ""), "base64");
    expect((await RevocationList.read(der, both)).has(parsed(made))).toBe(true);
  });

  test("signed by none of the trusted CAs is refused, and so is what is none", async () => {
    const foreign = await makeRevocationList(other, undefined, [], 1);
    const trusted = [parsed(authority)];
    await expect(RevocationList.read(Buffer.from(foreign), trusted)).rejects.toThrow(
      "the list of CN=other CA is signed by none of the trusted CAs",
    );
    await expect(RevocationList.read(Buffer.from("no list"), trusted)).rejects.toThrow();
  });

  test("that is overdue says when it was due, and goes on to count", async () => {
    const made = await makeCertificate(authority, order);
    const old = await makeRevocationList(authority, undefined, [made.certificate], -1);
    const list = await RevocationList.read(Buffer.from(old), [parsed(authority)]);
    expect(list.overdue(new Date())).toHaveLength(1);
    expect(list.has(parsed(made))).toBe(true);
  });

  test("takes no certificate of another CA", async () => {
    const made = await makeCertificate(other, order);
    await expect(makeRevocationList(authority, undefined, [made.certificate], 1)).rejects.toThrow(
      "CN=x is not issued by CN=CA",
    );
  });
});
