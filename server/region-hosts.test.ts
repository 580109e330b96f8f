// Who may speak as a region: its certificate and its hello, against the configuration.
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { helloOf, originId } from "../federation/index.ts";
import type { ExchangeHello } from "../federation/index.ts";
import { documentOf, identity } from "../test/federation/document.ts";
import { makeAuthority, makeCertificate } from "./certificate-maker.ts";
import type { CertifiedKey } from "./certificate-maker.ts";
import { regionRefusal } from "./region-hosts.ts";

const self = originId(1);
const other = originId(2);
const CONFIG = documentOf(
  [
    { name: "eu", endpoints: ["10.1.0.1:2380"] },
    { name: "us", endpoints: ["n1.us.example:2380", "[fd00::2]:2380"] },
  ],
  { epoch: 3 },
);

let authority: CertifiedKey;

beforeAll(async () => {
  authority = await makeAuthority("CA", 1);
});

async function certificateOf(
  commonName: string,
  hosts: readonly string[],
): Promise<X509Certificate> {
  const order = { commonName, hosts, usage: "both", validDays: 1 } as const;
  return new X509Certificate((await makeCertificate(authority, order)).certificate);
}

function hello(change: Partial<ExchangeHello> = {}): ExchangeHello {
  const made = helloOf(CONFIG, other, self, true);
  if (made === undefined) throw new TypeError("the region is a member");
  return { ...made, ...change };
}

describe("a certificate is a region's", () => {
  test.each([
    ["by its common name", "us", []],
    ["by its common name among others' hosts", "us", ["x.example"]],
    ["by a name in it", "any", ["us"]],
    ["by the host of an endpoint", "any", ["n1.us.example"]],
    ["by a wildcard", "any", ["*.us.example"]],
    ["by an address of version 6", "any", ["fd00::2"]],
  ])("%s", async (_, name, hosts) => {
    const certificate = await certificateOf(name, hosts);
    expect(regionRefusal(hello(), certificate, CONFIG, self)).toBeUndefined();
  });

  test("and another region's, or a member's here, is not", async () => {
    const reason = regionRefusal(hello(), await certificateOf("eu", ["10.1.0.1"]), CONFIG, self);
    expect(reason).toBe(
      "the certificate names CN eu, IP Address:10.1.0.1; expected region us or one of its hosts: n1.us.example, fd00::2",
    );
  });

  test("without certificates the hello alone is judged", () => {
    expect(regionRefusal(hello(), undefined, CONFIG, self)).toBeUndefined();
  });
});

describe("a hello is refused", () => {
  const from = (change: Partial<ExchangeHello["from"]>): ExchangeHello =>
    hello({ from: { ...hello().from, ...change } });

  test.each([
    [
      "of an older protocol",
      hello({ version: 0 }),
      "exchange protocol 0; this region speaks 1 to 1",
    ],
    [
      "of another federation",
      from({ federationId: identity(0xe) }),
      /^federation 0+e; this region belongs to 0+fed$/,
    ],
    ["that is meant for another", hello({ to: other }), "meant for origin 2; this is origin 1"],
    [
      "of an origin that is none",
      from({ origin: originId(9) }),
      "origin 9 is no member in epoch 3; its own epoch is 3",
    ],
    [
      "of another incarnation",
      from({ incarnation: identity(0x3) }),
      /^incarnation 0+3 of origin 2; the configuration has 0+65$/,
    ],
  ])("%s", (_, given, reason) => {
    expect(regionRefusal(given, undefined, CONFIG, self)).toMatch(reason);
  });
});
