// Which known name a mistyped one is taken for.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { nearestName } from "./suggestion.ts";

const known = ["name", "data-dir", "wal-dir", "listen-peer-urls", "listen-client-urls"];

test.each([
  ["nmae", "name"],
  ["data_dir", "data-dir"],
  ["listen-pear-urls", "listen-peer-urls"],
  ["listen-client-url", "listen-client-urls"],
])("%s is taken for %s", (given, nearest) => {
  expect(nearestName(given, known)).toBe(nearest);
});

test.each(["", "x", "discovery", "zzzzzzzz"])("%s is near to nothing", (given) => {
  expect(nearestName(given, known)).toBeUndefined();
});

test("one letter added, dropped or replaced in a long name is always found", () => {
  const name = "initial-advertise-peer-urls";
  const letter = fc.constantFrom(..."abcxyz-");
  fc.assert(
    fc.property(fc.nat(name.length - 1), letter, fc.constantFrom(0, 1), (at, put, dropped) => {
      const mistyped = name.slice(0, at) + put + name.slice(at + dropped);
      expect(nearestName(mistyped, [...known, name])).toBe(name);
      expect(nearestName(name.slice(0, at) + name.slice(at + 1), [...known, name])).toBe(name);
    }),
  );
});
