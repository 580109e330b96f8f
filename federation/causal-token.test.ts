// Causal tokens: round trip, hostile bytes, and what a region says of one (federation 13, trap 20).
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { keyOf } from "../base/index.ts";
import { FEDERATION_ID, documentOf, identity } from "../test/federation/document.ts";
import {
  TokenError,
  causalTokenOf,
  decodeToken,
  encodeToken,
  standingOfToken,
} from "./causal-token.ts";
import { originId, sequence } from "./dot.ts";
import { placementOf } from "./placement.ts";
import type { Vector } from "./vector.ts";

const vector = (...counts: readonly (readonly [number, number])[]): Vector =>
  new Map(counts.map(([origin, count]) => [originId(origin), sequence(count)]));

const CONFIG = documentOf(
  ["ap", "eu", "us"].map((name) => ({ name })),
  {
    epoch: 7,
    originNext: originId(5),
    closed: [{ origin: originId(4), incarnation: identity(4), region: "sa", cut: 20, closed: 6 }],
    placements: [
      { prefix: keyOf(Buffer.from("")), regions: ["ap", "eu", "us"] },
      { prefix: keyOf(Buffer.from("f/eu/")), regions: ["ap", "eu"] },
    ],
  },
);

describe("a causal token", () => {
  test("is what was seen, without closed origins, and comes back as it was", () => {
    const token = causalTokenOf(CONFIG, vector([1, 5], [2, 9], [4, 20]));
    expect(token).toEqual({
      federationId: FEDERATION_ID,
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

  const token = { federationId: FEDERATION_ID, epoch: 7, vector: vector([1, 5]) };

  test.each([
    ["seen", token, vector([1, 5], [4, 20])],
    ["ahead", token, vector([1, 4], [4, 20])],
    ["ahead, until what a closed origin left is here", token, vector([1, 9], [4, 19])],
    ["ahead of this region's configuration", { ...token, epoch: 8 }, vector([1, 9], [4, 20])],
    ["lost beyond a cut", { ...token, epoch: 5, vector: vector([4, 21]) }, vector([4, 20])],
    ["foreign", { ...token, federationId: identity(0xb) }, vector([1, 9], [4, 20])],
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
