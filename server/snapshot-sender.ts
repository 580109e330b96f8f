// The sending half of snapshots between members: a stream of blocks to each peer that needs one, a few
// unacknowledged at a time, sent again when nothing moves and given up when nothing moves for long. A dead
// receiver costs its window of memory and holds nobody else up (scenario 43).
import type { BootNonce, MonotonicMs, NodeId } from "../base/index.ts";
import type { WireId } from "../consensus/index.ts";
import type { PeerMessage, SnapshotEnding } from "../rpc/index.ts";
import type { DiskFailure } from "../store/index.ts";
import type { ReplicaLimits } from "./limits.ts";
import type { SnapshotBlocks } from "./snapshot-blocks.ts";

export interface SnapshotSenderInit {
  readonly id: NodeId;
  readonly boot: BootNonce;
  readonly limits: ReplicaLimits;
  readonly now: () => MonotonicMs;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  /** `ok`: the peer has it, or needs none any more. Once for each that was started. */
  readonly onEnd: (to: NodeId, ok: boolean) => void;
  readonly onFailure: (failure: DiskFailure) => void;
}

interface Sent {
  readonly offset: number;
  readonly block: Uint8Array;
}

interface Sending {
  readonly to: NodeId;
  readonly id: WireId;
  readonly blocks: SnapshotBlocks;
  /** Not acknowledged, oldest first. */
  unacknowledged: Sent[];
  reading: boolean;
  drawn: boolean;
  ended: boolean;
  /** When the peer last showed progress, and when it was last sent anything. */
  movedAtMs: number;
  sentAtMs: number;
}

export class SnapshotSender {
  readonly #init: SnapshotSenderInit;
  readonly #sendings = new Map<NodeId, Sending>();
  #counter = 0;

  constructor(init: SnapshotSenderInit) {
    this.#init = init;
  }

  get count(): number {
    return this.#sendings.size;
  }

  /** Up to where the oldest state on its way reaches; Infinity: none is. */
  get reachesTo(): number {
    return Math.min(...[...this.#sendings.values()].map(({ blocks }) => blocks.header.meta.index));
  }

  has(to: NodeId): boolean {
    return this.#sendings.has(to);
  }

  /** One for each peer at a time. */
  start(to: NodeId, blocks: SnapshotBlocks): void {
    this.#counter += 1;
    const now = this.#init.now();
    const sending: Sending = {
      to,
      id: { boot: this.#init.boot, counter: this.#counter },
      blocks,
      unacknowledged: [],
      reading: false,
      drawn: false,
      ended: false,
      movedAtMs: now,
      sentAtMs: now,
    };
    this.#sendings.set(to, sending);
    this.#fill(sending);
  }

  /** The peer lacks what is at `offset`, and has all before it. */
  onAck(from: NodeId, id: WireId, offset: number): void {
    const sending = this.#of(from, id);
    if (sending === undefined) return;
    const left = sending.unacknowledged.filter((sent) => sent.offset >= offset);
    if (left.length === sending.unacknowledged.length) return;
    sending.unacknowledged = left;
    sending.movedAtMs = this.#init.now();
    this.#fill(sending);
  }

  onEnded(from: NodeId, id: WireId, ending: SnapshotEnding): void {
    const sending = this.#of(from, id);
    if (sending !== undefined) this.#end(sending, ending !== "refused");
  }

  /** Sends again what a lost connection took with it; gives up a peer that shows no progress. */
  tick(now: MonotonicMs): void {
    const { snapshotResendMs, snapshotStallMs } = this.#init.limits;
    for (const sending of [...this.#sendings.values()]) {
      if (now - sending.movedAtMs > snapshotStallMs) this.#end(sending, false);
      else if (now - sending.sentAtMs > snapshotResendMs) {
        for (const sent of sending.unacknowledged) this.#send(sending, sent);
      }
    }
  }

  /** This node stops, or no longer has the state that is being sent. */
  stop(): void {
    for (const sending of [...this.#sendings.values()]) this.#end(sending, false);
  }

  #of(from: NodeId, id: WireId): Sending | undefined {
    const sending = this.#sendings.get(from);
    const same = sending?.id.boot === id.boot && sending.id.counter === id.counter;
    return same ? sending : undefined;
  }

  #fill(sending: Sending): void {
    if (sending.reading || sending.drawn || sending.ended) return;
    if (sending.unacknowledged.length >= this.#init.limits.snapshotWindowBlocks) return;
    sending.reading = true;
    const { blocks } = sending;
    const { offset } = blocks;
    blocks.next((failure, block) => {
      sending.reading = false;
      if (failure !== undefined) {
        this.#init.onFailure(failure);
        return;
      }
      if (block === undefined) {
        sending.drawn = true;
        return;
      }
      const sent = { offset, block };
      sending.unacknowledged.push(sent);
      this.#send(sending, sent);
      this.#fill(sending);
    });
  }

  #send(sending: Sending, { offset, block }: Sent): void {
    const { id: from, send, now } = this.#init;
    sending.sentAtMs = now();
    send(sending.to, { kind: "snapshot-block", from, id: sending.id, offset, block });
  }

  #end(sending: Sending, ok: boolean): void {
    sending.ended = true;
    this.#sendings.delete(sending.to);
    sending.blocks.close();
    this.#init.onEnd(sending.to, ok);
  }
}
