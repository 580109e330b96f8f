// Is there one order of these operations, each between its call and its return, that a sequential object
// could have answered? Wing and Gong's search with Lowe's memoization: a depth-first walk over which
// operation takes effect next, cut where the same set of operations has led to the same state before.
import { assert, present } from "../../base/index.ts";

/** The sequential object. States compare by `===`. */
export interface SequentialModel<S, O, R> {
  readonly initial: S;
  /** The state after `op`, or undefined if it could not have answered `result`; no result: any answer. */
  step(state: S, op: O, result: R | undefined): { readonly state: S } | undefined;
  /** Operations of one name do the same. */
  nameOf(op: O): string;
}

/** One call. Orders are positions in the history: no two calls share one, `returned` is after `called`. */
export interface Operation<O, R> {
  readonly op: O;
  readonly called: number;
  /** Infinity: no answer came; it may take effect at any time after the call, or never. */
  readonly returned: number;
  readonly result: R | undefined;
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

/** Answered operations are tried before those of unknown fate, which only explain what nothing else does. */
type Phase = "answered" | "unanswered";

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
    this.#answeredLeft = operations.filter(({ returned }) => returned !== Infinity).length;
  }

  run(): Verdict {
    let mark = this.#head.after;
    let phase: Phase = "answered";
    while (this.#answeredLeft > 0) {
      const here = present(mark, "the mark of an answer that is still to come");
      if (here.kind === "call") {
        const taken = this.#mayTake(here, phase) && this.#take(here, phase);
        if (this.#seenCount > STATES_MAX) return { outcome: "undecided" };
        mark = taken ? this.#head.after : here.after;
        if (taken) phase = "answered";
      } else if (phase === "answered") {
        phase = "unanswered";
        mark = this.#head.after;
      } else {
        this.#noteStuck(here);
        const last = this.#takeBack();
        if (last === undefined) return { outcome: "violation", stuckAt: this.#stuckAt };
        mark = last.mark.after;
        phase = last.phase;
      }
    }
    return { outcome: "linearizable" };
  }

  #operation(mark: Mark): Operation<O, R> {
    return present(this.#operations[mark.operation], "a marked operation");
  }

  /**
   * Of several of unknown fate that do the same, the one called first goes first: an order that took
   * another could as well have taken it.
   */
  #mayTake(mark: Mark, phase: Phase): boolean {
    const operation = this.#operation(mark);
    if (phaseOf(operation) !== phase) return false;
    if (phase === "answered") return true;
    const name = this.#model.nameOf(operation.op);
    for (
      let other = mark.before;
      other !== undefined && other !== this.#head;
      other = other.before
    ) {
      const earlier = this.#operation(other);
      if (phaseOf(earlier) === phase && this.#model.nameOf(earlier.op) === name) return false;
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
    const { op, result } = this.#operation(mark);
    const next = this.#model.step(this.#state, op, result);
    if (next === undefined) return false;
    // One of unknown fate that changes nothing may as well come at the very end.
    if (phase === "unanswered" && next.state === this.#state) return false;
    this.#done.flip(mark.operation);
    if (!this.#remember(next.state)) {
      this.#done.flip(mark.operation);
      return false;
    }
    this.#taken.push({ mark, phase, state: this.#state });
    this.#state = next.state;
    if (phase === "answered") this.#answeredLeft -= 1;
    lift(mark);
    return true;
  }

  #takeBack(): Taken<S> | undefined {
    const last = this.#taken.pop();
    if (last === undefined) return undefined;
    this.#state = last.state;
    this.#done.flip(last.mark.operation);
    if (last.phase === "answered") this.#answeredLeft += 1;
    restore(last.mark);
    return last;
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

function phaseOf({ returned }: { readonly returned: number }): Phase {
  return returned === Infinity ? "unanswered" : "answered";
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
