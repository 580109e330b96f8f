// Whether two entries say the same, whatever their epochs: in Paxos a later leader may complete an earlier one's
// proposal in its own ballot.
import type { Entry, Membership, MemberRow } from "./entry.ts";

export function sameValue(left: Entry, right: Entry): boolean {
  if (left.kind === "command" && right.kind === "command") {
    return sameItems(left.data, right.data, (one, other) => one === other);
  }
  if (left.kind === "config" && right.kind === "config") {
    return sameMembership(left.config, right.config);
  }
  return left.kind === right.kind;
}

export function sameMembership(left: Membership, right: Membership): boolean {
  return (
    left.index === right.index &&
    left.leaseMs === right.leaseMs &&
    sameIds(left.incoming, right.incoming) &&
    sameIds(left.outgoing ?? [], right.outgoing ?? []) &&
    sameIds(left.learners, right.learners) &&
    sameIds(left.learnersNext ?? [], right.learnersNext ?? []) &&
    left.roster?.nodeLast === right.roster?.nodeLast &&
    sameItems(left.roster?.members ?? [], right.roster?.members ?? [], sameRow)
  );
}

function sameRow(left: MemberRow, right: MemberRow): boolean {
  return (
    left.node === right.node &&
    left.id === right.id &&
    left.incarnation === right.incarnation &&
    left.name === right.name &&
    left.votesNext === right.votesNext &&
    sameIds(left.peerUrls, right.peerUrls) &&
    sameIds(left.clientUrls, right.clientUrls)
  );
}

function sameIds<T extends number | string>(left: readonly T[], right: readonly T[]): boolean {
  return sameItems(left, right, (one, other) => one === other);
}

function sameItems<T>(
  left: ArrayLike<T>,
  right: ArrayLike<T>,
  same: (one: T, other: T) => boolean,
): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    if (!same(left[at] as T, right[at] as T)) return false;
  }
  return true;
}
