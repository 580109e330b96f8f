// How far a write came, as a client is told (federation 13).
import { expect, test } from "@jest/globals";
import { headerOf } from "./answer.ts";
import { reachOf, waitsForRegions } from "./regions.ts";

test("fewer regions than were asked for is a result of its own, and no failure", () => {
  const names = ["eu", "us"];
  expect(reachOf({ asked: 3, reached: 2, names })).toEqual({
    outcome: "committed-here",
    asked: 3,
    reached: 2,
    sloppy: false,
    names,
  });
  expect(reachOf({ asked: 2, reached: 2, sloppy: true, names })).toMatchObject({
    outcome: "reached",
    sloppy: true,
  });
});

test("an answer of a server that knows no regions says nothing of them", () => {
  const header = headerOf({ revision: 7, causal_token: new Uint8Array(0) });
  expect(header).not.toHaveProperty("reach");
  expect(header).not.toHaveProperty("causalToken");
  expect(headerOf({ causal_token: Uint8Array.of(1) }).causalToken).toEqual(Uint8Array.of(1));
});

test("who waits for other regions is not asked elsewhere meanwhile", () => {
  expect(waitsForRegions({ writeRegions: 1 })).toBe(false);
  expect(waitsForRegions({ causalToken: new Uint8Array(0) })).toBe(false);
  expect(waitsForRegions({ writeRegions: 2 })).toBe(true);
  expect(waitsForRegions({ readRegions: 2 })).toBe(true);
  expect(waitsForRegions({ causalToken: Uint8Array.of(1) })).toBe(true);
});
