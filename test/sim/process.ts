// One operating-system process as the scheduler sees it: it lives, stops, and dies. What is scheduled for
// a life that is over never runs; what falls due while it is stopped runs when it goes on.
import { assert } from "../../base/index.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";

/** Between two things that waited for a stopped process: they run in a shuffled order, nearly at once. */
const RESUME_SPREAD_MS = 0.5;

interface Parked {
  readonly label: string;
  readonly run: () => void;
}

export class Process {
  readonly name: string;
  readonly #events: EventQueue;
  readonly #chance: Chance;
  #life = 0;
  #running = false;
  #stopped = false;
  #parked: Parked[] = [];

  constructor(name: string, events: EventQueue, chance: Chance) {
    this.name = name;
    this.#events = events;
    this.#chance = chance;
  }

  /** Counts starts, from 1. */
  get life(): number {
    return this.#life;
  }

  get running(): boolean {
    return this.#running;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  start(): void {
    assert(!this.#running, `${this.name} runs already`);
    this.#life += 1;
    this.#running = true;
    this.#stopped = false;
  }

  /** At once and without a word; nothing it was waiting for ever reaches it. */
  die(): void {
    this.#running = false;
    this.#stopped = false;
    this.#parked = [];
  }

  /** SIGSTOP: clocks and devices go on, the process does not. */
  stop(): void {
    this.#stopped = true;
  }

  /** SIGCONT: everything that fell due meanwhile happens close together, in any order. */
  resume(): void {
    this.#stopped = false;
    const parked = this.#parked;
    this.#parked = [];
    for (const { label, run } of parked) {
      this.schedule(this.#chance.between(0, RESUME_SPREAD_MS), label, run);
    }
  }

  /** Something reaches the process from outside at this moment: run at once, or when it goes on. */
  arrive(label: string, run: () => void): void {
    if (!this.#running) return;
    if (this.#stopped) this.#parked.push({ label, run });
    else run();
  }

  /** Runs `run` in this life of the process, after `delayMs` of true time. */
  schedule(delayMs: number, label: string, run: () => void): void {
    assert(this.#running, `${label} is scheduled for ${this.name}, which is down`);
    const life = this.#life;
    const full = `${this.name} ${label}`;
    const due = (): void => {
      if (this.#life === life) this.arrive(label, run);
    };
    this.#events.schedule(delayMs, full, due);
  }
}
