// What Raft members say to each other. The sender's term is the envelope's epoch ({0, term, 0}); every
// id that a reply must match is a WireId, so that a reply to an earlier boot is never taken (R16).
import type { LogIndex } from "../base/index.ts";
import type { Entry, WireId } from "../consensus/index.ts";

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

/** The stamped replica holds everything committed before it made `stamp`, once it has applied `index` (F2). */
export interface Echo {
  readonly stamp: WireId;
  readonly index: LogIndex;
}

/** One round of confirmations: for reads, the lease, check-quorum and freshness alike. */
export interface Heartbeat {
  readonly kind: "heartbeat";
  readonly round: WireId;
  /** At most what the receiver has acknowledged, so it needs no log check. */
  readonly commit: LogIndex;
  readonly echo?: Echo;
}

export interface HeartbeatAck {
  readonly kind: "heartbeat-ack";
  readonly round: WireId;
  readonly stamp: WireId;
}

/** The commit index moved and nothing else is on its way; bounded as in Heartbeat. Unanswered. */
export interface CommitNotice {
  readonly kind: "commit-notice";
  readonly commit: LogIndex;
}

/** An echo that no heartbeat is about to carry. Unanswered. */
export interface FreshnessEcho {
  readonly kind: "freshness-echo";
  readonly echo: Echo;
}

/** A non-leader asks for a read index, once for all its waiting reads (R6). */
export interface ReadIndex {
  readonly kind: "read-index";
  readonly id: WireId;
  /** How the leader confirms it: a heartbeat round, or an entry through the log. */
  readonly by: "round" | "barrier";
}

export interface ReadIndexAnswer {
  readonly kind: "read-index-answer";
  readonly id: WireId;
  readonly index: LogIndex;
}

/** The leader's leave to campaign in exactly the envelope's term + 1, at once (R13). */
export interface TimeoutNow {
  readonly kind: "timeout-now";
}

/** "Your term is over": the answer to a heartbeat or append of an older term than the envelope's. */
export interface StaleEpoch {
  readonly kind: "stale-epoch";
}

/** The leader's disk failed; it holds no lease any more, so its stickiness ends with it (R18). */
export interface LeaderHalted {
  readonly kind: "leader-halted";
}

export type RaftMessage =
  | RequestVote
  | Vote
  | PreVote
  | PreVoteAnswer
  | AppendEntries
  | AppendAck
  | AppendReject
  | Heartbeat
  | HeartbeatAck
  | CommitNotice
  | FreshnessEcho
  | ReadIndex
  | ReadIndexAnswer
  | TimeoutNow
  | StaleEpoch
  | LeaderHalted;
