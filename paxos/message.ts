// What Paxos members say to each other beside consensus/message.ts. The sender's promised ballot is the
// envelope's epoch; a promise and an acceptance answer exactly that ballot (P3, P6).
import type { LogIndex } from "../base/index.ts";
import type { Entry, Epoch, GroupMessage, WireId } from "../consensus/index.ts";

/** Phase 1 for every slot from `from`, the candidate's first unchosen, on (P5). */
export interface Prepare {
  readonly kind: "prepare";
  readonly from: LogIndex;
  /** The ballot whose leader lets the sender campaign; no lease of that ballot or of one before it is left. */
  readonly leave?: Epoch;
}

/** "Would you promise `ballot`?" Changes nobody's promise, so that a node cut off disturbs nobody. */
export interface PreparePoll {
  readonly kind: "prepare-poll";
  readonly poll: WireId;
  readonly ballot: Epoch;
}

export interface PreparePollAnswer {
  readonly kind: "prepare-poll-answer";
  readonly poll: WireId;
  readonly granted: boolean;
}

/**
 * No lower ballot is accepted here any more (P2). `entries`: what was accepted, with its ballot, above both
 * `chosen` and what the candidate knows to be chosen. Slots up to `compactedTo` are in a snapshot only (P3).
 */
export interface PromiseMade {
  readonly kind: "promise";
  readonly chosen: LogIndex;
  readonly compactedTo: LogIndex;
  readonly entries: readonly Entry[];
}

/** Phase 2 for consecutive slots, each entry's epoch being the ballot. Every slot to `chosen` is chosen. */
export interface Accept {
  readonly kind: "accept";
  readonly entries: readonly Entry[];
  readonly chosen: LogIndex;
}

/** Slots [from, until) are accepted in the envelope's ballot, or known here to be chosen; durable. */
export interface Accepted {
  readonly kind: "accepted";
  readonly from: LogIndex;
  readonly until: LogIndex;
}

/**
 * A learner holds slots [from, until) and knows everything to `chosen`. Unlike an acceptance it counts toward
 * nothing: who has no vote, or has lost what it voted for, vouches for nothing (P11).
 */
export interface Received {
  readonly kind: "received";
  readonly from: LogIndex;
  readonly until: LogIndex;
  readonly chosen: LogIndex;
}

/** A replica that misses chosen values asks for them, from `from` on. */
export interface Learn {
  readonly kind: "learn";
  readonly from: LogIndex;
}

/** Consecutive chosen entries; the sender knows all to `chosen`. None: they must be asked for elsewhere. */
export interface Chosen {
  readonly kind: "chosen";
  readonly entries: readonly Entry[];
  readonly chosen: LogIndex;
}

/** A quorum read asks an acceptor for the highest slot in which it has accepted anything (P10). */
export interface ReadSlot {
  readonly kind: "read-slot";
  readonly id: WireId;
}

export interface ReadSlotAnswer {
  readonly kind: "read-slot-answer";
  readonly id: WireId;
  readonly slot: LogIndex;
}

/** A quorum read waits for `through` in vain: the leader is to propose no-ops up to it (P10). */
export interface Fill {
  readonly kind: "fill";
  readonly through: LogIndex;
}

export type PaxosMessage =
  | Prepare
  | PreparePoll
  | PreparePollAnswer
  | PromiseMade
  | Accept
  | Accepted
  | Received
  | Learn
  | Chosen
  | ReadSlot
  | ReadSlotAnswer
  | Fill
  | GroupMessage;
