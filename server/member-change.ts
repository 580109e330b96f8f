// What each request makes of the member table and the configuration, or why it is refused: etcd's rules, in
// etcd's words, with one difference that the Thesis asks for (4.2.1): who is to vote learns first.
import { KvError } from "../base/index.ts";
import type { KvErrorCode, MemberId, NodeId } from "../base/index.ts";
import { isVoter } from "../consensus/index.ts";
import type { MemberRow, Membership, MembershipWish, Roster } from "../consensus/index.ts";

export type MemberChange =
  | {
      readonly kind: "add";
      readonly id: MemberId;
      readonly incarnation: bigint;
      readonly peerUrls: readonly string[];
      readonly isLearner: boolean;
    }
  | { readonly kind: "remove"; readonly id: MemberId }
  | { readonly kind: "update"; readonly id: MemberId; readonly peerUrls: readonly string[] }
  | { readonly kind: "promote"; readonly id: MemberId }
  /** What a member says of itself. */
  | {
      readonly kind: "publish";
      readonly id: MemberId;
      readonly name: string;
      readonly clientUrls: readonly string[];
    };

/** What else the rules ask. */
export interface ChangeRules {
  /** etcd's --strict-reconfig-check: no change that the members at hand could not survive. */
  readonly strict: boolean;
  /** etcd's --max-learners. Learners that are to vote do not count. */
  readonly learnersMax: number;
  /** Heard from within an election timeout; the leader itself too. */
  readonly isActive: (node: NodeId) => boolean;
}

/** `wish` absent: nothing to change. */
export interface ChangePlan {
  readonly wish?: MembershipWish;
}

/** @throws {KvError} why it is refused; nothing was changed. */
export function planChange(
  config: Membership,
  roster: Roster,
  change: MemberChange,
  rules: ChangeRules,
): ChangePlan {
  switch (change.kind) {
    case "add":
      return planAdd(config, roster, change, rules);
    case "remove":
      return planRemove(config, roster, change.id, rules);
    case "update":
      return planUpdate(config, roster, change);
    case "promote":
      return planPromote(config, roster, change.id, rules);
    case "publish":
      return planPublish(config, roster, change);
  }
}

function planAdd(
  config: Membership,
  roster: Roster,
  change: Extract<MemberChange, { kind: "add" }>,
  rules: ChangeRules,
): ChangePlan {
  const { id, incarnation, isLearner } = change;
  const peerUrls = [...change.peerUrls].sort();
  if (rules.strict) checkAdd(config, roster, isLearner, rules);
  if (roster.members.some((row) => row.peerUrls.some((url) => peerUrls.includes(url)))) {
    refuse("peer-urls-exist", "etcdserver: Peer URLs already exists");
  }
  const learning = roster.members.filter(({ node, votesNext }) => {
    return config.learners.includes(node) && !votesNext;
  });
  if (isLearner && learning.length >= rules.learnersMax) {
    refuse("too-many-learners", "etcdserver: too many learner members in cluster");
  }
  const node = (roster.nodeLast + 1) as NodeId;
  const row = { node, id, incarnation, name: "", peerUrls, clientUrls: [], votesNext: !isLearner };
  return {
    wish: {
      voters: config.incoming,
      learners: [...config.learners, node],
      roster: { nodeLast: node, members: [...roster.members, row] },
    },
  };
}

/** etcd's IsReadyToAddVotingMember, and that every voter is at hand. */
function checkAdd(
  config: Membership,
  roster: Roster,
  isLearner: boolean,
  { isActive }: ChangeRules,
): void {
  const voting = roster.members.filter((row) => isVoter(config, row.node) || row.votesNext);
  const started = voting.filter(({ name }) => name !== "").length;
  const members = voting.length + 1;
  const soleGrows = started === 1 && members === 2;
  if (!isLearner && !soleGrows && started < Math.floor(members / 2) + 1) notEnoughStarted();
  if (!config.incoming.every(isActive)) unhealthy();
}

function planRemove(
  config: Membership,
  roster: Roster,
  id: MemberId,
  rules: ChangeRules,
): ChangePlan {
  const { node } = rowOf(roster, id);
  const votes = config.incoming.includes(node);
  if (votes) checkRemove(config, roster, node, rules);
  const stays = (other: NodeId): boolean => other !== node;
  return {
    wish: {
      voters: config.incoming.filter(stays),
      learners: config.learners.filter(stays),
      // The row goes with the configuration that it is not in.
      roster,
    },
  };
}

/** etcd's IsReadyToRemoveVotingMember, and that a quorum of those at hand stays; never the last voter. */
function checkRemove(
  { incoming }: Membership,
  roster: Roster,
  node: NodeId,
  { strict, isActive }: ChangeRules,
): void {
  const rest = incoming.filter((other) => other !== node);
  if (rest.length === 0) notEnoughStarted();
  if (!strict) return;
  const started = roster.members.filter((row) => rest.includes(row.node) && row.name !== "");
  if (started.length < Math.floor(rest.length / 2) + 1) notEnoughStarted();
  // One that is away is no part of the quorum that works.
  if (!isActive(node)) return;
  const active = incoming.filter(isActive).length;
  if (active - 1 < 1 + Math.floor(rest.length / 2)) unhealthy();
}

function planUpdate(
  config: Membership,
  roster: Roster,
  change: Extract<MemberChange, { kind: "update" }>,
): ChangePlan {
  const row = rowOf(roster, change.id);
  const peerUrls = [...change.peerUrls].sort();
  const taken = roster.members.some(
    (other) => other.id !== change.id && other.peerUrls.some((url) => peerUrls.includes(url)),
  );
  if (taken) refuse("peer-urls-exist", "etcdserver: Peer URLs already exists");
  return sameMembers(config, roster, { ...row, peerUrls });
}

function planPromote(
  config: Membership,
  roster: Roster,
  id: MemberId,
  { strict }: ChangeRules,
): ChangePlan {
  const row = rowOf(roster, id);
  if (!config.learners.includes(row.node)) {
    refuse("member-not-learner", "etcdserver: can only promote a learner member");
  }
  if (strict) {
    // etcd counts the learner itself as a member, and as a started one.
    const voting = roster.members.filter(({ node }) => isVoter(config, node));
    const started = voting.filter(({ name }) => name !== "").length + 1;
    if (started < Math.floor((voting.length + 1) / 2) + 1) notEnoughStarted();
  }
  return {
    wish: {
      voters: [...config.incoming, row.node],
      learners: config.learners.filter((node) => node !== row.node),
      roster: replaced(roster, { ...row, votesNext: false }),
    },
  };
}

function planPublish(
  config: Membership,
  roster: Roster,
  change: Extract<MemberChange, { kind: "publish" }>,
): ChangePlan {
  const row = rowOf(roster, change.id);
  const { name, clientUrls } = change;
  const known = row.name === name && row.clientUrls.join() === clientUrls.join();
  return known ? {} : sameMembers(config, roster, { ...row, name, clientUrls });
}

function sameMembers(config: Membership, roster: Roster, row: MemberRow): ChangePlan {
  const { incoming: voters, learners } = config;
  return { wish: { voters, learners, roster: replaced(roster, row) } };
}

function replaced(roster: Roster, row: MemberRow): Roster {
  const members = roster.members.map((other) => (other.node === row.node ? row : other));
  return { nodeLast: roster.nodeLast, members };
}

function rowOf(roster: Roster, id: MemberId): MemberRow {
  const row = roster.members.find((member) => member.id === id);
  return row ?? refuse("member-not-found", "etcdserver: member not found");
}

function notEnoughStarted(): never {
  refuse(
    "not-enough-started",
    "etcdserver: re-configuration failed due to not enough started members",
  );
}

function unhealthy(): never {
  refuse("unhealthy-cluster", "etcdserver: unhealthy cluster");
}

function refuse(code: KvErrorCode, message: string): never {
  throw new KvError(code, "not-applied", message);
}
