// A range read from plan to answer, in steps of a bounded number of keys: first over the index, then over
// the values. What is in memory is taken when its step comes; what is not is asked for. Between steps the
// store may change: the read goes on at its revision, and its pin holds compaction off.
import { assert, present } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import type { KeySpace } from "./key-space.ts";
import type { RangePlan, RangeScan } from "./plan.ts";
import { RangeSelection, keyValueOf } from "./range-selection.ts";
import type { Pick } from "./range-selection.ts";
import type { ReadPin } from "./read-pins.ts";
import { refusal } from "./refusal.ts";
import type { RangeRequest } from "./request.ts";
import type { KeyValue, RangeResponse, Refusal } from "./response.ts";
import { versionRowKey } from "./rows.ts";

const NOTHING: readonly Uint8Array[] = [];

export class RangeReading implements RangeScan, RangePlan {
  readonly revision: Revision;
  readonly #space: KeySpace;
  readonly #selection: RangeSelection;
  readonly #keysPerStepMax: number;
  readonly #kvs: KeyValue[] = [];
  #missing: readonly Uint8Array[] = NOTHING;
  #walked = false;
  /** The picks of the step under way, and their rows where they are in memory. */
  #batch: readonly Pick[] = [];
  #rows: (Uint8Array | undefined)[] = [];
  /** Picks before it are in `#kvs` or in the batch. */
  #takenUntil = 0;
  #pin: ReadPin | undefined;
  #ended = false;

  /** The request's revision was checked. `keysPerStepMax` may be Infinity. */
  constructor(space: KeySpace, request: RangeRequest, keysPerStepMax: number) {
    assert(keysPerStepMax >= 1, "a step looks at one key at least");
    this.revision = space.revision as Revision;
    this.#space = space;
    this.#keysPerStepMax = keysPerStepMax;
    const at = request.revision > 0 ? request.revision : space.revision;
    this.#selection = new RangeSelection(request, at);
    this.#step();
    if (!this.#complete || this.#missing.length > 0) this.#pin = space.pins.take(at);
  }

  get missing(): readonly Uint8Array[] {
    return this.#missing;
  }

  answer(loaded: readonly (Uint8Array | undefined)[]): RangeResponse | Refusal {
    const answer = this.advance(loaded);
    assert(answer !== undefined, "a plan is whole after one load; a scan is advanced");
    return answer;
  }

  advance(loaded: readonly (Uint8Array | undefined)[]): RangeResponse | Refusal | undefined {
    assert(!this.#ended, "a read that has ended is not advanced");
    if (this.#pin?.expired === true) {
      this.release();
      return refusal("compacted");
    }
    this.#supply(loaded);
    if (!this.#complete) {
      this.#step();
      return undefined;
    }
    this.release();
    return this.#selection.assemble(this.#kvs);
  }

  release(): void {
    this.#ended = true;
    if (this.#pin !== undefined) this.#space.pins.release(this.#pin);
    this.#pin = undefined;
  }

  /** No step is left but to take in the batch under way. */
  get #complete(): boolean {
    return this.#walked && this.#takenUntil === this.#selection.picks.length;
  }

  #step(): void {
    if (!this.#walked) {
      this.#walked = this.#selection.walk(this.#space.index, this.#keysPerStepMax);
      if (!this.#walked) return;
    }
    const { picks, needsRows } = this.#selection;
    const from = this.#takenUntil;
    const until = Math.min(picks.length, from + this.#keysPerStepMax);
    this.#takenUntil = until;
    this.#batch = picks.slice(from, until);
    this.#rows = needsRows ? this.#batch.map(({ version }) => this.#space.cache.read(version)) : [];
    this.#missing = needsRows ? this.#lacking() : NOTHING;
  }

  #lacking(): readonly Uint8Array[] {
    let missing: Uint8Array[] | undefined;
    this.#batch.forEach(({ version }, at) => {
      if (this.#rows[at] !== undefined) return;
      missing ??= [];
      missing.push(versionRowKey(version.mod, version.sub));
    });
    return missing ?? NOTHING;
  }

  /** Turns the batch under way into answers. */
  #supply(loaded: readonly (Uint8Array | undefined)[]): void {
    assert(loaded.length === this.#missing.length, "one loaded value for each that was missing");
    let taken = 0;
    this.#batch.forEach((pick, at) => {
      let row = this.#rows[at];
      if (row === undefined && this.#selection.needsRows) {
        row = present(loaded[taken], "a version's row in the engine");
        taken += 1;
        this.#space.cache.keep(pick.version, row);
      }
      this.#kvs.push(keyValueOf(pick, row));
    });
    this.#batch = [];
    this.#rows = [];
    this.#missing = NOTHING;
  }
}
