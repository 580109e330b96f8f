// Majorities, joint ones included: the only place that counts votes, acknowledgements, rounds or times.
import type { NodeId } from "../base/index.ts";
import type { QuorumSystem } from "./contract.ts";
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

/** The k-th largest, k being a majority: an insertion sort, since voters are few. */
function majorityValue(voters: readonly NodeId[], valueOf: (node: NodeId) => number): number {
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
  return descending[majorityOf(voters.length) - 1] ?? -Infinity;
}
