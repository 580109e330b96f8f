// What can still make a difference where it goes. A message that cannot is forgotten: worlds that differ in such
// messages alone are one. That leaves out refusals of what is over, and that what was taken in whole comes once
// more: both are as good as lost.
import { compareEpochs } from "../../consensus/index.ts";
import type { Entry, Epoch, LogReader, Role } from "../../consensus/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { SmallEnvelope } from "./network.ts";

/** How far a member is, as far as it decides what is over for it. None of it goes back but by a crash. */
export interface Standing {
  readonly epoch: Epoch;
  readonly role: Role;
  readonly votedFor: NodeId | 0;
  readonly committed: LogIndex;
  readonly log: LogReader;
  /** At a leader: up to where each peer is known to hold what it holds. */
  readonly matches: ReadonlyMap<NodeId, LogIndex>;
}

export function isOver({ from, body, epoch }: SmallEnvelope, to: Standing): boolean {
  const order = compareEpochs(epoch, to.epoch);
  switch (body.kind) {
    // Of any epoch.
    case "learn":
    case "fill":
      return false;
    case "chosen":
      return body.entries.every(({ index }) => index <= to.committed);
    default:
      if (order !== 0) return order < 0;
      return isTakenIn(from, body, to);
  }
}

/** Of the epoch that `to` is in. */
function isTakenIn(from: NodeId, body: ConsensusMessage, to: Standing): boolean {
  switch (body.kind) {
    case "vote":
    case "promise":
      // Who does not campaign in an epoch that it knows never will.
      return to.role !== "candidate";
    case "append-ack":
      return !mayLead(to) || body.match <= matchOf(from, to);
    case "accepted":
      return !mayLead(to) || body.until - 1 <= matchOf(from, to);
    case "append-reject":
      return !mayLead(to) || body.prevIndex <= matchOf(from, to);
    case "append-entries":
      return body.commit <= to.committed && holds(to, body.entries) && hasPrevious(to, body);
    case "accept":
      return body.chosen <= to.committed && holds(to, body.entries);
    case "commit-notice":
      return body.commit <= to.committed;
    case "request-vote":
      return to.votedFor !== 0;
    case "prepare":
    case "stale-epoch":
      return true;
    default:
      return false;
  }
}

function mayLead({ role }: Standing): boolean {
  return role === "candidate" || role === "leader";
}

function matchOf(node: NodeId, { matches }: Standing): number {
  return matches.get(node) ?? -1;
}

function holds({ log }: Standing, entries: readonly Entry[]): boolean {
  return entries.every(({ index, epoch }) => {
    const held = log.epochAt(index);
    return held !== undefined && compareEpochs(held, epoch) === 0;
  });
}

function hasPrevious(
  { log }: Standing,
  { prevIndex, prevTerm }: { readonly prevIndex: LogIndex; readonly prevTerm: number },
): boolean {
  return log.epochAt(prevIndex)?.round === prevTerm;
}
