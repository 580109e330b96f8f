// Messages on their way out: those that may leave now, and those that wait for a write (R1). The current
// epoch is stamped here, and here is the guard that it is durable before anybody hears of it.
import type { NodeId, PlantedBug } from "../base/index.ts";
import type { Envelope } from "./contract.ts";
import type { Epoch } from "./entry.ts";
import type { Copier } from "./fork.ts";

const NOTHING: readonly never[] = [];

export interface OutboxInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  /** Whether the current epoch is on disk. */
  readonly durability: { readonly promiseDurable: boolean };
  readonly planted: PlantedBug | undefined;
}

export class Outbox<M> {
  readonly #init: OutboxInit;
  #send: Envelope<M>[] = [];
  #after: Envelope<M>[] = [];

  constructor(init: OutboxInit) {
    this.#init = init;
  }

  /** Leaves now if this node's promise is durable, else with the newest write. */
  emit(to: NodeId, epoch: Epoch, body: M): void {
    const { durability, planted } = this.#init;
    const mayLeave = durability.promiseDurable || planted === "send-before-epoch-durable";
    (mayLeave ? this.#send : this.#after).push(this.#envelope(to, epoch, body));
  }

  /** Leaves when all that is written so far is durable: it vouches for entries as well. */
  emitAfterWrites(to: NodeId, epoch: Epoch, body: M): void {
    this.#after.push(this.#envelope(to, epoch, body));
  }

  copied(by: Copier): Outbox<M> {
    const { durability } = this.#init;
    const twin = new Outbox<M>({ ...this.#init, durability: by.of(durability) });
    twin.#send = by.of(this.#send);
    twin.#after = by.of(this.#after);
    return twin;
  }

  clear(): void {
    this.#send = [];
    this.#after = [];
  }

  drainSend(): readonly Envelope<M>[] {
    const drained = this.#send;
    if (drained.length === 0) return NOTHING;
    this.#send = [];
    return drained;
  }

  drainAfter(): readonly Envelope<M>[] {
    const drained = this.#after;
    // Never the live array: a write without messages would let those of the next one leave early (R1).
    if (drained.length === 0) return NOTHING;
    this.#after = [];
    return drained;
  }

  #envelope(to: NodeId, epoch: Epoch, body: M): Envelope<M> {
    return { from: this.#init.id, to, incarnation: this.#init.incarnation, epoch, body };
  }
}
