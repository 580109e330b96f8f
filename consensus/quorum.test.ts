import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Membership } from "./entry.ts";
import { isQuorum, majorityOf, majoritySystem, quorumValue } from "./quorum.ts";

function config(incoming: readonly number[], outgoing?: readonly number[]): Membership {
  return {
    index: 0 as LogIndex,
    incoming: incoming as NodeId[],
    ...(outgoing === undefined ? {} : { outgoing: outgoing as NodeId[] }),
    learners: [],
    leaseMs: 1000,
  };
}

/** More than half, by counting; an empty set of voters has no majority. */
function agreeNaive(voters: readonly number[], agrees: (node: number) => boolean): boolean {
  return voters.filter(agrees).length * 2 > voters.length;
}

/** The largest value that a quorum has reached, found by trying every candidate. */
function quorumValueNaive(membership: Membership, values: ReadonlyMap<number, number>): number {
  const halves = [membership.incoming, ...(membership.outgoing ? [membership.outgoing] : [])];
  const reached = (value: number): boolean =>
    halves.every((half) => agreeNaive(half, (node) => (values.get(node) ?? 0) >= value));
  return Math.max(-Infinity, ...[0, ...values.values()].filter(reached));
}

const nodes = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 });
const memberships = fc
  .tuple(nodes, fc.option(nodes, { nil: undefined }))
  .map(([incoming, outgoing]) => config(incoming, outgoing));
const values = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat({ max: 12 })))
  .map((pairs) => new Map(pairs));

describe("quorums", () => {
  test("quorumValue agrees with its specification, joint or not (scenario 27)", () => {
    fc.assert(
      fc.property(memberships, values, (membership, held) => {
        const fast = quorumValue(membership, (node) => held.get(node) ?? 0);
        expect(fast).toBe(quorumValueNaive(membership, held));
      }),
      { numRuns: 2000 },
    );
  });

  test("isQuorum agrees with counting in each half", () => {
    fc.assert(
      fc.property(memberships, nodes, (membership, acks) => {
        const halves = [membership.incoming, ...(membership.outgoing ? [membership.outgoing] : [])];
        const naive = halves.every((half) => agreeNaive(half, (node) => acks.includes(node)));
        expect(isQuorum(membership, (node) => acks.includes(node))).toBe(naive);
        const system = majoritySystem(membership);
        expect(system.phase2(new Set(acks as NodeId[]))).toBe(naive);
      }),
      { numRuns: 2000 },
    );
  });

  test("any phase 1 quorum meets any phase 2 quorum of the same configuration (P7)", () => {
    fc.assert(
      fc.property(memberships, nodes, nodes, (membership, left, right) => {
        const system = majoritySystem(membership);
        fc.pre(system.phase1(new Set(left as NodeId[])));
        fc.pre(system.phase2(new Set(right as NodeId[])));
        expect(left.some((node) => right.includes(node))).toBe(true);
      }),
    );
  });

  test("nobody agrees in a configuration without voters", () => {
    expect(isQuorum(config([]), () => true)).toBe(false);
    expect(quorumValue(config([]), () => 7)).toBe(-Infinity);
    expect(isQuorum(config([1, 2, 3], []), () => true)).toBe(false);
  });

  test("a majority is more than half (scenario 62)", () => {
    expect([1, 2, 3, 4, 5].map(majorityOf)).toEqual([1, 2, 2, 3, 3]);
  });
});
