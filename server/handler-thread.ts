// A thread that runs custom handlers, one question at a time: begun with the first, ended when it has been idle, and
// replaced when a question does not come back, which is what stops what the interpreter does not count.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { assert } from "../base/index.ts";
import { HANDLER_THREAD_READY } from "./handler-question.ts";
import type { HandlerAnswer, HandlerFault, HandlerTask } from "./handler-question.ts";

export interface HandlerThreadInit {
  /** Of the thread's program; absent: the one beside this file. */
  readonly script?: string;
  /** For one question. */
  readonly waitMs?: number;
  /** Gets what a thread could not be ended for. */
  readonly onBug: (bug: unknown) => void;
}

/** May answer once, whenever; a fault says what became of the handler. */
export type AskHandler = (task: HandlerTask, done: (answer: HandlerAnswer) => void) => void;

/** Ten times what the fuel of one question takes. */
const WAIT_MS = 10_000;
const IDLE_MS = 60_000;
/** Whoever asks keeps less under way. */
const QUEUE_MAX = 1_024;
/** Of the thread's own heap; the interpreter's memory is apart, and has its own bound. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 };

interface Waiting {
  readonly task: HandlerTask;
  readonly done: (answer: HandlerAnswer) => void;
}

export class HandlerThread {
  readonly #script: string;
  readonly #waitMs: number;
  readonly #onBug: (bug: unknown) => void;
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #asked: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ script, waitMs, onBug }: HandlerThreadInit) {
    this.#script = script ?? join(__dirname, "handler-worker.js");
    this.#waitMs = waitMs ?? WAIT_MS;
    this.#onBug = onBug;
  }

  readonly ask: AskHandler = (task, done) => {
    assert(this.#queue.length < QUEUE_MAX, "the questions to handlers are bounded");
    this.#queue.push({ task, done });
    this.#next();
  };

  /** Nobody is answered any more. */
  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#asked = undefined;
    this.#end();
  }

  #next(): void {
    if (this.#asked !== undefined || this.#closed) return;
    const next = this.#queue.shift();
    clearTimeout(this.#timer);
    if (next === undefined) {
      this.#timer = setTimeout(() => this.#end(), IDLE_MS).unref();
      return;
    }
    this.#asked = next;
    this.#worker ??= this.#begin();
    this.#timer = setTimeout(() => {
      this.#lose({ fault: "slow", why: `it has not answered in ${this.#waitMs} ms` });
    }, this.#waitMs).unref();
    this.#worker.postMessage(next.task);
  }

  #begin(): Worker {
    const worker = new Worker(this.#script, { resourceLimits: RESOURCE_LIMITS, env: {} });
    let isReady = false;
    const lost = (why: string): void => {
      if (this.#worker === worker) this.#lose({ fault: isReady ? "broken" : "absent", why });
    };
    worker.on("message", (message: HandlerAnswer | typeof HANDLER_THREAD_READY) => {
      if (message === HANDLER_THREAD_READY) isReady = true;
      else if (this.#worker === worker) this.#answer(message);
    });
    worker.on("error", (cause) => lost(`its thread has failed: ${cause.message}`));
    worker.on("exit", (code) => lost(`its thread has ended with ${code}`));
    worker.unref();
    return worker;
  }

  /** The thread is of no more use; the next question begins another. */
  #lose(fault: HandlerFault): void {
    this.#end();
    if (this.#asked !== undefined) this.#answer(fault);
  }

  #answer(answer: HandlerAnswer): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.done(answer);
    this.#next();
  }

  #end(): void {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate().catch(this.#onBug);
  }
}
