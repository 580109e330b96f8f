// Writes: each under a number of the client's session where the server has sessions (R9), else sent once
// unless a failure proves that it was not applied.
import { KvError } from "../base/index.ts";
import type { etcdserverpb, hansa } from "../proto/index.ts";
import type { KvCall, KvReply } from "./connection.ts";
import type { Courier } from "./courier.ts";
import { within } from "./deadline.ts";
import type { CallOptions, Settings } from "./options.ts";
import { waitsForRegions } from "./regions.ts";
import type { RegionWriteOptions } from "./regions.ts";
import { WriteSession } from "./session.ts";
import type { Numbered } from "./session.ts";
import { answered, idOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/** Asked lifetime of an idle session; the next write after it opens another. */
const SESSION_TTL_MS = 60_000;
/** How often one write may meet an expired session before anything of it was sent on. */
const REOPEN_COUNT_MAX = 2;
/** Bound on telling the server, at `close`, that the session can go; it expires by itself otherwise. */
const CLOSE_MS_MAX = 1_000;

/** A write that carries a request id. */
export type Write =
  | { readonly put: etcdserverpb.IPutRequest }
  | { readonly delete_range: etcdserverpb.IDeleteRangeRequest }
  | { readonly txn: etcdserverpb.ITxnRequest };

export class Writes {
  readonly #courier: Courier;
  readonly #settings: Settings;
  readonly #session: WriteSession;

  constructor(courier: Courier, settings: Settings) {
    this.#courier = courier;
    this.#settings = settings;
    this.#session = new WriteSession(() => this.#openSession());
  }

  /** @throws {KvError} see `Client.put`; `session-expired` with `unknown` when the session went meanwhile */
  async write(write: Write, options: CallOptions & RegionWriteOptions): Promise<KvReply> {
    const deadlineMs = options.deadlineMs ?? this.#settings.deadlineMs;
    const deadlineAtMs = this.#courier.nowMs() + deadlineMs;
    for (let reopenCount = 0; ; reopenCount += 1) {
      const leftMs = deadlineAtMs - this.#courier.nowMs();
      const numbered = await this.#number(leftMs, options.signal);
      try {
        return await this.#carry(write, numbered, {
          ...options,
          deadlineMs: Math.max(1, deadlineAtMs - this.#courier.nowMs()),
        });
      } catch (error) {
        const isExpired = error instanceof KvError && error.code === "session-expired";
        if (!isExpired || numbered === undefined) throw error;
        this.#session.forget(numbered.session);
        // Under another session it would be another command: only if no attempt of this one can be applied.
        if (error.outcome === "unknown" || reopenCount === REOPEN_COUNT_MAX) throw error;
      } finally {
        numbered?.end();
      }
    }
  }

  /** Carries no request id: a repetition is told from the first by the store's `compacted`. */
  compact(compaction: etcdserverpb.ICompactionRequest, options: CallOptions): Promise<KvReply> {
    return this.#carry({ compaction }, undefined, options);
  }

  /** Best effort, bounded; never rejects. */
  async closeSession(): Promise<void> {
    const session = this.#session.id;
    if (session === undefined) return;
    this.#session.forget(session);
    const [address] = this.#courier.router.order("leader", this.#courier.nowMs());
    if (address === undefined) return;
    try {
      const connection = this.#courier.connectionTo(address);
      await connection.unary(METHODS.sessionClose, { session }, CLOSE_MS_MAX);
    } catch (error) {
      // What is not closed expires after its lifetime.
      if (!(error instanceof KvError)) throw error;
    }
  }

  async #number(leftMs: number, signal: AbortSignal | undefined): Promise<Numbered | undefined> {
    if (this.#settings.writes === "never") return undefined;
    return within(this.#session.number(), leftMs, signal);
  }

  #carry(
    call: Write | { readonly compaction: etcdserverpb.ICompactionRequest },
    numbered: Numbered | undefined,
    options: CallOptions & RegionWriteOptions,
  ): Promise<KvReply> {
    return this.#courier.carry(
      {
        operation: operationOf(call),
        isPatient: waitsForRegions(options),
        nature: numbered === undefined ? "plain-write" : "numbered-write",
        destination: "leader",
        onMiss: "fail",
        attempt: ({ connection, timeoutMs, signal }) => {
          const sent = numbered === undefined ? call : withId(call, numbered.requestId());
          return connection.kv(sent, timeoutMs, signal);
        },
      },
      options,
    );
  }

  async #openSession(): Promise<bigint | undefined> {
    // Repeated freely: one that was opened and not heard of expires.
    return this.#courier.carry(
      {
        operation: "session-open",
        nature: "read",
        destination: "leader",
        onMiss: "fail",
        attempt: async ({ connection, timeoutMs, signal }) => {
          try {
            const request = { ttl_ms: SESSION_TTL_MS };
            const wire = await connection.unary(METHODS.sessionOpen, request, timeoutMs, signal);
            return idOf(answered(wire.session, "session"));
          } catch (error) {
            if (error instanceof KvError && error.code === "unimplemented") return undefined;
            throw error;
          }
        },
      },
      {},
    );
  }
}

function operationOf(call: KvCall): string {
  if (call.put !== undefined) return "put";
  if (call.delete_range !== undefined) return "delete";
  return call.txn === undefined ? "compact" : "txn";
}

function withId(call: KvCall, request_id: hansa.v1.IRequestId): KvCall {
  if (call.put !== undefined) return { put: { ...call.put, request_id } };
  if (call.delete_range !== undefined)
    return { delete_range: { ...call.delete_range, request_id } };
  if (call.txn !== undefined) return { txn: { ...call.txn, request_id } };
  return call;
}
