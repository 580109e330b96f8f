// What a region keeps that lies beyond the cut of a closed origin (`hansa.v1.Salvage`): nobody else has it, and it is
// shown no more. It is read whole, and then let go.
import type { hansa } from "../proto/index.ts";
import { headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { Courier } from "./courier.ts";
import { METHODS } from "./methods.ts";
import { oneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { countOf } from "./wire-value.ts";

/** What one of them did to one key. */
export interface SalvagedOperation {
  readonly key: Uint8Array;
  /** "put", "delete", "expire", "settle" or "kind". */
  readonly action: string;
  /** Of a put. */
  readonly value: Uint8Array;
  /** Of a kind, in JSON; numbers of 64 bits as text, bytes in base64. */
  readonly operation: string;
}

/** A transaction that was acknowledged by its region and reached no other one. */
export interface SalvagedTransaction {
  readonly origin: number;
  readonly sequence: number;
  /** Whose writes they were. */
  readonly region: string;
  /** By the clock that stamped it. */
  readonly wallMs: number;
  readonly operations: readonly SalvagedOperation[];
}

/** Any member answers for its region. */
export class SalvageCalls {
  readonly #courier: Courier;

  /** Is `Client.salvage`. */
  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /**
   * All of it, the oldest of each origin first.
   *
   * @throws {KvError} `federation-refused` in no federation, and those of every call
   */
  async *list(options: CallOptions = {}): AsyncGenerator<SalvagedTransaction> {
    let from = { origin: 0, sequence: 0 };
    for (;;) {
      const page = await this.#page(from, options);
      yield* (page.transactions ?? []).map(transactionOf);
      if ((page.next_origin ?? 0) === 0) return;
      from = { origin: page.next_origin ?? 0, sequence: countOf(page.next_sequence ?? 0) };
    }
  }

  /**
   * Lets go what is kept of that origin, up to and with `through`.
   *
   * @throws {KvError} `federation-refused` while it is a part of what the region shows, and those of every call
   */
  discard(origin: number, through: number, options: CallOptions = {}): Promise<Answer> {
    const about = {
      operation: "salvage-discard",
      nature: "plain-write",
      destination: "any",
    } as const;
    const task = oneCall(about, async (connection, timeoutMs, signal) => {
      const asked = { origin, through };
      const wire = await connection.unary(METHODS.salvageDiscard, asked, timeoutMs, signal);
      const header = headerOf(wire.header);
      return { header, revision: header.revision };
    });
    return this.#courier.carry(task, options);
  }

  #page(
    from: { readonly origin: number; readonly sequence: number },
    options: CallOptions,
  ): Promise<hansa.v1.ISalvageListResponse> {
    const about = { operation: "salvage-list", nature: "read", destination: "any" } as const;
    const task = oneCall(about, (connection, timeoutMs, signal) =>
      connection.unary(METHODS.salvageList, from, timeoutMs, signal),
    );
    return this.#courier.carry(task, options);
  }
}

function transactionOf(wire: hansa.v1.ISalvagedTransaction): SalvagedTransaction {
  return {
    origin: wire.origin ?? 0,
    sequence: countOf(wire.sequence ?? 0),
    region: wire.region ?? "",
    wallMs: countOf(wire.wall_ms ?? 0),
    operations: (wire.operations ?? []).map(({ key, action, value, operation }) => ({
      key: key ?? new Uint8Array(0),
      action: action ?? "",
      value: value ?? new Uint8Array(0),
      operation: operation ?? "",
    })),
  };
}
