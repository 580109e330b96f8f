// Is there one order of these operations, each between its call and its return, that a sequential object
// could have answered? Wing and Gong's search with Lowe's memoization: a depth-first walk over which
// operation takes effect next, cut where the same set of operations has led to the same state before.
import { assert, present, unreachable } from "../../base/index.ts";

/** The sequential object. States compare by `===`. */
export interface SequentialModel<S, O, R> {
  readonly initial: S;
  /** The state after `op`, or undefined if it could not have answered `result`; no result: any answer. */
  step(state: S, op: O, result: R | undefined): { readonly state: S } | undefined;
  /** Operations of one name do the same. */
  nameOf(op: O): string;
  /** Whether it leads to one and the same state from any. */
  overwrites(op: O): boolean;
}

/** One call. Orders are positions in the history: no two calls share one, `returned` is after `called`. */
export interface Operation<O, R> {
  readonly op: O;
  readonly called: number;
  /** Infinity: no answer came; it may take effect at any time after the call, or never. */
  readonly returned: number;
  readonly result: R | undefined;
  /** It overwrites, and no answer of another operation tells that it did. */
  readonly unseen?: boolean;
}

export type Verdict =
  | { readonly outcome: "linearizable" }
  /** `stuckAt`: an operation that no order reaches, for the report. */
  | { readonly outcome: "violation"; readonly stuckAt: number }
  /** The bound on remembered states was met first. */
  | { readonly outcome: "undecided" };

const STATES_MAX = 1_000_000;

interface Mark {
  readonly operation: number;
  readonly kind: "call" | "return";
  at: number;
  before: Mark | undefined;
  after: Mark | undefined;
  readonly other: { mark: Mark | undefined };
}

/** Every operation without an answer must be one that may be left to the end: its step never fails. */
export function checkLinearizable<S, O, R>(
  model: SequentialModel<S, O, R>,
  operations: readonly Operation<O, R>[],
): Verdict {
  const search = new Search(model, operations);
  return search.run();
}

/**
 * What is tried at each point, in this order. `free`: an answered operation that fits and changes nothing
 * goes next without an alternative, for any order that takes it later may as well take it here. `seen`:
 * answered ones that change the state; where one of them overwrites, every unseen one that may go before it
 * does. `unseen`: one of those by itself, the others before it. `unanswered`: those of unknown fate, to
 * explain what nothing else does.
 */
type Phase = "free" | "seen" | "unseen" | "unanswered";

const NEXT_PHASE: Readonly<Record<Phase, Phase | undefined>> = {
  free: "seen",
  seen: "unseen",
  unseen: "unanswered",
  unanswered: undefined,
};

interface Taken<S> {
  readonly mark: Mark;
  readonly phase: Phase;
  /** Before it. */
  readonly state: S;
}

class Search<S, O, R> {
  readonly #model: SequentialModel<S, O, R>;
  readonly #operations: readonly Operation<O, R>[];
  readonly #head: Mark;
  readonly #done: LinearizedSet;
  readonly #seen = new Map<number, { readonly words: Uint32Array; readonly state: S }[]>();
  readonly #taken: Taken<S>[] = [];
  #state: S;
  #answeredLeft: number;
  #seenCount = 0;
  #deepest = 0;
  #stuckAt = 0;

  constructor(model: SequentialModel<S, O, R>, operations: readonly Operation<O, R>[]) {
    this.#model = model;
    this.#operations = operations;
    this.#state = model.initial;
    this.#head = linkedMarks(operations);
    this.#done = new LinearizedSet(operations.length);
    this.#answeredLeft = operations.filter(isAnswered).length;
  }

  run(): Verdict {
    let mark = this.#head.after;
    let phase: Phase = "free";
    while (this.#answeredLeft > 0) {
      const here = present(mark, "the mark of an answer that is still to come");
      if (here.kind === "call") {
        const taken = this.#mayTake(here, phase) && this.#take(here, phase);
        if (this.#seenCount > STATES_MAX) return { outcome: "undecided" };
        mark = taken ? this.#head.after : here.after;
        if (taken) phase = "free";
        continue;
      }
      const next: Phase | undefined = NEXT_PHASE[phase];
      if (next !== undefined) {
        phase = next;
        mark = this.#head.after;
        continue;
      }
      this.#noteStuck(here);
      const last = this.#takeBack();
      if (last === undefined) return { outcome: "violation", stuckAt: this.#stuckAt };
      mark = last.mark.after;
      phase = last.phase;
    }
    return { outcome: "linearizable" };
  }

  #operation(mark: Mark): Operation<O, R> {
    return present(this.#operations[mark.operation], "a marked operation");
  }

  #mayTake(mark: Mark, phase: Phase): boolean {
    const operation = this.#operation(mark);
    const unseen = operation.unseen === true;
    switch (phase) {
      case "free":
        return isAnswered(operation);
      case "seen":
        return isAnswered(operation) && !unseen;
      case "unseen":
        return isAnswered(operation) && unseen;
      case "unanswered":
        return !isAnswered(operation) && this.#isFirstOfItsName(mark, operation);
      default:
        return unreachable(phase);
    }
  }

  /**
   * Of several of unknown fate that do the same, the one called first goes first: an order that took
   * another could as well have taken it.
   */
  #isFirstOfItsName(mark: Mark, { op }: Operation<O, R>): boolean {
    const name = this.#model.nameOf(op);
    for (
      let other = mark.before;
      other !== undefined && other !== this.#head;
      other = other.before
    ) {
      const earlier = this.#operation(other);
      if (!isAnswered(earlier) && this.#model.nameOf(earlier.op) === name) return false;
    }
    return true;
  }

  #noteStuck(mark: Mark): void {
    if (this.#taken.length < this.#deepest) return;
    this.#deepest = this.#taken.length;
    this.#stuckAt = mark.operation;
  }

  /** Lets the operation take effect next, unless it cannot or that was tried. */
  #take(mark: Mark, phase: Phase): boolean {
    const { op, result, returned } = this.#operation(mark);
    const next = this.#model.step(this.#state, op, result);
    if (next === undefined) return false;
    // One of unknown fate that changes nothing may as well come at the very end.
    if ((next.state === this.#state) !== (phase === "free")) return false;
    const depth = this.#taken.length;
    this.#push(mark, phase, next.state);
    if (this.#model.overwrites(op)) this.#sweepUnseen(returned);
    if (phase === "free" || this.#remember(next.state)) return true;
    while (this.#taken.length > depth) this.#pop();
    return false;
  }

  /** Unseen ones that may go before what was just taken, which ends at `until`: they do, without a trace. */
  #sweepUnseen(until: number): void {
    let mark = this.#head.after;
    while (mark !== undefined && mark.kind === "call" && mark.at < until) {
      const { unseen } = this.#operation(mark);
      if (unseen === true) this.#push(mark, "free", this.#state);
      mark = unseen === true ? this.#head.after : mark.after;
    }
  }

  #push(mark: Mark, phase: Phase, after: S): void {
    this.#taken.push({ mark, phase, state: this.#state });
    this.#state = after;
    this.#done.flip(mark.operation);
    if (phase !== "unanswered") this.#answeredLeft -= 1;
    lift(mark);
  }

  #pop(): Taken<S> | undefined {
    const last = this.#taken.pop();
    if (last === undefined) return undefined;
    this.#state = last.state;
    this.#done.flip(last.mark.operation);
    if (last.phase !== "unanswered") this.#answeredLeft += 1;
    restore(last.mark);
    return last;
  }

  /** Back to the latest choice that had an alternative. */
  #takeBack(): Taken<S> | undefined {
    for (;;) {
      const last = this.#pop();
      if (last === undefined || last.phase !== "free") return last;
    }
  }

  /** False if this set of operations has led to this state before. */
  #remember(state: S): boolean {
    const { hash, words } = this.#done;
    const known = this.#seen.get(hash);
    if (known?.some((entry) => entry.state === state && equalWords(entry.words, words)))
      return false;
    const entry = { words: words.slice(), state };
    if (known === undefined) this.#seen.set(hash, [entry]);
    else known.push(entry);
    this.#seenCount += 1;
    return true;
  }
}

/** A set of operation numbers with a hash that follows each change. */
class LinearizedSet {
  readonly words: Uint32Array;
  hash = 0;

  constructor(count: number) {
    this.words = new Uint32Array(Math.ceil(count / 32));
  }

  /** Puts it in, or takes it out. */
  flip(operation: number): void {
    const at = operation >>> 5;
    this.words[at] = (this.words[at] ?? 0) ^ (1 << (operation & 31));
    let mixed = Math.imul(operation + 1, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
    this.hash ^= mixed ^ (mixed >>> 13);
  }
}

function isAnswered({ returned }: { readonly returned: number }): boolean {
  return returned !== Infinity;
}

function equalWords(left: Uint32Array, right: Uint32Array): boolean {
  for (let at = 0; at < left.length; at += 1) if (left[at] !== right[at]) return false;
  return true;
}

/** A head before the marks of all calls and returns, in the order of the history. */
function linkedMarks<O, R>(operations: readonly Operation<O, R>[]): Mark {
  const marks: Mark[] = [];
  operations.forEach(({ called, returned }, operation) => {
    assert(called < returned, "an operation returns after its call");
    const toReturn: { mark: Mark | undefined } = { mark: undefined };
    const toCall: { mark: Mark | undefined } = { mark: undefined };
    const call = newMark(operation, "call", called, toReturn);
    const end = newMark(operation, "return", returned, toCall);
    toReturn.mark = end;
    toCall.mark = call;
    marks.push(call, end);
  });
  marks.sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0));
  const head = newMark(-1, "call", -Infinity, { mark: undefined });
  let last = head;
  for (const mark of marks) {
    last.after = mark;
    mark.before = last;
    last = mark;
  }
  return head;
}

function newMark(operation: number, kind: Mark["kind"], at: number, other: Mark["other"]): Mark {
  return { operation, kind, at, before: undefined, after: undefined, other };
}

/** Takes a call and its return out of the list; `restore` undoes the latest lift. */
function lift(call: Mark): void {
  unlink(call);
  unlink(present(call.other.mark, "the return of a call"));
}

function restore(call: Mark): void {
  relink(present(call.other.mark, "the return of a call"));
  relink(call);
}

function unlink(mark: Mark): void {
  if (mark.before !== undefined) mark.before.after = mark.after;
  if (mark.after !== undefined) mark.after.before = mark.before;
}

function relink(mark: Mark): void {
  if (mark.before !== undefined) mark.before.after = mark;
  if (mark.after !== undefined) mark.after.before = mark;
}
