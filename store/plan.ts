// What a read of the state machine looks like from outside: a plan made at one moment, the engine rows that
// it lacks, and the answer once they are there. The state may move on in between; the answer does not.
import type { Revision } from "../base/index.ts";
import type { RangeResponse, Refusal, TxnResponse } from "./response.ts";

/**
 * Pins its revision and the compaction floor from when it is made until `answer` or `release`, whichever
 * comes first; exactly one of them is called. `missing` empty: it can be answered at once.
 */
interface Plan<T> {
  /** The store's revision when the plan was made: what the response header shows. */
  readonly revision: Revision;
  /** Engine keys of the values that are not in memory. */
  readonly missing: readonly Uint8Array[];
  /**
   * `loaded` in the order of `missing`. Refused with `compacted` if the plan was kept so long that a
   * compaction could wait for it no more.
   */
  answer(loaded: readonly (Uint8Array | undefined)[]): T | Refusal;
  /** It will not be answered. */
  release(): void;
}

export type RangePlan = Plan<RangeResponse>;
export type TxnPlan = Plan<TxnResponse>;

/**
 * A range read in steps of a bounded number of keys, so that a large one leaves the event loop free in
 * between: load `missing`, call `advance`, and again, until it returns an answer. The answer is that of
 * a plan made when the scan was. Ends by an answer or by `release`.
 */
export interface RangeScan {
  readonly revision: Revision;
  /** Engine keys of the values that the next step needs; often empty. */
  readonly missing: readonly Uint8Array[];
  /** undefined: there is more to do. */
  advance(loaded: readonly (Uint8Array | undefined)[]): RangeResponse | Refusal | undefined;
  release(): void;
}
