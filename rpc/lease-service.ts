// etcdserverpb.Lease. Grants and revokes are commands; what keeps a lease alive is one too, shared by all that is
// asked in a turn, so that a renewal that was answered holds whoever leads next.
import { KvError } from "../base/index.ts";
import type { Key, LeaseId } from "../base/index.ts";
import { commandAnswer } from "./answer.ts";
import type { Backend } from "./backend.ts";
import { decoded } from "./decode.ts";
import {
  leaseAnswerBytes,
  leaseGrantBytes,
  leaseListBytes,
  leaseStateBytes,
  readLeaseGrant,
  readLeaseId,
  readLeaseQuestion,
} from "./lease-codec.ts";
import { stream, unary } from "./service.ts";
import type { Call, Reply, ServiceTable, StreamSink, StreamSource } from "./service.ts";

export interface LeaseServiceOptions {
  readonly backend: Backend;
  /** The least that is granted, in seconds: one and a half election timeouts (etcd). */
  readonly leaseTtlMinS: number;
  /** For clients that leave the choice: a random one of 63 bits, not 0. */
  readonly pickLeaseId: () => LeaseId;
}

/** etcd's. */
const TTL_S_MAX = 9_000_000_000;
/** Renewals of one stream that have no answer; beyond it the stream is not read. */
const RENEWALS_MAX = 1_024;

export function leaseTable(options: LeaseServiceOptions): ServiceTable {
  const { backend } = options;
  return {
    "/etcdserverpb.Lease/LeaseGrant": unary((bytes, call, reply) => {
      grant(options, bytes, call, reply);
    }),
    "/etcdserverpb.Lease/LeaseRevoke": unary((bytes, call, reply) => {
      const id = decoded(bytes, readLeaseId);
      backend.write({ kind: "lease-revoke", id }, bytes, call, (answer) => {
        reply(answer.ok ? commandAnswer(answer.header, answer.value) : answer.error);
      });
    }),
    "/etcdserverpb.Lease/LeaseTimeToLive": unary((bytes, call, reply) => {
      const { id, keys } = decoded(bytes, readLeaseQuestion);
      backend.leases.state(id, call, (answer) => {
        if (!answer.ok) {
          reply(answer.error);
          return;
        }
        const told = keys ? answer.value.keys : [];
        reply(
          unreadable(backend, told, call) ??
            leaseStateBytes(answer.header, { ...answer.value, keys: told }),
        );
      });
    }),
    "/etcdserverpb.Lease/LeaseLeases": unary((_, call, reply) => {
      backend.leases.list(call, (answer) => {
        reply(answer.ok ? leaseListBytes(answer.header, answer.value) : answer.error);
      });
    }),
    "/etcdserverpb.Lease/LeaseKeepAlive": stream(
      (sink, call) => new KeepAlive(backend, sink, call),
    ),
  };
}

/** Whoever asks for keys may read each of them (etcd). */
function unreadable(
  { authority }: Backend,
  keys: readonly Key[],
  { caller }: Call,
): KvError | undefined {
  if (!authority.enabled) return undefined;
  for (const key of keys) {
    const why = authority.refusesRead(caller, { key });
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The log has what was settled here: every replica grants the same. */
function grant(options: LeaseServiceOptions, bytes: Uint8Array, call: Call, reply: Reply): void {
  const asked = decoded(bytes, readLeaseGrant);
  if (asked.ttlS > TTL_S_MAX) {
    throw new KvError("lease-ttl-too-large", "not-applied", "etcdserver: too large lease TTL");
  }
  const ttlS = Math.max(asked.ttlS, options.leaseTtlMinS);
  const id = asked.id === 0n ? options.pickLeaseId() : asked.id;
  const request = { kind: "lease-grant", id, ttlMs: ttlS * 1000 } as const;
  options.backend.write(request, leaseGrantBytes({ id, ttlS }), call, (answer) => {
    reply(answer.ok ? commandAnswer(answer.header, answer.value) : answer.error);
  });
}

class KeepAlive implements StreamSource {
  readonly #backend: Backend;
  readonly #sink: StreamSink;
  readonly #call: Call;
  #open = 0;
  #full = false;
  #paused = false;
  #ended = false;

  constructor(backend: Backend, sink: StreamSink, call: Call) {
    this.#backend = backend;
    this.#sink = sink;
    this.#call = call;
  }

  onMessage(message: Uint8Array): void {
    const id = decoded(message, readLeaseId);
    // Taken before the renewal, so that the revision never overstates what the client may count on (etcd).
    const header = this.#backend.header();
    this.#open += 1;
    this.#backend.leases.renew(id, this.#call, (answer) => {
      this.#open -= 1;
      if (!answer.ok) {
        this.#sink.end(answer.error);
        return;
      }
      this.#full = !this.#sink.write(leaseAnswerBytes(header, { id, ttlS: answer.value }));
      this.#regulate();
    });
    this.#regulate();
  }

  onEnd(): void {
    this.#ended = true;
    this.#regulate();
  }

  onDrain(): void {
    this.#full = false;
    this.#regulate();
  }

  /** Renewals under way end by themselves; their answers have nowhere to go. */
  onClose(): void {
    this.#ended = true;
  }

  #regulate(): void {
    if (this.#ended && this.#open === 0) this.#sink.end();
    const mustWait = this.#full || this.#open >= RENEWALS_MAX;
    if (mustWait === this.#paused) return;
    this.#paused = mustWait;
    if (mustWait) this.#sink.pause();
    else this.#sink.resume();
  }
}
