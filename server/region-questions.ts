// What a leader has asked its neighbours and what they have not answered yet: what regions have, their own word or that of
// regions behind them, and comparisons of trees (federation 13, 17).
import { askRoutes } from "../federation/index.ts";
import type {
  CompareAnswer,
  CompareQuestion,
  FederationConfig,
  OriginId,
  PullMessage,
  Report,
} from "../federation/index.ts";

export interface RegionQuestionsInit {
  readonly self: OriginId;
  readonly config: () => FederationConfig;
  /** Neighbours whose streams are open. */
  readonly open: () => ReadonlySet<OriginId>;
  readonly send: (to: OriginId, message: PullMessage) => void;
}

/** Of reads that ask regions, with an answer outstanding. */
const QUESTIONS_MAX = 10_000;

interface Question {
  /** For each that answers, in any order. */
  readonly done: (report: Report) => void;
  /** Nobody is left who might. */
  readonly ended: () => void;
  /** How many answers are still to come, by neighbour. */
  readonly left: Map<OriginId, number>;
}

interface Comparing {
  readonly of: OriginId;
  readonly done: (answer: CompareAnswer | undefined) => void;
}

export class RegionQuestions {
  readonly #init: RegionQuestionsInit;
  readonly #questions = new Map<number, Question>();
  readonly #comparing = new Map<number, Comparing>();
  #asked = 0;

  constructor(init: RegionQuestionsInit) {
    this.#init = init;
  }

  /**
   * Asks every neighbour that is reached what its region has, and through them those of `wanted` that are none; `done`
   * for each that answers while it is there.
   */
  ask(wanted: Iterable<OriginId>, done: (report: Report) => void): void {
    const open = this.#init.open();
    const via = [this.#init.self];
    this.#ask({ open, near: open, wanted, via }, { done, ended: () => undefined });
  }

  /** For another region, which the question reached by `via`: `done` once for each, undefined where it is not heard. */
  relay(
    wanted: readonly OriginId[],
    via: readonly OriginId[],
    done: (report: Report | undefined) => void,
  ): void {
    const open = this.#init.open();
    const near = new Set(wanted.filter((origin) => open.has(origin) && !via.includes(origin)));
    const missing = new Set(wanted);
    const question = {
      done: (report: Report) => {
        if (missing.delete(report.origin)) done(report);
      },
      ended: () => {
        for (const origin of missing) if (missing.delete(origin)) done(undefined);
      },
    };
    this.#ask({ open, near, wanted, via: [...via, this.#init.self] }, question);
  }

  #ask(
    about: {
      readonly open: ReadonlySet<OriginId>;
      /** Of them, those that are asked for their own sake. */
      readonly near: ReadonlySet<OriginId>;
      readonly wanted: Iterable<OriginId>;
      readonly via: readonly OriginId[];
    },
    question: Pick<Question, "done" | "ended">,
  ): void {
    const { config, send } = this.#init;
    const { open, near, wanted, via } = about;
    const routes = askRoutes(config(), via, open, wanted);
    const asked = [...new Set([...near, ...routes.keys()])];
    if (asked.length === 0) {
      question.ended();
      return;
    }
    this.#asked += 1;
    const id = this.#asked;
    const left = new Map(asked.map((to) => [to, 1 + (routes.get(to)?.length ?? 0)] as const));
    const [oldest] = this.#questions.keys();
    if (this.#questions.size >= QUESTIONS_MAX && oldest !== undefined) this.#end(oldest);
    this.#questions.set(id, { ...question, left });
    for (const to of asked) send(to, { kind: "ask", id, of: routes.get(to) ?? [], via });
  }

  /** `report` undefined: it cannot be confirmed now. */
  onAnswer(from: OriginId, id: number, report: Report | undefined): void {
    const question = this.#questions.get(id);
    const left = question?.left.get(from);
    if (question === undefined || left === undefined) return;
    if (left > 1) question.left.set(from, left - 1);
    else question.left.delete(from);
    if (report !== undefined) question.done(report);
    if (question.left.size === 0) this.#end(id);
  }

  /** It is not reached any more, and answers nothing of what it was asked. */
  onClosed(neighbour: OriginId): void {
    for (const [id, { left }] of [...this.#questions]) {
      if (left.delete(neighbour) && left.size === 0) this.#end(id);
    }
    for (const { of, done } of [...this.#comparing.values()]) if (of === neighbour) done(undefined);
  }

  #end(id: number): void {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    question?.ended();
  }

  /** Undefined: it did not answer in time, cannot, or is not reached. */
  compare(
    of: OriginId,
    question: CompareQuestion,
    waitMs: number,
  ): Promise<CompareAnswer | undefined> {
    if (!this.#init.open().has(of)) return Promise.resolve(undefined);
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      const done = (answer: CompareAnswer | undefined): void => {
        clearTimeout(timer);
        this.#comparing.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(done, waitMs, undefined);
      this.#comparing.set(id, { of, done });
      this.#init.send(of, { kind: "compare", id, question });
    });
  }

  onCompared(from: OriginId, id: number, answer: CompareAnswer | undefined): void {
    const comparing = this.#comparing.get(id);
    if (comparing?.of === from) comparing.done(answer);
  }

  /** Nobody is asked any more. */
  stop(): void {
    for (const { done } of [...this.#comparing.values()]) done(undefined);
    for (const id of [...this.#questions.keys()]) this.#end(id);
  }
}
