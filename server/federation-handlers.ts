// A region's leader has custom handlers answer its conflicts: what one makes of siblings is proposed to the region's
// log; one that misbehaves is stopped, here at once, everywhere when the directory knows (federation 8).
import { createHash } from "node:crypto";
import { bytesOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import {
  closedOrigin,
  dotText,
  handledChange,
  handlerQuestion,
  hasDots,
  waitsForAll,
} from "../federation/index.ts";
import type {
  FederationBug,
  FederationChange,
  Handler,
  HandlerAsker,
  HandlerQuestion,
  Vector,
} from "../federation/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import { HANDLER_QUESTION_BYTES_MAX } from "./handler-question.ts";
import type { HandlerAnswer, HandlerFault } from "./handler-question.ts";
import type { AskHandler } from "./handler-thread.ts";
import type { Clock, Journal } from "./ports.ts";
import { StoppedHandlers } from "./stopped-handlers.ts";

export interface FederationHandlersInit {
  readonly region: Pick<FederatedRegion, "config" | "self" | "contested" | "state">;
  readonly ask: AskHandler;
  /** `done` gets whether it was applied. */
  readonly propose: (change: FederationChange, done: (applied: boolean) => void) => void;
  /** Whether every region has the document in force here. */
  readonly agrees: () => boolean;
  /** Applied by every region. */
  readonly stable: () => Vector;
  readonly clock: Clock;
  /** Runs it once, after that time. @returns the way to take that back. */
  readonly later: (run: () => void, ms: number) => () => void;
  readonly journal: Journal;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

/**
 * `kept`: it leaves the siblings as they are, or keeps one once every region has all of them. `refused`: they were others
 * by then. `failed`: a fault of the handler.
 */
export type HandlerOutcome = "written" | "shown" | "kept" | "refused" | "failed" | "too-large";

/** Between two looks at all open conflicts; a look that takes longer is followed by ten times as long a rest. */
const LOOK_EVERY_MS = 50;
const REST_SHARE = 10;
/** Until a key is asked about again whose answer came to nothing. */
const AGAIN_MS = 2_000;
const UNDER_WAY_MAX = 64;

interface Asked {
  /** The handler's source and the siblings: while they are the same it is not asked again. */
  readonly about: string;
  againAtMs: number;
  /** It is asked again once every region has these siblings: it would keep one of them. */
  waits: boolean;
}

export class FederationHandlers {
  readonly #init: FederationHandlersInit;
  readonly stopped = new StoppedHandlers();
  /** By handler. */
  readonly outcomes = new Map<string, Map<HandlerOutcome, number>>();
  readonly #asked = new Map<Key, Asked>();
  readonly #told = new Set<string>();
  #underWay = 0;
  #leads = false;
  #wanted = false;
  /** Takes the next look back; undefined: one may be taken at once. */
  #resting: (() => void) | undefined;

  constructor(init: FederationHandlersInit) {
    this.#init = init;
  }

  /** To be called after every change while this member leads and has applied all that came before it led. */
  look(): void {
    this.#leads = true;
    this.#wanted = true;
    if (this.#resting === undefined) this.#scan();
  }

  /** It leads no more: what is under way comes to nothing. */
  rest(): void {
    this.#leads = false;
    this.#wanted = false;
    this.#asked.clear();
    this.#told.clear();
    this.#resting?.();
    this.#resting = undefined;
  }

  #scan(): void {
    const { region, clock, later, planted } = this.#init;
    const { config, self } = region;
    this.#wanted = false;
    this.stopped.follow(config);
    this.#forgetOutcomes();
    if (config.handlers.length === 0 || self === undefined) return;
    const keys = region.contested;
    this.#forgetAllBut(keys);
    if (keys.length === 0) return;
    const beganAtMs = clock.monotonicMs();
    const isClosed: HandlerAsker["isClosed"] = (origin) =>
      closedOrigin(config, origin) !== undefined;
    const { rules } = region.state;
    const agrees = this.#init.agrees();
    const asker = { self, isClosed, rules, epoch: config.epoch, agrees };
    this.#askAbout(keys, { ...asker, ...(planted && { planted }) });
    const tookMs = clock.monotonicMs() - beganAtMs;
    const again = (): void => {
      this.#resting = undefined;
      if (this.#wanted || this.#waits()) this.#scan();
    };
    this.#resting = later(again, Math.max(LOOK_EVERY_MS, tookMs * REST_SHARE));
  }

  #askAbout(keys: readonly Key[], asker: HandlerAsker): void {
    const now = this.#init.clock.monotonicMs();
    const stable = this.#init.stable();
    for (const key of keys) {
      if (this.#underWay >= UNDER_WAY_MAX) return;
      const record = this.#init.region.state.recordOf(key);
      const question = handlerQuestion(key, record, asker);
      if (question === undefined || this.stopped.has(question.handler)) continue;
      const about = [question.handler.hash, ...question.dots.map(dotText)].join(" ");
      const last = this.#asked.get(key);
      const isDue = last?.waits === true && hasDots(stable, question.dots);
      if (last?.about === about && now < last.againAtMs && !isDue) continue;
      const asked = { about, againAtMs: Infinity, waits: false };
      this.#asked.set(key, asked);
      this.#ask(question, asked);
    }
  }

  #ask(question: HandlerQuestion, asked: Asked): void {
    const { key, handler } = question;
    // Copies: a value may be a view into a buffer of many.
    const values = question.asked.map(({ value }) => value?.slice());
    const bytes = values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
    if (bytes > HANDLER_QUESTION_BYTES_MAX) {
      const about = { handler: handler.name, key, bytes, mostBytes: HANDLER_QUESTION_BYTES_MAX };
      this.#warn("siblings are too large for a custom handler", "too-large", about);
      this.#count(handler.name, "too-large");
      return;
    }
    if (!isItsHash(handler)) {
      this.#onFault(question, asked, {
        fault: "source",
        why: "its source is not that of its hash",
      });
      return;
    }
    this.#underWay += 1;
    this.#init.ask({ source: handler.source, key: bytesOf(key), values }, (answer) => {
      this.#underWay -= 1;
      if (this.#leads) this.#onAnswer(question, asked, answer);
    });
  }

  #onAnswer(question: HandlerQuestion, asked: Asked, answer: HandlerAnswer): void {
    const { handler } = question;
    if ("fault" in answer) {
      this.#onFault(question, asked, answer);
    } else {
      this.stopped.onAnswer(handler);
      const stable = this.#init.stable();
      const change = handledChange(question, answer, stable);
      asked.waits = waitsForAll(question, answer, stable, this.#init.planted);
      if (change === undefined || asked.waits) this.#count(handler.name, "kept");
      else this.#propose(question, asked, change);
    }
    this.look();
  }

  #propose({ handler }: HandlerQuestion, asked: Asked, change: FederationChange): void {
    this.#init.propose(change, (applied) => {
      const done = change.change === "show" ? "shown" : "written";
      this.#count(handler.name, applied ? done : "refused");
      if (!applied) this.#againLater(asked);
      if (this.#leads) this.look();
    });
  }

  /** Of a handler that is stopped no key counts as asked: it may be set again. */
  #onFault({ key, handler }: HandlerQuestion, asked: Asked, fault: HandlerFault): void {
    const { journal } = this.#init;
    const { name, hash } = handler;
    const about = { handler: name, hash, key, fault: fault.fault, why: fault.why };
    if (this.stopped.has(handler)) {
      this.#asked.delete(key);
      return;
    }
    this.#count(name, "failed");
    if (this.stopped.onFault(handler, fault)) {
      this.#asked.delete(key);
      journal.error("a custom handler is stopped: siblings stay as they are", about);
    } else {
      this.#againLater(asked);
      this.#warn("a custom handler gave no answer", fault.fault, about);
    }
  }

  /** Once of each handler and fault while this member leads: there may be many keys. */
  #warn(message: string, what: string, about: { readonly handler: string }): void {
    const told = `${about.handler} ${what}`;
    if (this.#told.has(told)) return;
    this.#told.add(told);
    this.#init.journal.warn(message, { ...about });
  }

  #againLater(asked: Asked): void {
    asked.againAtMs = this.#init.clock.monotonicMs() + AGAIN_MS;
  }

  #waits(): boolean {
    return [...this.#asked.values()].some(({ againAtMs }) => againAtMs < Infinity);
  }

  #forgetAllBut(keys: readonly Key[]): void {
    if (this.#asked.size === 0) return;
    const open = new Set(keys);
    for (const key of this.#asked.keys()) if (!open.has(key)) this.#asked.delete(key);
  }

  #forgetOutcomes(): void {
    const { handlers } = this.#init.region.config;
    for (const name of this.outcomes.keys()) {
      if (!handlers.some((one) => one.name === name)) this.outcomes.delete(name);
    }
  }

  #count(handler: string, outcome: HandlerOutcome): void {
    const counts = this.outcomes.get(handler) ?? new Map<HandlerOutcome, number>();
    this.outcomes.set(handler, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
  }
}

/** The document is judged without a hash function; it may have been written by hand. */
function isItsHash({ hash, source }: Handler): boolean {
  return createHash("sha256").update(source).digest("hex") === hash;
}
