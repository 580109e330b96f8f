import { expect, test } from "@jest/globals";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Membership } from "./entry.ts";
import { checkMembership, configAt, isVoter, membersOf, votersOf } from "./membership.ts";

function config(index: number, voters: readonly number[], extra: Partial<Membership>): Membership {
  return {
    index: index as LogIndex,
    incoming: voters as NodeId[],
    learners: [],
    leaseMs: 1000,
    ...extra,
  };
}

const nodes = (...ids: number[]): NodeId[] => ids as NodeId[];

test("members of either half vote, each named once (Thesis 4.3)", () => {
  const joint = config(4, [1, 2, 4], { outgoing: nodes(1, 2, 3), learners: nodes(5) });
  expect(votersOf(joint)).toEqual([1, 2, 4, 3]);
  expect(membersOf(joint)).toEqual([1, 2, 4, 3, 5]);
  expect(nodes(1, 2, 3, 4, 5).map((node) => isVoter(joint, node))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});

test("a configuration governs from its own index on (Thesis 4.1)", () => {
  const first = config(0, [1], {});
  const second = config(5, [1, 2], {});
  expect(configAt([first, second], 4 as LogIndex)).toBe(first);
  expect(configAt([first, second], 5 as LogIndex)).toBe(second);
  expect(() => configAt([second], 4 as LogIndex)).toThrow("in force at 4");
});

test("a node is listed once and does not both vote and learn", () => {
  expect(() => checkMembership(config(0, [1, 1], {}))).toThrow("twice");
  expect(() => checkMembership(config(0, [1, 2], { learners: nodes(2) }))).toThrow("both vote");
  expect(() => checkMembership(config(0, [1, 2], { learners: nodes(3) }))).not.toThrow();
});
