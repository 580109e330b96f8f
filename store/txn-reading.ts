// A transaction that only reads, from plan to answer: the rows of both branches are named at once, because
// the conditions may need values too; what is read is the state at the plan's revision.
import type { Revision } from "../base/index.ts";
import type { KeySpace } from "./key-space.ts";
import type { TxnPlan } from "./plan.ts";
import type { ReadPin } from "./read-pins.ts";
import { refusal } from "./refusal.ts";
import type { TxnRequest } from "./request.ts";
import type { Refusal, TxnResponse } from "./response.ts";
import { RowSet } from "./row-set.ts";
import { checkRanges, needTxn, pathOf, readPath, viewOf } from "./txn.ts";

export class TxnReading implements TxnPlan {
  readonly revision: Revision;
  readonly missing: readonly Uint8Array[];
  readonly #space: KeySpace;
  readonly #request: TxnRequest;
  readonly #rows: RowSet;
  readonly #floor: number;
  readonly #pin: ReadPin;

  constructor(space: KeySpace, request: TxnRequest) {
    this.revision = space.revision as Revision;
    this.#space = space;
    this.#request = request;
    this.#floor = space.floor;
    this.#rows = new RowSet(space.cache);
    needTxn(request, space, this.#rows);
    this.missing = this.#rows.missing;
    // Pins the oldest revision that the transaction may read.
    this.#pin = space.pins.take(oldestRead(request, space.revision));
  }

  answer(loaded: readonly (Uint8Array | undefined)[]): TxnResponse | Refusal {
    this.release();
    if (this.#pin.expired) return refusal("compacted");
    this.#rows.supply(loaded);
    const view = viewOf(this.#space, this.revision, this.#rows);
    const path = pathOf(this.#request, view);
    // As the store stood when the plan was made.
    const fault = checkRanges(path, { revision: this.revision, floor: this.#floor });
    return fault ?? readPath(path, view);
  }

  release(): void {
    this.#space.pins.release(this.#pin);
  }
}

function oldestRead(txn: TxnRequest, current: number): number {
  let oldest = current;
  for (const operation of [...txn.success, ...txn.failure]) {
    if (operation.kind === "range" && operation.range.revision > 0) {
      oldest = Math.min(oldest, operation.range.revision);
    } else if (operation.kind === "txn") {
      oldest = Math.min(oldest, oldestRead(operation.txn, current));
    }
  }
  return oldest;
}
