// What happened in a simulated federation, as people read it: faults, commands of operators and what became of them.
import type { EventQueue } from "../events.ts";

/** The last of them are kept. */
const LINES_MAX = 200;

export class Story {
  readonly #queue: EventQueue;
  #lines: string[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  tell(line: string): void {
    this.#lines.push(`${(this.#queue.nowMs / 1000).toFixed(3)} s  ${line}`);
    if (this.#lines.length > LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX / 2);
  }
}
