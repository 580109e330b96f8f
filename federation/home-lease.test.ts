// A leased home counts from when its renewal was asked for, on a clock that may be slow, and is judged again once a
// write is committed (federation 12; federation scenario 35).
import { expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { HeldHome } from "./home-lease.ts";

const at = (ms: number): MonotonicMs => ms as MonotonicMs;

test("before its first renewal it takes nothing; then until its time has passed by the slowest clock", () => {
  const held = new HeldHome({ clockDriftMax: 0.01 });
  expect(held.takes(at(0))).toBe(false);
  held.renewed(at(1_000), 10_000);
  expect(held.takes(at(1_000 + 9_801))).toBe(true);
  expect(held.takes(at(1_000 + 9_802))).toBe(false);
  held.renewed(at(500), 10_000); // An answer that came late takes nothing back.
  expect(held.takes(at(1_000 + 9_801))).toBe(true);
  held.lost();
  expect(held.takes(at(1_000))).toBe(false);
});

test("a write that was proposed in time and committed too late is not acknowledged (lease-checked-before-commit)", () => {
  const held = new HeldHome({ clockDriftMax: 0 });
  held.renewed(at(0), 1_000);
  expect(held.takes(at(999))).toBe(true);
  expect(held.acknowledges(at(1_000))).toBe(false);
  const careless = new HeldHome({ clockDriftMax: 0, planted: "lease-checked-before-commit" });
  careless.renewed(at(0), 1_000);
  expect(careless.acknowledges(at(1_000))).toBe(true);
});
