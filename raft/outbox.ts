// Messages on their way out: those that may leave now, and those that wait for a write (R1). The current
// epoch is stamped here, and here is the guard that it is durable before anybody hears of it.
import type { LogIndex, NodeId, PlantedBug } from "../base/index.ts";
import type { Envelope, Epoch } from "../consensus/index.ts";
import type { Durability } from "./durability.ts";
import type { RaftMessage } from "./message.ts";

const NOTHING: readonly Envelope<RaftMessage>[] = [];

export interface OutboxInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  readonly durability: Durability;
  readonly planted: PlantedBug | undefined;
}

export class Outbox {
  readonly #init: OutboxInit;
  #send: Envelope<RaftMessage>[] = [];
  #after: Envelope<RaftMessage>[] = [];
  /** The highest match already waiting in some write's `after`, in the current epoch. */
  #matchWaiting = 0;

  constructor(init: OutboxInit) {
    this.#init = init;
  }

  get waits(): boolean {
    return this.#after.length > 0;
  }

  /** Leaves now if this node's term and vote are durable, else with the newest write. */
  emit(to: NodeId, epoch: Epoch, body: RaftMessage): void {
    const { durability, planted } = this.#init;
    const mayLeave = durability.promiseDurable || planted === "send-before-epoch-durable";
    (mayLeave ? this.#send : this.#after).push(this.#envelope(to, epoch, body));
  }

  /** Acknowledges up to `match`: now if that is durable here, else when the writes so far are (R3). */
  acknowledge(to: NodeId, epoch: Epoch, match: LogIndex): void {
    const { durability, planted } = this.#init;
    if (match <= durability.index || planted === "ack-before-fsync") {
      this.emit(to, epoch, { kind: "append-ack", match });
      return;
    }
    if (match <= this.#matchWaiting) return;
    this.#matchWaiting = match;
    this.#after.push(this.#envelope(to, epoch, { kind: "append-ack", match }));
  }

  /** Acknowledgements under way belong to another epoch, or to entries that are gone. */
  forgetWaitingAcks(): void {
    this.#matchWaiting = 0;
  }

  clear(): void {
    this.#send = [];
    this.#after = [];
  }

  drainSend(): readonly Envelope<RaftMessage>[] {
    const drained = this.#send;
    if (drained.length === 0) return NOTHING;
    this.#send = [];
    return drained;
  }

  drainAfter(): readonly Envelope<RaftMessage>[] {
    const drained = this.#after;
    // Never the live array: a write without messages would let those of the next one leave early (R1).
    if (drained.length === 0) return NOTHING;
    this.#after = [];
    return drained;
  }

  #envelope(to: NodeId, epoch: Epoch, body: RaftMessage): Envelope<RaftMessage> {
    return { from: this.#init.id, to, incarnation: this.#init.incarnation, epoch, body };
  }
}
