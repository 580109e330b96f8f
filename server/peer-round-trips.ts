// How long a heartbeat of this leader takes to a peer and back, seen where messages leave and come. Members that do
// not lead send none, and measure nothing.
import { Buckets, exponentialBounds } from "../base/index.ts";
import type { MonotonicMs, NodeId } from "../base/index.ts";
import type { WireId } from "../consensus/index.ts";
import type { PeerMessage } from "../rpc/index.ts";
import type { Transport } from "./ports.ts";

/** etcd's: 0.1 ms to 3.3 s. */
const SECONDS = exponentialBounds(0.0001, 2, 16);
/** What is not answered by then is taken for lost, and measured by nobody. */
const LOST_MS = 10_000;

/** A heartbeat on its way: one at a time for each peer. */
interface Flight {
  readonly round: WireId;
  readonly sentAtMs: MonotonicMs;
}

export class PeerRoundTrips {
  readonly #now: () => MonotonicMs;
  readonly #flights = new Map<NodeId, Flight>();
  readonly #seconds = new Map<NodeId, Buckets>();

  constructor(now: () => MonotonicMs) {
    this.#now = now;
  }

  /** By peer, of those that ever answered. */
  get seconds(): ReadonlyMap<NodeId, Buckets> {
    return this.#seconds;
  }

  /** `transport`, with a look at what leaves. */
  over(transport: Transport): Transport {
    return {
      send: (to, messages) => {
        for (const message of messages) {
          if (message.kind !== "consensus") continue;
          const { body } = message.envelope;
          if (body.kind !== "heartbeat") continue;
          this.#onHeartbeat(to, body.round);
        }
        transport.send(to, messages);
      },
    };
  }

  #onHeartbeat(to: NodeId, round: WireId): void {
    const now = this.#now();
    const flight = this.#flights.get(to);
    if (flight !== undefined && now - flight.sentAtMs < LOST_MS) return;
    this.#flights.set(to, { round, sentAtMs: now });
  }

  onMessages(from: NodeId, messages: readonly PeerMessage[]): void {
    const flight = this.#flights.get(from);
    if (flight === undefined) return;
    for (const message of messages) {
      if (message.kind !== "consensus") continue;
      const { body } = message.envelope;
      if (body.kind !== "heartbeat-ack" || !isSame(body.round, flight.round)) continue;
      this.#flights.delete(from);
      this.#bucketsOf(from).add((this.#now() - flight.sentAtMs) / 1000);
      return;
    }
  }

  #bucketsOf(peer: NodeId): Buckets {
    let buckets = this.#seconds.get(peer);
    if (buckets === undefined) {
      buckets = new Buckets(SECONDS);
      this.#seconds.set(peer, buckets);
    }
    return buckets;
  }
}

function isSame(left: WireId, right: WireId): boolean {
  return left.counter === right.counter && left.boot === right.boot;
}
