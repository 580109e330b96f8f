// The network between members: each directed pair delays, loses, repeats, reorders or is cut. A cut holds
// at sending and at delivery, so a message in flight dies with its link.
import type { NodeId } from "../../base/index.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";

/** Rates are probabilities a message; delays in ms of true time. */
export interface NetworkFaults {
  readonly delayMinMs: number;
  readonly delayMeanMs: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** A message that takes a much longer way, up to `spikeMs`. */
  readonly spikeRate: number;
  readonly spikeMs: number;
  /** False: each message finds its own way. True: a link is a stream, as TCP is. */
  readonly inOrder: boolean;
}

export const NETWORK_HEALTHY: NetworkFaults = {
  delayMinMs: 0.1,
  delayMeanMs: 0.4,
  lossRate: 0,
  duplicateRate: 0,
  spikeRate: 0,
  spikeMs: 0,
  inOrder: true,
};

export class SimNetwork<P> {
  readonly #events: EventQueue;
  readonly #chance: Chance;
  readonly #deliver: (from: NodeId, to: NodeId, packet: P) => void;
  /** How many reasons there are for a link to be down. */
  readonly #cuts = new Map<string, number>();
  readonly #lastArrivalAtMs = new Map<string, number>();
  #faults: NetworkFaults;

  constructor(
    events: EventQueue,
    chance: Chance,
    faults: NetworkFaults,
    deliver: (from: NodeId, to: NodeId, packet: P) => void,
  ) {
    this.#events = events;
    this.#chance = chance;
    this.#faults = faults;
    this.#deliver = deliver;
  }

  get faults(): NetworkFaults {
    return this.#faults;
  }

  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  /** One direction only. */
  cut(from: NodeId, to: NodeId): void {
    const link = linkName(from, to);
    this.#cuts.set(link, (this.#cuts.get(link) ?? 0) + 1);
  }

  /** Takes one cut back. */
  mend(from: NodeId, to: NodeId): void {
    const link = linkName(from, to);
    const left = (this.#cuts.get(link) ?? 0) - 1;
    if (left > 0) this.#cuts.set(link, left);
    else this.#cuts.delete(link);
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cuts.has(linkName(from, to));
  }

  /** Every link is up and takes what comes next at once; what is on its way still comes. */
  mendAll(): void {
    this.#cuts.clear();
    this.#lastArrivalAtMs.clear();
  }

  send(from: NodeId, to: NodeId, packet: P): void {
    if (this.#cuts.has(linkName(from, to)) || this.#chance.hits(this.#faults.lossRate)) return;
    this.#launch(from, to, packet);
    if (this.#chance.hits(this.#faults.duplicateRate)) this.#launch(from, to, packet);
  }

  #launch(from: NodeId, to: NodeId, packet: P): void {
    const link = linkName(from, to);
    const faults = this.#faults;
    let delayMs = faults.delayMinMs + this.#chance.waitMs(faults.delayMeanMs);
    if (this.#chance.hits(faults.spikeRate)) delayMs += this.#chance.between(0, faults.spikeMs);
    if (faults.inOrder) {
      const earliestMs = (this.#lastArrivalAtMs.get(link) ?? 0) - this.#events.nowMs;
      delayMs = Math.max(delayMs, earliestMs);
      this.#lastArrivalAtMs.set(link, this.#events.nowMs + delayMs);
    }
    this.#events.schedule(delayMs, `deliver ${link}`, () => {
      if (!this.#cuts.has(link)) this.#deliver(from, to, packet);
    });
  }
}

function linkName(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
