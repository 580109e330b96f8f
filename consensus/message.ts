// What members of a group say to each other whichever protocol orders their log: rounds of heartbeats, read
// indexes, echoes, and the ends of leadership. Every id that a reply must match is a WireId (R16).
import type { LogIndex } from "../base/index.ts";
import type { WireId } from "./contract.ts";

/** The stamped replica holds everything committed before it made `stamp`, once it has applied `index` (F2). */
export interface Echo {
  readonly stamp: WireId;
  readonly index: LogIndex;
}

/** One round of confirmations: for reads, the lease, check-quorum and freshness alike. */
export interface Heartbeat {
  readonly kind: "heartbeat";
  readonly round: WireId;
  /** Raft: at most what the receiver has acknowledged, so it needs no log check. Paxos: all that is chosen. */
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
  /** How the leader confirms it: a heartbeat round, or (Raft alone) an entry through the log. */
  readonly by: "round" | "barrier";
}

export interface ReadIndexAnswer {
  readonly kind: "read-index-answer";
  readonly id: WireId;
  readonly index: LogIndex;
}

/** The leader's leave to campaign in the epoch after the envelope's, at once (R13). */
export interface TimeoutNow {
  readonly kind: "timeout-now";
}

/** "Your epoch is over": the answer to a leader of an older epoch than the envelope's. */
export interface StaleEpoch {
  readonly kind: "stale-epoch";
}

/** The leader's disk failed; it holds no lease any more, so its stickiness ends with it (R18). */
export interface LeaderHalted {
  readonly kind: "leader-halted";
}

export type GroupMessage =
  | Heartbeat
  | HeartbeatAck
  | CommitNotice
  | FreshnessEcho
  | ReadIndex
  | ReadIndexAnswer
  | TimeoutNow
  | StaleEpoch
  | LeaderHalted;
