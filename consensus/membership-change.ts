// From one configuration to the next: directly, as every change in Paxos (P8) and one voter at a time in Raft
// (Thesis 4.1); or by way of the joint configuration, in which both sets must agree (Thesis 4.3).
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { MembershipWish } from "./contract.ts";
import type { Membership, Roster } from "./entry.ts";
import { isMember } from "./membership.ts";

/** What an entry at `index` makes of `current`, which is not joint. */
export function nextMembership(
  current: Membership,
  { voters, learners, roster }: MembershipWish,
  index: LogIndex,
): Membership {
  assert(voters.length > 0, "a configuration has at least one voter");
  assert(current.outgoing === undefined, "a joint configuration is left before it is changed");
  const { leaseMs } = current;
  return withRoster(
    { index, incoming: sorted(voters), learners: sorted(learners), leaseMs },
    roster ?? current.roster,
  );
}

/** The same, joint where more than one voter changes. */
export function changedMembership(
  current: Membership,
  wish: MembershipWish,
  index: LogIndex,
): Membership {
  if (votersChanged(current.incoming, wish.voters) <= 1)
    return nextMembership(current, wish, index);
  const stillVotes = (node: NodeId): boolean => current.incoming.includes(node);
  const learners = wish.learners.filter((node) => !stillVotes(node));
  const learnersNext = sorted(wish.learners.filter(stillVotes));
  const joint = {
    ...nextMembership(current, { ...wish, learners }, index),
    outgoing: current.incoming,
    ...(learnersNext.length === 0 ? {} : { learnersNext }),
  };
  return withRoster(joint, wish.roster ?? current.roster);
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
