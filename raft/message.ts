// What Raft members say to each other beside consensus/message.ts. The sender's term is the envelope's epoch ({0, term, 0}); every
// id that a reply must match is a WireId, so that a reply to an earlier boot is never taken (R16).
import type { LogIndex } from "../base/index.ts";
import type { Entry, GroupMessage, WireId } from "../consensus/index.ts";

/** A candidate asks for this term's vote (Raft Fig. 2, RequestVote). */
export interface RequestVote {
  readonly kind: "request-vote";
  readonly lastIndex: LogIndex;
  readonly lastTerm: number;
  /** The term that a leader's timeout-now allows, else 0; it overrules stickiness only if exact (R11). */
  readonly transferTerm: number;
}

export interface Vote {
  readonly kind: "vote";
  readonly granted: boolean;
}

/** "Would you vote for me in `term`?" Changes nobody's term (Thesis 9.6). */
export interface PreVote {
  readonly kind: "pre-vote";
  readonly poll: WireId;
  /** The term that the sender would campaign in: one above its own. */
  readonly term: number;
  readonly lastIndex: LogIndex;
  readonly lastTerm: number;
}

export interface PreVoteAnswer {
  readonly kind: "pre-vote-answer";
  readonly poll: WireId;
  readonly granted: boolean;
}

/** Raft Fig. 2, AppendEntries. Entries follow `prevIndex` without a gap; none is a probe. */
export interface AppendEntries {
  readonly kind: "append-entries";
  readonly prevIndex: LogIndex;
  readonly prevTerm: number;
  readonly entries: readonly Entry[];
  /** The leader's commit index; the receiver takes at most what this message vouches for. */
  readonly commit: LogIndex;
}

/** The sender's log equals the leader's, durably, up to and including `match` (R3). */
export interface AppendAck {
  readonly kind: "append-ack";
  readonly match: LogIndex;
}

/** `prevIndex` did not match; the logs may agree at `hintIndex`, whose term here is `hintTerm` (Raft 5.3). */
export interface AppendReject {
  readonly kind: "append-reject";
  readonly prevIndex: LogIndex;
  readonly hintIndex: LogIndex;
  readonly hintTerm: number;
}

export type RaftMessage =
  | RequestVote
  | Vote
  | PreVote
  | PreVoteAnswer
  | AppendEntries
  | AppendAck
  | AppendReject
  | GroupMessage;
