// The event queue: true time in ms and everything that is going to happen, in order. Nothing in the
// simulator waits in any other way.
import { assert, present } from "../../base/index.ts";

export interface SimEvent {
  /** Of true time. */
  readonly atMs: number;
  /** Breaks ties, so that a run never depends on the heap's shape. */
  readonly order: number;
  readonly label: string;
  readonly run: () => void;
}

export class EventQueue {
  #nowMs = 0;
  #order = 0;
  readonly #heap: SimEvent[] = [];

  /** True time in ms; no process sees it. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get length(): number {
    return this.#heap.length;
  }

  /** Runs `run` when `delayMs` of true time has passed. */
  schedule(delayMs: number, label: string, run: () => void): void {
    assert(delayMs >= 0, `an event lies ${-delayMs} ms in the past`);
    this.#order += 1;
    const event = { atMs: this.#nowMs + delayMs, order: this.#order, label, run };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = present(heap[above], "a heap parent");
      if (!before(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  /** Takes the earliest event out and moves true time to it. */
  next(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined) return undefined;
    const last = present(heap.pop(), "the heap's last event");
    if (heap.length > 0) this.#sink(last);
    this.#nowMs = first.atMs;
    return first;
  }

  #sink(event: SimEvent): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      if (left === undefined) break;
      const right = heap[2 * at + 2];
      const takeRight = right !== undefined && before(right, left);
      const child = takeRight ? right : left;
      if (!before(child, event)) break;
      heap[at] = child;
      at = 2 * at + (takeRight ? 2 : 1);
    }
    heap[at] = event;
  }
}

function before(left: SimEvent, right: SimEvent): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
