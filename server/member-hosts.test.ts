// Who may speak as a member: names of certificates against the table, as it changes.
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { METHOD_PATHS } from "../proto/index.ts";
import { originOf } from "../rpc/index.ts";
import type { SocketOrigin } from "../rpc/index.ts";
import { makeAuthority, makeCertificate } from "./certificate-maker.ts";
import type { CertifiedKey } from "./certificate-maker.ts";
import { MemberHosts } from "./member-hosts.ts";

const STREAM = "/hansa.peer.v1.Peer/Stream";
const MEMBERS = "/hansa.peer.v1.Peer/Members";

let authority: CertifiedKey;

beforeAll(async () => {
  authority = await makeAuthority("CA", 1);
});

async function origin(commonName: string, hosts: readonly string[]): Promise<SocketOrigin> {
  const order = { commonName, hosts, usage: "both", validDays: 1 } as const;
  return originOf(new X509Certificate((await makeCertificate(authority, order)).certificate));
}

function hostsOf(...urls: string[]): MemberHosts {
  const hosts = new MemberHosts({ count: true });
  hosts.set(urls);
  return hosts;
}

describe("a certificate is a member's", () => {
  test.each([
    ["by its name", ["n1.example"], "https://n1.example:2380"],
    ["by its address", ["10.0.0.1"], "https://10.0.0.1:2380"],
    ["by an address of version 6", ["fd00::1"], "https://[fd00::1]:2380"],
    ["by a wildcard", ["*.nodes.example"], "https://n1.nodes.example:2380"],
    ["among several", ["x.example", "10.0.0.1"], "https://10.0.0.1:2380"],
  ])("%s", async (_, names, url) => {
    const member = await origin("any", names);
    expect(hostsOf("https://elsewhere:1", url).refusalOf(member, STREAM)).toBeUndefined();
  });

  test("by its common name, only without alternative names", async () => {
    const hosts = hostsOf("https://n1.example:2380");
    expect(hosts.refusalOf(await origin("n1.example", []), STREAM)).toBeUndefined();
    const stranger = await origin("n1.example", ["x.example"]);
    expect(hosts.refusalOf(stranger, STREAM)?.message).toBe(
      "hansa: peer refused: the certificate names CN n1.example, DNS:x.example; no member's peer URL has such a host",
    );
  });
});

test("it counts from the moment its member is there until it is gone", async () => {
  const member = await origin("n2", ["10.0.0.2"]);
  const hosts = hostsOf("https://10.0.0.1:1");
  expect(hosts.refusalOf(member, STREAM)?.code).toBe("invalid-argument");
  hosts.set(["https://10.0.0.1:1", "https://10.0.0.2:1"]);
  expect(hosts.refusalOf(member, STREAM)).toBeUndefined();
  hosts.set(["https://10.0.0.1:1"]);
  expect(hosts.refusalOf(member, STREAM)).toBeDefined();
});

test("what other regions ask is not a member's to ask", async () => {
  const region = await origin("x", ["x.example"]);
  const hosts = hostsOf("https://10.0.0.1:1");
  const paths = METHOD_PATHS.filter((path) => path.startsWith("/hansa.region."));
  expect(paths.length).toBeGreaterThanOrEqual(3);
  for (const path of paths) expect(hosts.refusalOf(region, path)).toBeUndefined();
});

test("who belongs to the cluster, every certificate of the CA may ask; plain peers show none", async () => {
  const stranger = await origin("x", ["x.example"]);
  const hosts = hostsOf("https://10.0.0.1:1");
  expect(hosts.refusalOf(stranger, MEMBERS)).toBeUndefined();
  expect(hosts.refusalOf({}, STREAM)).toBeUndefined();
  expect(new MemberHosts({ count: false }).refusalOf(stranger, STREAM)).toBeUndefined();
});
