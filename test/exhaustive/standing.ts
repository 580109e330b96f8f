// What can still make a difference where it goes, and to whom it came from. A message that cannot is forgotten:
// worlds that differ in such messages alone are one. It cannot when whoever gets it, in the state that it is in and
// in all that follow, does nothing for it that anybody could tell from not having got it. A crash takes back what is
// not on disk, so where there are crashes that must hold of what a crash leaves, too. And it must earn no refusal
// that is news to its sender: one who knows of the last epoch learns nothing more by one.
import { compareEpochs } from "../../consensus/index.ts";
import type { Entry, Epoch, LogReader, Role } from "../../consensus/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { SmallEnvelope } from "./network.ts";

/** How far a member is, as far as it decides what is over for it. None of it goes back but by a crash. */
export interface Standing {
  readonly epoch: Epoch;
  /** Of this world: there is none behind it. */
  readonly epochLast: Epoch;
  readonly role: Role;
  readonly leader: NodeId | 0;
  readonly votedFor: NodeId | 0;
  readonly committed: LogIndex;
  readonly log: LogReader;
  /** At a leader: up to where each peer is known to hold what it holds. */
  readonly matches: ReadonlyMap<NodeId, LogIndex>;
  /** What a crash would leave; absent in a world without one. */
  readonly crashed?: Standing;
}

/** `sender`: the epoch of whoever sent it. */
export function isOver(message: SmallEnvelope, to: Standing, sender: Epoch): boolean {
  const { crashed } = to;
  return (
    isOverNow(message, to, sender) && (crashed === undefined || isOverNow(message, crashed, sender))
  );
}

function isOverNow({ from, body, epoch }: SmallEnvelope, to: Standing, sender: Epoch): boolean {
  const order = compareEpochs(epoch, to.epoch);
  switch (body.kind) {
    // Of any epoch.
    case "learn":
    case "fill":
      return false;
    case "chosen":
      return body.entries.every(({ index }) => index <= to.committed);
    default:
      // Its refusal may be news to the sender, at once or when `to` is in a later epoch.
      if (isRefused(body) && compareEpochs(sender, to.epochLast) < 0) return false;
      if (order !== 0) return order < 0;
      return isTakenIn(from, body, to);
  }
}

/** Whether whoever is in a later epoch answers it, with that epoch. */
function isRefused({ kind }: ConsensusMessage): boolean {
  return (
    kind === "request-vote" || kind === "append-entries" || kind === "prepare" || kind === "accept"
  );
}

/** Of the epoch that `to` is in. */
function isTakenIn(from: NodeId, body: ConsensusMessage, to: Standing): boolean {
  switch (body.kind) {
    case "vote":
    case "promise":
      if (body.kind === "vote" && !body.granted) return true;
      // Who does not campaign in an epoch that it knows never will.
      return to.role !== "candidate";
    case "append-ack":
      return !mayLead(to) || body.match < matchOf(from, to);
    case "accepted":
      return !mayLead(to) || body.until - 1 <= matchOf(from, to);
    case "append-reject":
      return !mayLead(to) || body.prevIndex <= matchOf(from, to);
    case "append-entries":
      return (
        to.leader === from &&
        body.commit <= to.committed &&
        holds(to, body.entries) &&
        hasPrevious(to, body)
      );
    case "accept":
      return to.leader === from && body.chosen <= to.committed && holds(to, body.entries);
    case "commit-notice":
      return to.leader === from && body.commit <= to.committed;
    case "request-vote":
      return to.votedFor !== 0 || to.leader !== 0;
    case "prepare":
      return to.leader !== 0;
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
