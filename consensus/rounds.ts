// A leader's confirmation rounds: which are on their way, when each was sent, and what waits for each. One
// round confirms everything that arrived before it was sent, and every round before it (R6, F2).
import { present } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type { WireId } from "./contract.ts";
import type { Copier } from "./fork.ts";
import type { WaitingRead } from "./waiting-read.ts";

/** Rounds whose send times are remembered; an acknowledgement of an older one adds nothing to a lease. */
const ROUNDS_REMEMBERED = 1024;

/** A peer's question for a read index. */
export interface Ask {
  readonly from: NodeId;
  readonly id: WireId;
}

export interface Round {
  readonly counter: number;
  readonly sentAtMs: MonotonicMs;
  /** The leader's read index when the round was sent: no read or stamp it confirms needs more. */
  readonly index: LogIndex;
  /** Whether this leader had committed in its own epoch by then (R5, P5). */
  readonly ownCommit: boolean;
  reads: WaitingRead[];
  asks: Ask[];
}

export class Rounds {
  readonly #sentAtMs = new Float64Array(ROUNDS_REMEMBERED);
  readonly #inFlight: Round[] = [];
  #latest: number;

  /** `latest`: the last counter this boot used; counters go on from there, across leaderships (R6). */
  constructor(latest: number) {
    this.#latest = latest;
  }

  /** The counter of the newest round sent. */
  get latest(): number {
    return this.#latest;
  }

  get inFlight(): readonly Round[] {
    return this.#inFlight;
  }

  /** When `counter` was sent; undefined if that is not remembered. */
  sentAtMs(counter: number): number | undefined {
    const known = counter <= this.#latest && counter > this.#latest - ROUNDS_REMEMBERED;
    return known ? this.#sentAtMs[counter % ROUNDS_REMEMBERED] : undefined;
  }

  /** With `inFlightMax` under way the oldest hands what waits for it to the next: that confirms it too. */
  begin(round: Round, inFlightMax: number): void {
    this.#latest = round.counter;
    this.#sentAtMs[round.counter % ROUNDS_REMEMBERED] = round.sentAtMs;
    this.#inFlight.push(round);
    if (this.#inFlight.length <= inFlightMax) return;
    const oldest = present(this.#inFlight.shift(), "the oldest round");
    const heir = present(this.#inFlight[0], "the round after the oldest");
    heir.reads = [...oldest.reads, ...heir.reads];
    heir.asks = [...oldest.asks, ...heir.asks];
  }

  copied(by: Copier): Rounds {
    const twin = new Rounds(by.of(this.#latest));
    twin.#sentAtMs.set(this.#sentAtMs);
    const oldest = Math.max(1, this.#latest - ROUNDS_REMEMBERED + 1);
    for (let at = oldest; at <= this.#latest; at += 1) by.instant(this.sentAtMs(at));
    twin.#inFlight.push(...by.of(this.#inFlight));
    return twin;
  }

  /** The oldest round if a quorum has acknowledged it or a later one; removed from those in flight. */
  takeConfirmed(quorumRound: number): Round | undefined {
    const [oldest] = this.#inFlight;
    if (oldest === undefined || oldest.counter > quorumRound) return undefined;
    this.#inFlight.shift();
    return oldest;
  }
}
