// What a leader knows of one peer: how far its log matches, how to send to it, what it confirmed and when.
//
//   probe      one append at a time until the logs are known to agree somewhere
//   replicate  appends stream ahead of their acknowledgements, bounded by the window
//   snapshot   the peer needs entries that are compacted; nothing is appended until it has a snapshot
import { assert } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type { CatchUp } from "./catch-up.ts";
import type { WireId } from "./contract.ts";
import { InflightWindow } from "./inflight-window.ts";
import type { Echo } from "./message.ts";

export type ProgressMode = "probe" | "replicate" | "snapshot";

/** A stamp, and the newest round already sent when it arrived: only a later one confirms it (F2). */
export interface HeldStamp {
  readonly stamp: WireId;
  readonly roundBefore: number;
}

export interface ProgressInit {
  readonly node: NodeId;
  readonly next: LogIndex;
  readonly now: MonotonicMs;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

export class Progress {
  readonly node: NodeId;
  readonly window: InflightWindow;
  /** Raft: durable there, and equal to this leader's log. Paxos: accepted there without a gap. */
  match = 0 as LogIndex;
  /** The first index to send next. */
  next: LogIndex;
  mode: ProgressMode = "probe";
  /** A probe is out: nothing more is appended until it is answered, or the peer shows itself alive. */
  paused = false;
  /** Of the snapshot on its way, in mode snapshot. */
  snapshotIndex = 0 as LogIndex;
  /** The commit index this peer knows of if nothing was lost. */
  commitTold = 0 as LogIndex;
  appendedAtMs: MonotonicMs;
  /** Of its last acknowledgement in this epoch (R14). */
  heardAtMs: MonotonicMs;
  roundAcked = 0;
  /** Send time of the newest round it acknowledged: its part of the lease (R7). */
  leaseFromMs = -Infinity;
  /** The oldest stamp waiting for a round, and the newest: with one place a busy peer's never got one. */
  stampArmed: HeldStamp | undefined;
  stampNewest: HeldStamp | undefined;
  /** Confirmed, to be sent. */
  echo: Echo | undefined;
  echoSentAtMs = -Infinity;
  /** Its read-index questions that wait here. */
  asksWaiting = 0;
  /** Of a peer that joined without a vote. */
  catchUp: CatchUp | undefined;
  /** When the configuration without it was first seen committed. */
  departedAtMs: MonotonicMs | undefined;

  constructor(init: ProgressInit) {
    this.node = init.node;
    this.next = init.next;
    this.appendedAtMs = init.now;
    this.heardAtMs = init.now;
    this.window = new InflightWindow(init.inflightMessagesMax, init.inflightBytesMax);
  }

  becomeProbe(next: number): void {
    assert(next > this.match, `probe from ${next}, but ${this.match} matches`);
    this.mode = "probe";
    this.next = next as LogIndex;
    this.paused = false;
    this.window.reset();
  }

  becomeReplicate(): void {
    this.mode = "replicate";
    this.next = (this.match + 1) as LogIndex;
    this.paused = false;
    this.window.reset();
  }

  becomeSnapshot(index: LogIndex): void {
    this.mode = "snapshot";
    this.snapshotIndex = index;
    this.window.reset();
  }

  holdStamp(stamp: WireId, roundBefore: number): void {
    const held = { stamp, roundBefore };
    if (this.stampArmed === undefined) this.stampArmed = held;
    else this.stampNewest = held;
  }

  /** The held stamp that round `counter` confirms, if any; the newest moves up behind it. */
  takeStamp(counter: number): WireId | undefined {
    if (this.stampArmed === undefined || this.stampArmed.roundBefore >= counter) return undefined;
    let confirmed = this.stampArmed.stamp;
    this.stampArmed = this.stampNewest;
    this.stampNewest = undefined;
    if (this.stampArmed !== undefined && this.stampArmed.roundBefore < counter) {
      confirmed = this.stampArmed.stamp;
      this.stampArmed = undefined;
    }
    return confirmed;
  }
}
