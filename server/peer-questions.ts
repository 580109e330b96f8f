// The questions of members to each other about what they hold, both sides: asked over the peers' transport, and
// answered from this member's own state as soon as there is one.
import { KvError } from "../base/index.ts";
import type { MonotonicMs, NodeId } from "../base/index.ts";
import { askHashKeys, askMarks, peerChecksTable } from "../rpc/index.ts";
import type { CallContext, KeysQuestion, PeerTransport, ServiceTable } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { StateHash, StateMark } from "../store/index.ts";
import type { Replica } from "./replica.ts";
import { StateHasher } from "./state-hasher.ts";

/** For marks, and for a hash of all keys. */
const MARKS_MS = 2_000;
const HASH_MS = 600_000;

export class PeerQuestions {
  readonly hasher: StateHasher;
  readonly #replica: Pick<Replica, "now">;
  readonly #forward: PeerTransport["forward"];
  readonly #abort = new AbortController();

  constructor(replica: Replica, transport: Pick<PeerTransport, "forward">) {
    this.hasher = new StateHasher(replica);
    this.#replica = replica;
    this.#forward = transport.forward.bind(transport);
  }

  askMarks(node: NodeId, done: (marks: readonly StateMark[] | undefined) => void): void {
    askMarks(this.#forward.bind(undefined, node), this.#context(MARKS_MS), done);
  }

  askHash(node: NodeId, question: KeysQuestion, done: (hash: StateHash | undefined) => void): void {
    askHashKeys(this.#forward.bind(undefined, node), question, this.#context(HASH_MS), done);
  }

  ownHash(question: KeysQuestion, done: (result: StateHash | KvError) => void): void {
    this.hasher.hash({ ...question, scope: "keys" }, this.#context(HASH_MS), done);
  }

  /** Nobody waits for an answer any more. */
  stop(): void {
    this.#abort.abort();
  }

  #context(timeoutMs: number): CallContext {
    const deadlineAtMs = (this.#replica.now() + timeoutMs) as MonotonicMs;
    return { deadlineAtMs, signal: this.#abort.signal, caller: OWN_AUTHORITY };
  }
}

/** `live`: filled once there is a state to tell of. */
export function answersToPeers(live: {
  readonly replica?: Pick<Replica, "machine">;
  readonly questions?: PeerQuestions;
}): ServiceTable {
  const starting = (): KvError => new KvError("unavailable", "not-applied", "server is starting");
  return peerChecksTable({
    marks: () => {
      if (live.replica === undefined) throw starting();
      return live.replica.machine.marks;
    },
    hashKeys: (question, context, done) => {
      if (live.questions === undefined) done(starting());
      else live.questions.hasher.hash({ ...question, scope: "keys" }, context, done);
    },
  });
}
