// Tokens of every signature that etcd knows: what is signed here is recognized, and nothing else is.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseTokenOptions } from "./jwt-options.ts";
import type { JwtOptions } from "./jwt-options.ts";
import { JwtKeyring } from "./jwt-tokens.ts";

let folder: string;
const pem = { type: "pkcs8", format: "pem" } as const;
const spki = { type: "spki", format: "pem" } as const;

function written(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function options(text: string): JwtOptions {
  const parsed = parseTokenOptions(text);
  if (!("jwt" in parsed)) throw new Error(JSON.stringify(parsed));
  return parsed.jwt;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hansa-jwt-"));
  for (const [name, pair] of [
    ["rsa", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["p256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["p521", generateKeyPairSync("ec", { namedCurve: "P-521" })],
    ["ed", generateKeyPairSync("ed25519")],
    ["other", generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ] as const) {
    written(`${name}.key`, pair.privateKey.export(pem));
    written(`${name}.pub`, pair.publicKey.export(spki));
  }
  written("secret", randomBytes(64));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const pair = (method: string, name: string): string =>
  `jwt,sign-method=${method},pub-key=${join(folder, `${name}.pub`)},priv-key=${join(folder, `${name}.key`)},ttl=1m`;

describe("json web tokens", () => {
  test.each([
    ["RS256", "rsa"],
    ["PS384", "rsa"],
    ["ES256", "p256"],
    ["ES512", "p521"],
    ["EdDSA", "ed"],
  ])("of %s say who, by what state, and until when", async (method, name) => {
    const keyring = await JwtKeyring.open(options(pair(method, name)));
    const token = await keyring.sign("ann", 7);
    const claims = await keyring.verify(token);
    expect(claims).toMatchObject({ name: "ann", authRevision: 7 });
    expect(claims?.expiresAtMs).toBeGreaterThan(Date.now());
    const [head = "", body = "", signature = ""] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ username: "root", revision: 7, exp: 9e9 }));
    expect(
      await keyring.verify(`${head}.${forged.toString("base64url")}.${signature}`),
    ).toBeUndefined();
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    expect(await keyring.verify(`${none}.${body}.`)).toBeUndefined();
    expect(await keyring.verify("no token")).toBeUndefined();
  });

  test("of a secret, and of another's key", async () => {
    const secret = join(folder, "secret");
    const keyring = await JwtKeyring.open(options(`jwt,sign-method=HS256,priv-key=${secret}`));
    const token = await keyring.sign("ann", 1);
    expect(await keyring.verify(token)).toMatchObject({ name: "ann" });
    const other = await JwtKeyring.open(options(pair("ES256", "other")));
    expect(await other.verify(token)).toBeUndefined();
    expect(await keyring.verify(await other.sign("ann", 1))).toBeUndefined();
  });

  test("are recognized and not given out where there is no private key", async () => {
    const whole = await JwtKeyring.open(options(pair("ES256", "p256")));
    const text = `jwt,sign-method=ES256,pub-key=${join(folder, "p256.pub")}`;
    const reader = await JwtKeyring.open(options(text));
    expect(await reader.verify(await whole.sign("ann", 1))).toMatchObject({ name: "ann" });
    await expect(reader.sign("ann", 1)).rejects.toThrow("no private key");
  });

  test("are refused at the start where keys do not fit, by the name of the file", async () => {
    const mixed = `jwt,sign-method=ES256,pub-key=${join(folder, "other.pub")},priv-key=${join(folder, "p256.key")}`;
    await expect(JwtKeyring.open(options(mixed))).rejects.toThrow("not that of the private key");
    const missing = `jwt,sign-method=ES256,priv-key=${join(folder, "missing")}`;
    await expect(JwtKeyring.open(options(missing))).rejects.toThrow("missing has no key for ES256");
  });
});

test.each([
  ["simple,ttl=5", 'expected "simple" or "jwt,'],
  ["jwt", "expected sign-method as one of RS256"],
  ["jwt,sign-method=none", "expected sign-method as one of RS256"],
  ["jwt,sign-method=RS256", "expects pub-key=FILE, priv-key=FILE or both"],
  ["jwt,sign-method=HS256,pub-key=x", "expects its secret as priv-key=FILE"],
  ["jwt,sign-method=HS256,priv-key=x,pub-key=x", "and no pub-key"],
  ["jwt,sign-method=RS256,priv-key=x,ttl=soon", "expected ttl as a time"],
  ["jwt,sign-method=RS256,priv-key=", "priv-key has no value"],
  ["jwt,sign-method=RS256,key=x", "key is unknown"],
  ["jwt,ttl=1m,ttl=2m", "ttl is given twice"],
])("--auth-token %s is refused by what is wrong", (text, problem) => {
  expect(parseTokenOptions(text)).toEqual({ problem: expect.stringContaining(problem) });
});
