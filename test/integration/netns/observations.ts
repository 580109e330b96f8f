// What callers saw, judged by what can be known from outside, with one clock and one order of events: real time
// never goes back, an answer is no older than its proof says or than was asked, one revision has one state,
// and each key's operations fit one order.
import { checkRegister } from "../../sim/register.ts";
import type { RegisterOp, RegisterOperation, RegisterResult } from "../../sim/register.ts";

/** The moment of a call: what had been seen by then. */
export interface Called {
  readonly order: number;
  readonly atMs: number;
  /** The highest revision in any answer that had returned. */
  readonly floor: number;
}

export interface ReadSeen {
  /** The call in words, for the report. */
  readonly what: string;
  readonly linearizable: boolean;
  readonly revision: number;
  readonly stalenessBoundMs?: number;
  readonly stalenessAskedMs?: number;
  readonly revisionAsked?: number;
  /** Of a range that is always the same: all that it held. */
  readonly state?: string;
}

interface Acknowledged {
  readonly atMs: number;
  /** The highest revision acknowledged until then. */
  readonly revision: number;
}

export class Observations {
  readonly #nowMs: () => number;
  readonly #histories = new Map<string, RegisterOperation[]>();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #states = new Map<number, string>();
  readonly #violations: string[] = [];
  #order = 0;
  #floor = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  call(): Called {
    this.#order += 1;
    return { order: this.#order, atMs: this.#nowMs(), floor: this.#floor };
  }

  /** A write was acknowledged at `revision`; one that changed nothing names the revision it found. */
  onWritten(called: Called, revision: number, changed: boolean): void {
    if (revision < called.floor || (changed && revision === called.floor)) {
      this.#violations.push(
        `a write at revision ${revision}, called after ${called.floor} was seen`,
      );
    }
    this.#raise(revision);
    const last = this.#acknowledged.at(-1)?.revision ?? 0;
    if (changed && revision > last) this.#acknowledged.push({ atMs: this.#nowMs(), revision });
  }

  onRead(called: Called, seen: ReadSeen): void {
    const { what, revision, linearizable, stalenessBoundMs, stalenessAskedMs, state } = seen;
    const demand = (holds: boolean, otherwise: string): void => {
      if (!holds) this.#violations.push(`${what} at revision ${revision}: ${otherwise}`);
    };
    const known = `${called.floor} had been seen when it was called`;
    demand(!linearizable || revision >= called.floor, known);
    demand(revision >= (seen.revisionAsked ?? 0), `asked for at least ${seen.revisionAsked}`);
    if (stalenessAskedMs !== undefined) {
      const met = stalenessBoundMs !== undefined && stalenessBoundMs <= stalenessAskedMs;
      demand(met, `bound ${stalenessBoundMs} ms, asked for ${stalenessAskedMs} ms`);
    }
    if (stalenessBoundMs !== undefined) {
      // The answer was made after the call, so it holds what was acknowledged its bound before the call.
      const least = this.#acknowledgedBefore(called.atMs - stalenessBoundMs);
      demand(revision >= least, `bound ${stalenessBoundMs} ms, but ${least} is older than that`);
    }
    if (state !== undefined) {
      const other = this.#states.get(revision) ?? state;
      this.#states.set(revision, other);
      demand(other === state, `[${state}], which another answer had as [${other}]`);
    }
    this.#raise(revision);
  }

  /** One operation of one key; no result: its fate is unknown. */
  onOperation(key: string, op: RegisterOp, called: Called, result?: RegisterResult): void {
    const history = this.#histories.get(key) ?? [];
    this.#histories.set(key, history);
    this.#order += 1;
    const returned = result === undefined ? Infinity : this.#order;
    history.push({ op, called: called.order, returned, result });
  }

  /** Whatever else was found wrong. */
  report(violation: string): void {
    this.#violations.push(violation);
  }

  get operationCount(): number {
    return [...this.#histories.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** All that was wrong, the search over each key's history included. */
  verdict(): readonly string[] {
    const searched = [...this.#histories].flatMap(([key, history]) => {
      const verdict = checkRegister(history);
      if (verdict.outcome === "linearizable") return [];
      return [`${key}: ${JSON.stringify(verdict)} of ${history.length} operations`];
    });
    return [...this.#violations, ...searched];
  }

  #raise(revision: number): void {
    this.#floor = Math.max(this.#floor, revision);
  }

  /** The highest revision acknowledged before `atMs`. */
  #acknowledgedBefore(atMs: number): number {
    let [from, until] = [0, this.#acknowledged.length];
    while (from < until) {
      const middle = Math.floor((from + until) / 2);
      if ((this.#acknowledged[middle]?.atMs ?? Infinity) < atMs) from = middle + 1;
      else until = middle;
    }
    return this.#acknowledged[from - 1]?.revision ?? 0;
  }
}
