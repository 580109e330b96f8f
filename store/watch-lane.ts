// Watches that walk the history together. The live lane keeps up with what is written; a catch-up lane begins
// where the one furthest behind stands, and ends where the live lane is.
import { assert } from "../base/index.ts";
import type { Changes } from "./changes.ts";
import type { ReadPin } from "./read-pins.ts";
import type { Watch, WatchGroup, WatchPlace } from "./watch.ts";
import { WatchIndex } from "./watch-index.ts";
import { WatchStep } from "./watch-step.ts";
import type { StepBounds } from "./watch-step.ts";

/** Rows of the first load of a lane, before it knows how large they are. */
const ROWS_FIRST = 16;

/** A step under way: `at` walks over its deliveries, each watch of it once. */
export interface UnderWay {
  readonly step: WatchStep;
  readonly at: Iterator<readonly [WatchGroup, Watch]>;
}

export class WatchLane implements WatchPlace {
  readonly index = new WatchIndex();
  readonly changes: Changes;
  /** Revisions below it are told, but for those of the step under way. */
  next: number;
  underWay: UnderWay | undefined;
  /** Of the step under way, which waits for rows. */
  loading = false;
  #pin: ReadPin;
  #rowsMax = ROWS_FIRST;

  constructor(changes: Changes, next: number) {
    this.changes = changes;
    this.next = next;
    this.#pin = changes.pin(next);
  }

  /** A compaction could wait for it no longer: what it has yet to read may be gone. */
  get expired(): boolean {
    return this.#pin.expired;
  }

  get isAtHead(): boolean {
    return this.underWay === undefined && this.next > this.changes.revision;
  }

  add(watch: Watch): void {
    assert(watch.lane === undefined, "a watch is in one lane");
    watch.lane = this;
    watch.group = this.index.add(watch);
  }

  /** It goes on where it has been told up to. */
  remove(watch: Watch): void {
    assert(watch.lane === this && watch.group !== undefined, "a watch leaves the lane it is in");
    this.index.remove(watch, watch.group);
    // Its part of the step under way is told, or it is not: `told` has moved the cursor on.
    const told = this.underWay?.step.from ?? this.next;
    watch.cursor = Math.max(watch.cursor, told);
    watch.lane = undefined;
    watch.group = undefined;
  }

  /** Takes the next part of the history. */
  begin(bounds: Omit<StepBounds, "rowsMax">): WatchStep {
    assert(this.underWay === undefined, "one step at a time");
    const rowsMax = this.#rowsMax;
    const step = new WatchStep(this.index, this.changes, this.next, { ...bounds, rowsMax });
    this.underWay = { step, at: deliveriesOf(step) };
    this.next = step.until;
    return step;
  }

  /** The rows that the step under way lacked; the next loads about `bytesMax`. */
  supply(loaded: readonly (Uint8Array | undefined)[], bytesMax: number): void {
    assert(this.underWay !== undefined && this.loading, "what is supplied was asked for");
    this.loading = false;
    const meanBytes = Math.max(1, this.underWay.step.supply(loaded) / loaded.length);
    this.#rowsMax = Math.max(1, Math.min(4 * loaded.length, Math.floor(bytesMax / meanBytes)));
  }

  /** The step under way is told. */
  finish(): void {
    this.underWay = undefined;
    this.changes.release(this.#pin);
    this.#pin = this.changes.pin(this.next);
  }

  /** Holds nothing any more. */
  close(): void {
    this.underWay = undefined;
    this.changes.release(this.#pin);
  }
}

/** In the order of who was served longest ago, so that watches which share a narrow way out take turns. */
function* deliveriesOf(step: WatchStep): Generator<readonly [WatchGroup, Watch], undefined> {
  const deliveries: (readonly [WatchGroup, Watch])[] = [];
  for (const group of step.groups) {
    for (const watch of group.watches) deliveries.push([group, watch]);
  }
  deliveries.sort(([, left], [, right]) => left.servedAt - right.servedAt);
  yield* deliveries;
}
