// What a replica needs of the world. Production gives it real clocks, disks and streams; the simulator
// gives it its own and runs the very same replica.
import type { MonotonicMs, NodeId, WallMs } from "../base/index.ts";
import type { PeerMessage } from "../rpc/index.ts";

export interface Clock {
  /** Never goes back; does not count time while the machine is suspended. */
  monotonicMs(): MonotonicMs;
  /** May jump; compared with the monotonic clock only to notice a suspended machine (R7). */
  wallMs(): WallMs;
}

/** Runs `run` once, after the inputs that this event-loop turn still holds and before waiting again. */
export type EndOfTurn = (run: () => void) => void;

/** Best effort, unordered across reconnects, bounded: a full queue drops. */
export interface Transport {
  /** All messages of one turn for one peer, sent as one batch. */
  send(to: NodeId, messages: readonly PeerMessage[]): void;
}

export interface Journal {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}
