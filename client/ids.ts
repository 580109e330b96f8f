// Numbers that no two regions give out twice (`hansa.v1.Ids`): of 63 bits, of one region growing, of all regions in the
// order of the time, to about a second. A block is taken through the region's log; one that is not used up is lost.
import { KvError } from "../base/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { Courier } from "./courier.ts";
import { METHODS } from "./methods.ts";
import { oneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { checkedCount } from "./request.ts";
import { idOf } from "./wire-value.ts";

/** A block of ids. */
export interface IdsAnswer extends Answer {
  /** Ascending. */
  readonly ids: readonly bigint[];
}

/** At once; the server's bound. */
const COUNT_MAX = 65_536;

/** Any member answers for its region. */
export class IdCalls {
  readonly #courier: Courier;

  /** Is `Client.ids`. */
  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /**
   * So many ids that nobody else has or will have: 1 to 65536.
   *
   * @throws {KvError} `federation-refused` in no federation, `invalid-argument`, and those of every call
   */
  async allocate(count: number, options: CallOptions = {}): Promise<IdsAnswer> {
    if (checkedCount("count", count) < 1 || count > COUNT_MAX) {
      const message = `count is ${count}, expected 1 to ${COUNT_MAX}`;
      throw new KvError("invalid-argument", "not-applied", message);
    }
    // A block that was taken and not heard of is lost: others are as good.
    const about = { operation: "ids-allocate", nature: "read", destination: "leader" } as const;
    const task = oneCall(about, async (connection, timeoutMs, signal) => {
      const wire = await connection.unary(METHODS.idsAllocate, { count }, timeoutMs, signal);
      const [first, stride] = [idOf(wire.first), BigInt(wire.stride)];
      const ids = Array.from({ length: wire.count }, (_, at) => first + BigInt(at) * stride);
      return { ...answerOf(wire), ids };
    });
    return this.#courier.carry(task, options);
  }
}
