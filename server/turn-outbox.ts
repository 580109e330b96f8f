// What one event-loop turn has to say to each peer, sent as one batch at its end.
import type { NodeId } from "../base/index.ts";
import type { Envelope } from "../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../rpc/index.ts";
import type { Transport } from "./ports.ts";

export class TurnOutbox {
  readonly #transport: Transport;
  #messages = new Map<NodeId, PeerMessage[]>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  post(to: NodeId, message: PeerMessage): void {
    const messages = this.#messages.get(to);
    if (messages === undefined) this.#messages.set(to, [message]);
    else messages.push(message);
  }

  postAll(envelopes: readonly Envelope<ConsensusMessage>[]): void {
    for (const envelope of envelopes) this.post(envelope.to, { kind: "consensus", envelope });
  }

  send(): void {
    if (this.#messages.size === 0) return;
    const messages = this.#messages;
    this.#messages = new Map();
    for (const [to, batch] of messages) this.#transport.send(to, batch);
  }
}
