import { expect, test } from "@jest/globals";
import type { KvError } from "../base/index.ts";
import { PasswordHashing } from "./password-hashing.ts";

const COST = 4;

function hashOf(hashing: PasswordHashing, password: string): Promise<string | KvError> {
  return new Promise((resolve) => hashing.hash(password, resolve));
}

function matchOf(
  hashing: PasswordHashing,
  password: string,
  hash: string | undefined,
): Promise<boolean | KvError> {
  return new Promise((resolve) => hashing.matches(password, hash, resolve));
}

test("a password matches its own hash, and nobody's matches anything", async () => {
  const hashing = new PasswordHashing(COST);
  const hash = String(await hashOf(hashing, "right"));
  expect(hash).toMatch(/^\$2[aby]\$04\$/);
  expect(await matchOf(hashing, "right", hash)).toBe(true);
  expect(await matchOf(hashing, "wrong", hash)).toBe(false);
  expect(await matchOf(hashing, "", undefined)).toBe(false);
  expect(await matchOf(hashing, "", "")).toBe(false);
});

test("what bcrypt would cut off is refused, not cut off", async () => {
  const hashing = new PasswordHashing(COST);
  const long = "x".repeat(72);
  const hash = String(await hashOf(hashing, long));
  expect(await hashOf(hashing, `${long}y`)).toMatchObject({ code: "invalid-argument" });
  expect(await matchOf(hashing, long, hash)).toBe(true);
  expect(await matchOf(hashing, `${long}y`, hash)).toBe(false);
});

test("more than may wait are told so at once", async () => {
  const hashing = new PasswordHashing(COST);
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, at) => hashOf(hashing, String(at))),
  );
  const refused = all.filter((result) => typeof result !== "string");
  expect(refused.length).toBe(200 - 130);
  expect(refused[0]).toMatchObject({ code: "too-many-requests" });
});
