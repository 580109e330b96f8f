// Who is who in a configuration, and which configuration governs an index (R10, P8). Quorums: quorum.ts.
import { AssertionError, assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Membership } from "./entry.ts";

const NOBODY: readonly NodeId[] = [];

/** A member of either half of a joint configuration votes. */
export function isVoter(config: Membership, node: NodeId): boolean {
  return config.incoming.includes(node) || (config.outgoing ?? NOBODY).includes(node);
}

/** Each voter once: the incoming ones first, then those that only the outgoing half holds. */
export function votersOf(config: Membership): readonly NodeId[] {
  if (config.outgoing === undefined) return config.incoming;
  const leaving = config.outgoing.filter((node) => !config.incoming.includes(node));
  return [...config.incoming, ...leaving];
}

/** Voters, then learners: everybody a leader sends to. */
export function membersOf(config: Membership): readonly NodeId[] {
  return [...votersOf(config), ...config.learners];
}

export function isMember(config: Membership, node: NodeId): boolean {
  return isVoter(config, node) || config.learners.includes(node);
}

/**
 * The configuration in force for a Raft entry at `index`: the latest at or before it, because a
 * configuration holds from its own entry on (Thesis 4.1).
 *
 * @throws {AssertionError} if `configs`, oldest first, begins after `index`.
 */
export function configAt(configs: readonly Membership[], index: LogIndex): Membership {
  for (let at = configs.length - 1; at >= 0; at -= 1) {
    const config = configs[at];
    if (config !== undefined && config.index <= index) return config;
  }
  throw new AssertionError(`no configuration is known to be in force at ${index}`);
}

/** @throws {AssertionError} when a node is listed twice, or both votes and learns. */
export function checkMembership(config: Membership): void {
  checkDistinct(config.incoming, "incoming voters");
  checkDistinct(config.outgoing ?? NOBODY, "outgoing voters");
  checkDistinct(config.learners, "learners");
  for (const learner of config.learners) {
    assert(!isVoter(config, learner), `node ${learner} cannot both vote and learn`);
  }
  const rows = config.roster?.members.map(({ node }) => node);
  if (rows !== undefined) {
    checkDistinct(rows, "the member table");
    for (const node of membersOf(config)) {
      assert(rows.includes(node), `node ${node} is not in the member table`);
    }
  }
  assert(config.leaseMs > 0, `leaseMs ${config.leaseMs} is not above 0`);
}

function checkDistinct(nodes: readonly NodeId[], what: string): void {
  assert(new Set(nodes).size === nodes.length, `${what} name a node twice: ${nodes.join(" ")}`);
}
