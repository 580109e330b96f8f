// A member that was removed while it was away hears of it from nobody: nobody speaks with it any more. So while
// it knows no leader, or its leader tells it nothing, as happens to a learner that was cut off, it asks those whom
// it takes for its peers, one after the other, who belongs to the cluster.
import type { MemberRow } from "../consensus/index.ts";
import type { ClusterView } from "../rpc/index.ts";
import type { Replica } from "./replica.ts";

/** Without a leader before the first question, and between two. */
const ASK_MS = 1_000;
/** Echoes come with heartbeats: without one for so long, the leader that is known is not heard. */
const SILENT_MS = 5_000;

export interface RemovalInquiryInit {
  readonly replica: Pick<Replica, "id" | "now" | "status">;
  readonly clusterId: bigint;
  /** Of this member. */
  readonly incarnation: bigint;
  /** `done` comes once, never inside the call; undefined: no answer. */
  readonly ask: (peer: MemberRow, done: (view: ClusterView | undefined) => void) => void;
  /** May come again as long as nobody acts on it. */
  readonly onRemoved: () => void;
}

export class RemovalInquiry {
  readonly #init: RemovalInquiryInit;
  #askAtMs: number;
  #asking = false;
  #turn = 0;

  constructor(init: RemovalInquiryInit) {
    this.#init = init;
    this.#askAtMs = init.replica.now() + ASK_MS;
  }

  /** To be called on every tick of the replica. */
  poll(): void {
    const { replica, ask, onRemoved } = this.#init;
    const { leader, config, freshAtMs } = replica.status();
    const now = replica.now();
    const silent = leader !== replica.id && freshAtMs !== undefined && now - freshAtMs >= SILENT_MS;
    if (leader !== undefined && !silent) this.#askAtMs = now + ASK_MS;
    if (this.#asking || now < this.#askAtMs) return;
    const peers = config.roster?.members.filter(({ node }) => node !== replica.id) ?? [];
    const peer = peers[this.#turn % peers.length];
    if (peer === undefined) return;
    this.#turn += 1;
    this.#asking = true;
    ask(peer, (view) => {
      this.#asking = false;
      this.#askAtMs = replica.now() + ASK_MS;
      if (view !== undefined && this.#leavesOut(view)) onRemoved();
    });
  }

  /** Only a configuration behind the one here, and one that will not be taken back, says that it ended. */
  #leavesOut({ clusterId, decided, membership }: ClusterView): boolean {
    const { replica, incarnation } = this.#init;
    const { roster } = membership;
    if (clusterId !== this.#init.clusterId || !decided || roster === undefined) return false;
    if (membership.index <= replica.status().config.index) return false;
    const row = roster.members.find(({ node }) => node === replica.id);
    return roster.nodeLast >= replica.id && row?.incarnation !== incarnation;
  }
}
