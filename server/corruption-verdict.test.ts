import { describe, expect, test } from "@jest/globals";
import { verdictOf } from "./corruption-verdict.ts";

function prints(...shown: readonly string[]): { member: number; print: string }[] {
  return shown.map((print, at) => ({ member: at + 1, print }));
}

describe("who is wrong", () => {
  test.each([
    [prints("a", "a", "a"), 3, { kind: "equal" }],
    [prints("a"), 3, { kind: "equal" }],
    [prints("a", "a", "b"), 3, { kind: "corrupt", members: [3] }],
    [prints("b", "a", "a"), 3, { kind: "corrupt", members: [1] }],
    [prints("a", "b", "a", "c", "a"), 5, { kind: "corrupt", members: [2, 4] }],
    // Two of five that agree are no majority of all.
    [prints("a", "b", "a"), 5, { kind: "undecided" }],
    [prints("a", "b"), 2, { kind: "undecided" }],
    [prints("a", "b", "c"), 3, { kind: "undecided" }],
    [prints("a", "b", "a", "b"), 4, { kind: "undecided" }],
  ])("among %j of %d", (shown, memberCount, verdict) => {
    expect(verdictOf(shown, memberCount)).toEqual(verdict);
  });
});
