// Leases: granted, asked after, revoked, and kept alive.
import { randomBytes } from "node:crypto";
import { KvError } from "../base/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { textFrom } from "./bytes.ts";
import type { Connection } from "./connection.ts";
import type { Courier, Task } from "./courier.ts";
import { KeptLease } from "./kept-lease.ts";
import type { CallOptions } from "./options.ts";
import { checkedCount, wireId } from "./request.ts";
import type { Space } from "./space.ts";
import { countOf, idOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/** A lease that was granted. */
export interface LeaseAnswer extends Answer {
  readonly id: bigint;
  /** Granted, in seconds: what was asked or more. */
  readonly ttlS: number;
}

/** What is known of a lease. */
export interface LeaseStateAnswer extends Answer {
  readonly id: bigint;
  /** Whole seconds left; undefined: there is no such lease. */
  readonly leftS: number | undefined;
  readonly grantedTtlS: number;
  /** What hangs on it, of this namespace, in order, if it was asked for. */
  readonly keys: readonly Uint8Array[];
}

/** The leases there are, the next due first. */
export interface LeaseListAnswer extends Answer {
  readonly ids: readonly bigint[];
}

/** Those that a client keeps. */
export type KeptLeases = Set<KeptLease>;

/** Leases: granted, kept alive, asked after, revoked. */
export class LeaseCalls {
  readonly #courier: Courier;
  readonly #kept: KeptLeases;
  readonly #space: Space;

  /** Is `Client.leases`. */
  constructor(courier: Courier, kept: KeptLeases, space: Space) {
    this.#courier = courier;
    this.#kept = kept;
    this.#space = space;
  }

  /**
   * A lease of `ttlS` seconds. Its id is chosen here unless it is given, so that a repetition after a failure
   * finds what the first attempt made.
   *
   * @throws {KvError} `lease-exists` for an id that is given, `lease-ttl-too-large`, and those of every call
   */
  async grant(
    ttlS: number,
    options: CallOptions & { readonly id?: bigint } = {},
  ): Promise<LeaseAnswer> {
    const id = options.id ?? randomBytes(8).readBigUInt64BE() >> 1n;
    const request = { TTL: checkedCount("ttlS", ttlS), ID: wireId(id) };
    let attempts = 0;
    return this.#ask(
      "lease-grant",
      options.id === undefined ? "read" : "plain-write",
      options,
      async (ask) => {
        attempts += 1;
        try {
          const wire = await ask(METHODS.leaseGrant, request);
          return { ...answerOf(wire), id: idOf(wire.ID), ttlS: countOf(wire.TTL) };
        } catch (error) {
          const own = options.id === undefined && attempts > 1;
          if (!own || !(error instanceof KvError) || error.code !== "lease-exists") throw error;
          const wire = await ask(METHODS.leaseTimeToLive, { ID: wireId(id) });
          return { ...answerOf(wire), id, ttlS: countOf(wire.grantedTTL) };
        }
      },
    );
  }

  /** Ends it; its keys go in one revision. @throws {KvError} `lease-not-found` */
  revoke(id: bigint, options: CallOptions = {}): Promise<Answer> {
    return this.#ask("lease-revoke", "plain-write", options, async (ask) =>
      answerOf(await ask(METHODS.leaseRevoke, { ID: wireId(id) })),
    );
  }

  /** What is left of it, linearizable. @throws {KvError} */
  state(
    id: bigint,
    options: CallOptions & { readonly keys?: boolean } = {},
  ): Promise<LeaseStateAnswer> {
    const request = { ID: wireId(id), keys: options.keys ?? false };
    return this.#ask("lease-time-to-live", "read", options, async (ask) => {
      const wire = await ask(METHODS.leaseTimeToLive, request);
      const left = countOf(wire.TTL);
      const keys = (wire.keys ?? [])
        .filter((key) => this.#space.has(key))
        .map((key) => this.#space.innerKey(key));
      keys.sort((one, other) => (textFrom(one) < textFrom(other) ? -1 : 1));
      return {
        ...answerOf(wire),
        id,
        leftS: left < 0 ? undefined : left,
        grantedTtlS: countOf(wire.grantedTTL),
        keys,
      };
    });
  }

  /** @throws {KvError} */
  list(options: CallOptions = {}): Promise<LeaseListAnswer> {
    return this.#ask("lease-list", "read", options, async (ask) => {
      const wire = await ask(METHODS.leaseLeases, {});
      return {
        ...answerOf(wire),
        ids: (wire.leases ?? []).map(({ ID }) => idOf(ID)),
      };
    });
  }

  /**
   * Keeps a lease alive from here on, until `stop`, its loss, or the client's end. `ttlS`: as it was granted.
   * Nothing is thrown: a loss is told by `lost` and `signal`.
   */
  keepAlive(lease: { readonly id: bigint; readonly ttlS: number }): KeptLease {
    const kept = new KeptLease(this.#courier, lease, () => {
      this.#kept.delete(kept);
    });
    this.#kept.add(kept);
    kept.start();
    return kept;
  }

  #ask<T>(
    operation: string,
    nature: Task<T>["nature"],
    options: CallOptions,
    call: (ask: Ask) => Promise<T>,
  ): Promise<T> {
    return this.#courier.carry(
      {
        operation,
        nature,
        destination: "leader",
        onMiss: "fail",
        attempt: ({ connection, timeoutMs, signal }) =>
          call((method, request) => connection.unary(method, request, timeoutMs, signal)),
      },
      options,
    );
  }
}

/** One question to the member of the attempt. */
type Ask = <Request, Response>(
  method: Parameters<typeof Connection.prototype.unary<Request, Response>>[0],
  request: Request,
) => Promise<Response>;
