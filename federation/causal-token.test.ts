// Causal tokens: round trip, hostile bytes, and what a region says of one (federation 13, trap 20).
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  TokenError,
  causalTokenOf,
  decodeToken,
  encodeToken,
  standingOfToken,
} from "./causal-token.ts";
import type { FederationConfig, Identity } from "./config.ts";
import { originId, sequence } from "./dot.ts";
import { placementOf } from "./placement.ts";
import type { Vector } from "./vector.ts";
import { keyOf } from "../base/index.ts";

const identity = (digit: string): Identity => digit.repeat(32) as Identity;
const vector = (...counts: readonly (readonly [number, number])[]): Vector =>
  new Map(counts.map(([origin, count]) => [originId(origin), sequence(count)]));

const CONFIG: FederationConfig = {
  federationId: identity("a"),
  epoch: 7,
  originNext: originId(5),
  members: ["ap", "eu", "us"].map((name, at) => ({
    name,
    origin: originId(at + 1),
    incarnation: identity(String(at + 1)),
    endpoints: [`${name}:1`],
    admitted: 1,
    live: true,
  })),
  closed: [{ origin: originId(4), incarnation: identity("4"), region: "sa", cut: 20, closed: 6 }],
  paused: [],
  policies: [],
  handlers: [],
  placements: [
    { prefix: keyOf(Buffer.from("")), regions: ["ap", "eu", "us"] },
    { prefix: keyOf(Buffer.from("f/eu/")), regions: ["ap", "eu"] },
  ],
  homes: [],
  topology: { shape: "mesh" },
};

describe("a causal token", () => {
  test("is what was seen, without closed origins, and comes back as it was", () => {
    const token = causalTokenOf(CONFIG, vector([1, 5], [2, 9], [4, 20]));
    expect(token).toEqual({
      federationId: identity("a"),
      epoch: 7,
      vector: vector([1, 5], [2, 9]),
    });
    expect(decodeToken(encodeToken(token))).toEqual(token);
  });

  test("of hostile bytes is refused by name, or is some token's only form", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect([...encodeToken(decodeToken(bytes))]).toEqual([...bytes]);
        } catch (cause) {
          expect(cause).toBeInstanceOf(TokenError);
        }
      }),
      { numRuns: 300 },
    );
  });

  const token = { federationId: identity("a"), epoch: 7, vector: vector([1, 5]) };

  test.each([
    ["seen", token, vector([1, 5], [4, 20])],
    ["ahead", token, vector([1, 4], [4, 20])],
    ["ahead, until what a closed origin left is here", token, vector([1, 9], [4, 19])],
    ["ahead of this region's configuration", { ...token, epoch: 8 }, vector([1, 9], [4, 20])],
    ["lost beyond a cut", { ...token, epoch: 5, vector: vector([4, 21]) }, vector([4, 20])],
    ["foreign", { ...token, federationId: identity("b") }, vector([1, 9], [4, 20])],
  ])("is %s", (standing, given, applied) => {
    expect(standing).toContain(standingOfToken(given, CONFIG, applied));
  });
});

test("the longest prefix says whose word counts; without one all members'", () => {
  const origins = (key: string, config = CONFIG): number[] => [
    ...placementOf(config, keyOf(Buffer.from(key))),
  ];
  expect(origins("f/eu/x")).toEqual([1, 2]);
  expect(origins("f/us/x")).toEqual([1, 2, 3]);
  expect(origins("f/eu/x", { ...CONFIG, placements: [] })).toEqual([1, 2, 3]);
});
