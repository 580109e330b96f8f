// From one configuration to the next (Thesis 4.1, 4.3): one voter at a time directly, more of them by way of
// the joint configuration, in which both sets must agree.
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { MembershipWish } from "./contract.ts";
import type { Membership, Roster } from "./entry.ts";
import { isMember } from "./membership.ts";

/** What an entry at `index` makes of `current`, which is not joint. */
export function changedMembership(
  current: Membership,
  wish: MembershipWish,
  index: LogIndex,
): Membership {
  const { voters, learners, roster } = wish;
  assert(voters.length > 0, "a configuration has at least one voter");
  assert(current.outgoing === undefined, "a joint configuration is left before it is changed");
  const incoming = sorted(voters);
  const direct = votersChanged(current.incoming, voters) <= 1;
  const stillVote = (node: NodeId): boolean => !direct && current.incoming.includes(node);
  const learnersNext = sorted(learners.filter(stillVote));
  return withRoster(
    {
      index,
      incoming,
      ...(direct ? {} : { outgoing: current.incoming }),
      learners: sorted(learners.filter((node) => !stillVote(node))),
      ...(learnersNext.length === 0 ? {} : { learnersNext }),
      leaseMs: current.leaseMs,
    },
    roster ?? current.roster,
  );
}

/** The configuration that ends `joint`, in an entry at `index`. */
export function leftJoint(joint: Membership, index: LogIndex): Membership {
  const { incoming, learners, learnersNext = [], leaseMs, roster } = joint;
  const next = { index, incoming, learners: sorted([...learners, ...learnersNext]), leaseMs };
  return withRoster(next, roster);
}

/** The table keeps the rows of its configuration's members. */
function withRoster(config: Membership, roster: Roster | undefined): Membership {
  if (roster === undefined) return config;
  const members = roster.members.filter(({ node }) => isMember(config, node));
  return { ...config, roster: { nodeLast: roster.nodeLast, members } };
}

function votersChanged(before: readonly NodeId[], after: readonly NodeId[]): number {
  const added = after.filter((node) => !before.includes(node));
  const removed = before.filter((node) => !after.includes(node));
  return added.length + removed.length;
}

function sorted(nodes: readonly NodeId[]): readonly NodeId[] {
  return [...nodes].sort((left, right) => left - right);
}
