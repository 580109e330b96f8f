// Every message that anybody ever sent, in any world, each once: a message is a number.
import { EPOCH_ZERO } from "../../consensus/index.ts";
import type { Envelope } from "../../consensus/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { Bounds } from "./bounds.ts";
import { textOf } from "./text.ts";

export type SmallEnvelope = Envelope<ConsensusMessage>;

/**
 * Left out, as if always lost: rounds, stamps and read indexes serve reads and leases, of which this world has
 * none (the timed model and the simulator have), and polls are answered at once (node.ts).
 */
const LEFT_OUT: ReadonlySet<ConsensusMessage["kind"]> = new Set([
  "heartbeat",
  "heartbeat-ack",
  "freshness-echo",
  "read-index",
  "read-index-answer",
  "pre-vote",
  "pre-vote-answer",
  "prepare-poll",
  "prepare-poll-answer",
]);

/** Whoever takes them asks for no epoch, so two that differ in it alone are one. */
const OF_ANY_EPOCH: ReadonlySet<ConsensusMessage["kind"]> = new Set(["learn", "chosen", "fill"]);

export class Network {
  readonly #leftOut: ReadonlySet<ConsensusMessage["kind"]>;
  readonly #numbers = new Map<string, number>();
  readonly #envelopes: SmallEnvelope[] = [];

  constructor({ catchUp }: Bounds) {
    this.#leftOut = catchUp ? LEFT_OUT : new Set([...LEFT_OUT, ...OF_ANY_EPOCH]);
  }

  get size(): number {
    return this.#envelopes.length;
  }

  /** Undefined for what this world leaves out. */
  numberOf(envelope: SmallEnvelope): number | undefined {
    if (this.#leftOut.has(envelope.body.kind)) return undefined;
    const sent = OF_ANY_EPOCH.has(envelope.body.kind)
      ? { ...envelope, epoch: EPOCH_ZERO }
      : envelope;
    const text = textOf(sent);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#envelopes.push(sent);
    this.#numbers.set(text, this.#envelopes.length - 1);
    return this.#envelopes.length - 1;
  }

  envelope(number: number): SmallEnvelope {
    const envelope = this.#envelopes[number];
    if (envelope === undefined) throw new RangeError(`nobody sent message ${number}`);
    return envelope;
  }
}
