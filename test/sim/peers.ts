// What the members of one group say to each other: frames as the peers' codec writes them, over a network that fails;
// who cannot be reached is told of sometimes, and nobody speaks under another member's name (R10).
import { present } from "../../base/index.ts";
import type { NodeId } from "../../base/index.ts";
import { decodeFrame, messagesFrame } from "../../rpc/peer-codec.ts";
import type { PeerMessage } from "../../rpc/peer-message.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import { SimNetwork } from "./network.ts";
import type { NetworkFaults } from "./network.ts";
import type { SimNode } from "./sim-node.ts";
import type { Reaction } from "./swarm.ts";

/** A peer is told of a broken way at most this often, as a transport that reconnects would. */
const UNREACHABLE_RATE = 0.1;

export interface PeersInit {
  /** Every machine there is by now. */
  readonly nodes: () => readonly SimNode[];
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly faults: NetworkFaults;
  readonly onMoment: (on: Reaction["on"], actor: NodeId) => void;
  /** For whoever follows what is said. */
  readonly onSent?: (from: NodeId, to: NodeId, message: PeerMessage) => void;
  readonly onFrame?: (frame: Uint8Array) => void;
  readonly onArrived?: (from: NodeId, to: NodeId, message: PeerMessage) => void;
}

export class Peers {
  readonly network: SimNetwork<Uint8Array>;
  readonly #init: PeersInit;

  constructor(init: PeersInit) {
    const { events, chance, faults } = init;
    this.#init = init;
    this.network = new SimNetwork(events, chance.stream(), faults, (from, to, frame) =>
      this.#deliver(from, to, frame),
    );
  }

  send(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    const { onSent, onFrame, chance } = this.#init;
    for (const message of messages) {
      onSent?.(from, to, message);
      this.#react(from, message);
    }
    const packets = this.network.faults.inOrder ? [messages] : messages.map((message) => [message]);
    for (const packet of packets) {
      const frame = messagesFrame(packet);
      onFrame?.(frame);
      this.network.send(from, to, frame);
    }
    const broken = this.network.isCut(from, to) || this.#find(to)?.process.running !== true;
    if (!broken || !chance.hits(UNREACHABLE_RATE)) return;
    const sender = present(this.#find(from), `node ${from}`);
    sender.process.schedule(1, `unreachable n${to}`, () => {
      sender.serving?.replica.unreachable(to);
    });
  }

  #react(from: NodeId, message: PeerMessage): void {
    if (message.kind !== "consensus") return;
    const { onMoment } = this.#init;
    const { body } = message.envelope;
    if (body.kind === "vote" && body.granted) onMoment("vote", from);
    if (body.kind === "promise") onMoment("vote", from);
    if (body.kind === "timeout-now") onMoment("transfer", from);
    if (body.kind === "append-ack" || body.kind === "accepted") onMoment("ack", from);
  }

  #deliver(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const { messages } = decodeFrame(frame);
    for (const message of messages) this.#init.onArrived?.(from, to, message);
    this.#find(to)?.receive(messages.filter((message) => this.#isAccepted(to, message)));
  }

  /** A member speaks under the incarnation that its row in the receiver's table names (R10). */
  #isAccepted(to: NodeId, message: PeerMessage): boolean {
    if (message.kind !== "consensus") return true;
    const { from, incarnation } = message.envelope;
    const roster = this.#find(to)?.serving?.replica.status().config.roster;
    const row = roster?.members.find(({ node }) => node === from);
    return row === undefined || row.incarnation === incarnation;
  }

  /** Nobody, while it has no machine. */
  #find(id: NodeId): SimNode | undefined {
    return this.#init.nodes().find((node) => node.id === id);
  }
}
