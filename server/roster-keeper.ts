// Follows the member table: connects to who comes, lets go of who has left once it can know so, says this
// member's own name and client URLs into it, and notices this member's own removal.
import type { MonotonicMs, NodeId } from "../base/index.ts";
import type { MemberRow, Membership } from "../consensus/index.ts";
import type { PeerAddress, Publication } from "../rpc/index.ts";
import { peersOf } from "./peer-connections.ts";
import type { Replica } from "./replica.ts";

/** Between two attempts to publish. */
const PUBLISH_MS = 500;

export interface RosterKeeperInit {
  readonly replica: Pick<Replica, "id" | "now" | "status">;
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** How long who has left is still connected to: the leader tells it meanwhile. */
  readonly graceMs: number;
  readonly setPeers: (peers: ReadonlyMap<NodeId, PeerAddress>) => void;
  /** To `leader`, possibly this member; `done(true)`: asking again would change nothing. */
  readonly publish: (
    leader: MemberRow,
    publication: Publication,
    done: (settled: boolean) => void,
  ) => void;
  /** This member is not in the committed configuration: it has nothing left to do. Comes once. */
  readonly onRemoved: () => void;
}

export class RosterKeeper {
  readonly #init: RosterKeeperInit;
  #seen: Membership | undefined;
  #peers = new Map<NodeId, PeerAddress>();
  /** Who has left, and until when it is still connected to. */
  readonly #departing = new Map<NodeId, number>();
  #publishing = false;
  #publishAtMs = -Infinity;
  /** For the row as it was then. */
  #published: MemberRow | undefined;
  #removed = false;

  constructor(init: RosterKeeperInit) {
    this.#init = init;
  }

  /** To be called on every change and tick of the replica. */
  poll(): void {
    const { replica } = this.#init;
    const { config, committed, leader, dispensable = false } = replica.status();
    const { roster } = config;
    if (roster === undefined) return;
    const now = replica.now();
    if (config !== this.#seen) this.#follow(config, roster.members, now);
    this.#dismiss(now);
    const own = roster.members.find(({ node }) => node === replica.id);
    const decided = config.outgoing === undefined && config.index <= committed;
    // One that joins meets configurations of the time before it was added: its ordinal was not allotted then.
    if (dispensable && roster.nodeLast >= replica.id && !this.#removed) {
      this.#removed = true;
      this.#init.onRemoved();
    }
    const led = roster.members.find(({ node }) => node === leader);
    if (own !== undefined && led !== undefined && decided) this.#publish(own, led, now);
  }

  #follow(config: Membership, members: readonly MemberRow[], now: MonotonicMs): void {
    this.#seen = config;
    const peers = peersOf(members, this.#init.replica.id);
    for (const node of peers.keys()) this.#departing.delete(node);
    for (const [node, address] of this.#peers) {
      if (peers.has(node)) continue;
      peers.set(node, address);
      if (!this.#departing.has(node)) this.#departing.set(node, now + this.#init.graceMs);
    }
    this.#peers = peers;
    this.#init.setPeers(peers);
  }

  #dismiss(now: MonotonicMs): void {
    let changed = false;
    for (const [node, untilMs] of this.#departing) {
      if (now < untilMs) continue;
      this.#departing.delete(node);
      this.#peers.delete(node);
      changed = true;
    }
    if (changed) this.#init.setPeers(this.#peers);
  }

  #publish(own: MemberRow, leader: MemberRow, now: MonotonicMs): void {
    const { name, clientUrls } = this.#init;
    if (own.name === name && own.clientUrls.join() === clientUrls.join()) return;
    if (this.#publishing || now < this.#publishAtMs || this.#published === own) return;
    this.#publishing = true;
    const { id, incarnation } = own;
    this.#init.publish(leader, { id, incarnation, name, clientUrls }, (settled) => {
      this.#publishing = false;
      this.#publishAtMs = this.#init.replica.now() + PUBLISH_MS;
      if (settled) this.#published = own;
    });
  }
}
