// What a region keeps that lies beyond the cut of a closed origin (`hansa.v1.Salvage`): nobody else has it, and it is
// shown no more. It is read whole, and then let go.
import type { hansa } from "../proto/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { Courier } from "./courier.ts";
import { METHODS } from "./methods.ts";
import { oneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { dotOf } from "./siblings.ts";
import type { Dot } from "./siblings.ts";
import { countOf } from "./wire-value.ts";

/** What one of them did to one key. */
export interface SalvagedOperation {
  readonly key: Uint8Array;
  /** "put", "delete", "expire", "settle" or "kind". */
  readonly action: string;
  /** Of a put. */
  readonly value: Uint8Array;
  /** Of a kind, in JSON: elements and fields as they are, numbers of 64 bits as text, bytes in base64. */
  readonly operation: string;
}

/** A transaction that was acknowledged by its region and reached no other one. */
export interface SalvagedTransaction {
  readonly dot: Dot;
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
    let from: Dot | undefined;
    do {
      const page = await this.#page(from, options);
      yield* (page.transactions ?? []).map(transactionOf);
      from = page.next ? dotOf(page.next) : undefined;
    } while (from !== undefined);
  }

  /**
   * Lets go what is kept of an origin, up to and with the transaction of that dot.
   *
   * @throws {KvError} `federation-refused` while it is a part of what the region shows, and those of every call
   */
  discard(through: Dot, options: CallOptions = {}): Promise<Answer> {
    const about = {
      operation: "salvage-discard",
      nature: "plain-write",
      destination: "any",
    } as const;
    const task = oneCall(about, async (connection, timeoutMs, signal) => {
      const asked = { through };
      return answerOf(await connection.unary(METHODS.salvageDiscard, asked, timeoutMs, signal));
    });
    return this.#courier.carry(task, options);
  }

  #page(from: Dot | undefined, options: CallOptions): Promise<hansa.v1.ISalvageListResponse> {
    const about = { operation: "salvage-list", nature: "read", destination: "any" } as const;
    const task = oneCall(about, (connection, timeoutMs, signal) =>
      connection.unary(METHODS.salvageList, from ? { from } : {}, timeoutMs, signal),
    );
    return this.#courier.carry(task, options);
  }
}

function transactionOf(wire: hansa.v1.ISalvagedTransaction): SalvagedTransaction {
  return {
    dot: dotOf(wire.dot),
    region: wire.region ?? "",
    wallMs: countOf(wire.wall_ms),
    operations: (wire.operations ?? []).map(({ key, action, value, operation }) => ({
      key: key ?? new Uint8Array(0),
      action: action ?? "",
      value: value ?? new Uint8Array(0),
      operation: operation ?? "",
    })),
  };
}
