import { expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { AttemptLimits } from "./attempt-limits.ts";

const at = (seconds: number): MonotonicMs => (seconds * 1000) as MonotonicMs;

function wrongUntilRefused(limits: AttemptLimits, user: string, address: string, now: MonotonicMs) {
  let tries = 0;
  while (limits.admits(user, address, now)) {
    limits.onWrong(user, address, now);
    tries += 1;
  }
  return tries;
}

test("one user is guessed at ten times from one address, and again when time has passed", () => {
  const limits = new AttemptLimits();
  expect(wrongUntilRefused(limits, "ann", "10.0.0.1", at(0))).toBe(10);
  expect(limits.admits("ann", "10.0.0.2", at(0))).toBe(true);
  expect(limits.admits("bob", "10.0.0.1", at(0))).toBe(true);
  expect(wrongUntilRefused(limits, "ann", "10.0.0.1", at(10))).toBe(2);
  expect(wrongUntilRefused(limits, "ann", "10.0.0.1", at(3_600))).toBe(10);
});

test("one address guesses at most sixty times, whoever it says it is", () => {
  const limits = new AttemptLimits();
  let tries = 0;
  for (let user = 0; user < 20; user += 1) {
    tries += wrongUntilRefused(limits, `user${user}`, "10.0.0.1", at(0));
  }
  expect(tries).toBe(60);
  expect(limits.admits("ann", "10.0.0.2", at(0))).toBe(true);
});

test("one user is guessed at two hundred times, from however many addresses", () => {
  const limits = new AttemptLimits();
  let tries = 0;
  for (let host = 0; host < 40; host += 1) {
    tries += wrongUntilRefused(limits, "ann", `10.0.0.${host}`, at(0));
  }
  expect(tries).toBe(200);
});

test("a right password uses nothing up", () => {
  const limits = new AttemptLimits();
  for (let time = 0; time < 1_000; time += 1) {
    expect(limits.admits("ann", "10.0.0.1", at(0))).toBe(true);
  }
});
