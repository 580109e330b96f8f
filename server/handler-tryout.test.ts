// The trial of a handler on upload (federation 8, scenario 26): what it says to whoever uploads.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { openInterpreter } from "./handler-interpreter.ts";
import type { HandlerInterpreter } from "./handler-interpreter.ts";
import { holdTrial } from "./handler-tryout.ts";

let interpret: HandlerInterpreter;

beforeAll(async () => {
  interpret = await openInterpreter();
});

function trial(source: string, ...samples: readonly string[]): Promise<void> {
  const tried = { source, samples: samples.map((sample) => Buffer.from(sample)) };
  return holdTrial(
    tried,
    (task, done) => done(interpret(task)),
    () => 0 as MonotonicMs,
  );
}

const CART = readFileSync(
  join(__dirname, "..", "examples", "federation", "cart-handler.js"),
  "utf8",
);
const LARGEST = `function resolve(key, siblings) {
  return siblings.map(({ value }) => value ?? "").sort().at(-1);
}`;
const KEEPS_DELETES = `function resolve(key, siblings) {
  return siblings.some(({ deleted }) => deleted) ? null : siblings.map((one) => one.value).sort()[0];
}`;

test("what keeps the laws is taken", async () => {
  await trial(CART, '["tea"]', '["milk","tea"]', "[]");
  await trial(KEEPS_DELETES);
  await trial("function resolve() {}", "one");
});

test("what does not bear the samples is refused with them", async () => {
  await expect(trial(CART)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringMatching(/asked about a delete, a delete, "", it throws SyntaxError/),
  });
  await expect(trial(LARGEST)).rejects.toThrow(
    /of a delete, a delete, of equal siblings it makes something else: it answers "", expected delete/,
  );
  const sum = `function resolve(key, siblings) {
    const numbers = siblings.map(({ value }) => Number(value ?? 0));
    return String(numbers.reduce((one, other) => one + other) / numbers.length);
  }`;
  await expect(trial(sum, "1", "5")).rejects.toThrow(/expected/);
  const first = "function resolve(key, [first]) { return first.deleted ? null : first.value; }";
  await expect(trial(first, "x", "y")).rejects.toThrow(/in another order/);
  await expect(trial("function resolve() { for (;;) {} }")).rejects.toThrow(/it does not end/);
  await expect(trial("let x = 1;")).rejects.toThrow(/no function named resolve/);
});

test("samples and source are bounded", async () => {
  await expect(trial(CART, ...Array<string>(8).fill("[]"))).rejects.toThrow(/8 samples/);
  await expect(trial(CART, "x".repeat(65_537))).rejects.toThrow(/a sample has 65537 bytes/);
  await expect(trial("")).rejects.toThrow(/0 characters/);
  await expect(trial(" ".repeat(32 * 1024 + 1))).rejects.toThrow(/32769 characters/);
});
