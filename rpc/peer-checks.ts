// What members ask each other to find out that they differ: marks of their states, and the hash of their keys at
// a revision. Handed on like a client's call (forwarded.ts), but offered to peers alone.
import { KvError } from "../base/index.ts";
import type { LogIndex, Revision } from "../base/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { StateHash, StateMark } from "../store/index.ts";
import type { CallContext } from "./backend.ts";
import { decoded } from "./decode.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { unary } from "./service.ts";
import type { Reply, ServiceTable } from "./service.ts";

const wire = hansa.peer.v1;
const MARKS: ForwardedPath = "/hansa.peer.v1.Peer/Marks";
const HASH_KEYS: ForwardedPath = "/hansa.peer.v1.Peer/HashKeys";

export interface KeysQuestion {
  readonly revision: Revision;
  /** As if compacted to it, where that is later than the member that is asked is. */
  readonly compactRevision: Revision;
}

export interface PeerChecks {
  /** @throws {KvError} unavailable, while there is no state */
  marks(): readonly StateMark[];
  hashKeys(
    question: KeysQuestion,
    context: CallContext,
    done: (result: StateHash | KvError) => void,
  ): void;
}

export function peerChecksTable(checks: PeerChecks): ServiceTable {
  return {
    [MARKS]: unary((_, __, reply) => {
      const marks = checks.marks().map(({ applied, digest }) => ({ applied, digest }));
      reply(wire.MarksResponse.encode({ marks }).finish());
    }),
    [HASH_KEYS]: unary((bytes, call, reply) => {
      checks.hashKeys(decoded(bytes, readKeysQuestion), call, (result) => {
        reply(result instanceof KvError ? result : hashBytes(result));
      });
    }),
  };
}

type Forward = (
  method: ForwardedPath,
  request: Uint8Array,
  context: CallContext,
  reply: Reply,
) => void;

/** `forward` hands a call to the member that is asked; `done` gets undefined when it does not answer. */
export function askMarks(
  forward: Forward,
  context: CallContext,
  done: (marks: readonly StateMark[] | undefined) => void,
): void {
  forward(MARKS, wire.MarksRequest.encode({}).finish(), context, (result) => {
    done(result instanceof Uint8Array ? answerIn(result, readMarks) : undefined);
  });
}

export function askHashKeys(
  forward: Forward,
  { revision, compactRevision }: KeysQuestion,
  context: CallContext,
  done: (hash: StateHash | undefined) => void,
): void {
  const request = wire.HashKeysRequest.encode({ revision, compact_revision: compactRevision });
  forward(HASH_KEYS, request.finish(), context, (result) => {
    done(result instanceof Uint8Array ? answerIn(result, readHash) : undefined);
  });
}

/** Another member's malformed answer is none. */
function answerIn<T>(bytes: Uint8Array, read: (reader: Reader) => T): T | undefined {
  try {
    return decoded(bytes, read);
  } catch (cause) {
    if (cause instanceof KvError) return undefined;
    throw cause;
  }
}

function readMarks(reader: Reader): readonly StateMark[] {
  return wire.MarksResponse.decode(reader).marks.map(({ applied, digest }) => ({
    applied: exactNumberOf(applied ?? 0, "applied") as LogIndex,
    digest: exactNumberOf(digest ?? 0, "digest"),
  }));
}

function readKeysQuestion(reader: Reader): KeysQuestion {
  const { revision, compact_revision } = wire.HashKeysRequest.decode(reader);
  return {
    revision: exactNumberOf(revision, "revision") as Revision,
    compactRevision: exactNumberOf(compact_revision, "compact_revision") as Revision,
  };
}

function hashBytes({ hash, revision, compactRevision }: StateHash): Uint8Array {
  const message = { hash, revision, compact_revision: compactRevision };
  return wire.HashKeysResponse.encode(message).finish();
}

function readHash(reader: Reader): StateHash {
  const { hash, revision, compact_revision } = wire.HashKeysResponse.decode(reader);
  return {
    hash,
    revision: exactNumberOf(revision, "revision") as Revision,
    compactRevision: exactNumberOf(compact_revision, "compact_revision") as Revision,
  };
}
