// Majorities, joint ones included, and flexible quorums: the only place that counts votes, acknowledgements,
// rounds or times.
import { assert } from "../base/index.ts";
import type { NodeId } from "../base/index.ts";
import type { QuorumSizes, QuorumSystem } from "./contract.ts";
import type { Membership } from "./entry.ts";

/** Members that make a majority of `count`. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * The largest value that a quorum has reached: a majority of the incoming voters, and of the outgoing
 * ones if the configuration is joint (Thesis 4.3). -Infinity when there are no voters: nobody agrees
 * to anything. Used alike for matched indexes, rounds, and send times.
 */
export function quorumValue(config: Membership, valueOf: (node: NodeId) => number): number {
  const incoming = majorityValue(config.incoming, valueOf);
  if (config.outgoing === undefined) return incoming;
  return Math.min(incoming, majorityValue(config.outgoing, valueOf));
}

/** Whether those for whom `agrees` holds are a quorum; joint as in `quorumValue`. */
export function isQuorum(config: Membership, agrees: (node: NodeId) => boolean): boolean {
  return quorumValue(config, (node) => (agrees(node) ? 1 : 0)) === 1;
}

/** Majorities block each other, so both phases ask the same (P7 with |Q1| = |Q2|). */
export function majoritySystem(config: Membership): QuorumSystem {
  const agreed = (acks: ReadonlySet<NodeId>): boolean => isQuorum(config, (node) => acks.has(node));
  return { phase1: agreed, phase2: agreed };
}

/** Whether every phase 1 of so many voters meets every phase 2 (P7); majorities do. */
export function quorumsMeet(voters: number, asked: QuorumSizes | undefined): boolean {
  if (asked === undefined) return true;
  const { phase1, phase2 } = asked;
  return (
    phase1 + phase2 > voters && Math.min(phase1, phase2) >= 1 && Math.max(phase1, phase2) <= voters
  );
}

/**
 * How many voters each phase needs: those asked for, else majorities.
 *
 * @throws {AssertionError} unless every phase 1 meets every phase 2 (P7, scenario 95).
 */
export function quorumSizes(config: Membership, asked: QuorumSizes | undefined): QuorumSizes {
  const voters = config.incoming.length;
  if (asked === undefined) return { phase1: majorityOf(voters), phase2: majorityOf(voters) };
  const { phase1, phase2 } = asked;
  assert(
    config.outgoing === undefined,
    "flexible quorums are for configurations that are not joint",
  );
  assert(
    phase1 + phase2 > voters && phase1 >= 1 && phase2 >= 1,
    `quorums of ${phase1} and ${phase2} of ${voters} voters need not meet (P7)`,
  );
  assert(
    phase1 <= voters && phase2 <= voters,
    `no ${Math.max(phase1, phase2)} of ${voters} voters`,
  );
  return asked;
}

/** The largest value that `count` of the voters have reached. */
export function countedValue(
  voters: readonly NodeId[],
  count: number,
  valueOf: (node: NodeId) => number,
): number {
  return descendingValues(voters, valueOf)[count - 1] ?? -Infinity;
}

function majorityValue(voters: readonly NodeId[], valueOf: (node: NodeId) => number): number {
  return countedValue(voters, majorityOf(voters.length), valueOf);
}

/** An insertion sort, since voters are few. */
function descendingValues(
  voters: readonly NodeId[],
  valueOf: (node: NodeId) => number,
): readonly number[] {
  const descending: number[] = [];
  for (const voter of voters) {
    const value = valueOf(voter);
    let at = descending.length;
    while (at > 0 && (descending[at - 1] ?? 0) < value) {
      descending[at] = descending[at - 1] ?? 0;
      at -= 1;
    }
    descending[at] = value;
  }
  return descending;
}
