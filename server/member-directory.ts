// What this member knows of the others' names and addresses. Ids, names and peer URLs stand in the member
// file; client URLs are each member's own to say, so every other member is asked until it has answered,
// and now and then afterwards, since a restart may have changed them.
import type { NodeId } from "../base/index.ts";
import type { Member } from "../rpc/index.ts";
import type { Bootstrap } from "./cluster.ts";

/** Milliseconds between two questions to a member whose answer is missing, and to one that has answered. */
const ASK_MISSING_MS = 500;
const ASK_AGAIN_MS = 10_000;

export interface MemberDirectoryInit {
  readonly bootstrap: Bootstrap;
  /** Of this member. */
  readonly clientUrls: readonly string[];
  /** Asks `node` for the members as it knows them; `undefined` when it does not answer in time. */
  readonly ask: (node: NodeId, done: (members: readonly Member[] | undefined) => void) => void;
}

interface Known {
  member: Member;
  /** Its own word, not another member's. */
  heard: boolean;
  asking: boolean;
  askAgainAtMs: number;
}

export class MemberDirectory {
  readonly #init: MemberDirectoryInit;
  readonly #known = new Map<NodeId, Known>();
  readonly #members = new Map<NodeId, Member>();

  constructor(init: MemberDirectoryInit) {
    this.#init = init;
    const { self, members, membership } = init.bootstrap;
    for (const { node, id, name, peerUrls } of members) {
      const isSelf = node === self.node;
      const clientUrls = isSelf ? init.clientUrls : [];
      const isLearner = membership.learners.includes(node);
      const member = { id, name, peerUrls, clientUrls, isLearner };
      this.#known.set(node, { member, heard: isSelf, asking: false, askAgainAtMs: 0 });
      this.#members.set(node, member);
    }
  }

  /** Every member by its ordinal; follows what is learned. */
  get members(): ReadonlyMap<NodeId, Member> {
    return this.#members;
  }

  /** Asks whom it is time to ask; one question a member at a time. */
  refresh(nowMs: number): void {
    for (const [node, known] of this.#known) {
      if (node === this.#init.bootstrap.self.node) continue;
      if (known.asking || known.askAgainAtMs > nowMs) continue;
      known.asking = true;
      this.#init.ask(node, (members) => {
        known.asking = false;
        known.askAgainAtMs = nowMs + (members === undefined ? ASK_MISSING_MS : ASK_AGAIN_MS);
        if (members !== undefined) this.#learn(node, members);
      });
    }
  }

  #learn(from: NodeId, members: readonly Member[]): void {
    for (const { id, clientUrls } of members) {
      for (const [node, known] of this.#known) {
        const ownWord = node === from;
        if (known.member.id !== id || clientUrls.length === 0) continue;
        if (node === this.#init.bootstrap.self.node || (known.heard && !ownWord)) continue;
        known.heard ||= ownWord;
        known.member = { ...known.member, clientUrls };
        this.#members.set(node, known.member);
      }
    }
  }
}
