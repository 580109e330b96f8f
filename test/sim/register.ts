// One key as a sequential object: a register that can be absent, with put, delete, get and
// compare-and-swap. A key's part of a history is checked by itself (linearizability is local).
import { unreachable } from "../../base/index.ts";
import type { Operation, SequentialModel, Verdict } from "./linearizability.ts";
import { checkLinearizable } from "./linearizability.ts";

/** Absent keys are undefined. */
export type Held = string | undefined;

export type RegisterOp =
  | { readonly kind: "get" }
  | { readonly kind: "put"; readonly value: string }
  | { readonly kind: "delete" }
  | { readonly kind: "swap"; readonly expect: Held; readonly value: string };

/**
 * `held`: what a get or a delete found, or what a swap found that did not take effect (absent if it does
 * not say); `did`: the swap took effect.
 */
export type RegisterResult =
  | { readonly kind: "held"; readonly held: Held }
  | { readonly kind: "did" }
  | { readonly kind: "did-not"; readonly held?: Held }
  | { readonly kind: "put" };

export type RegisterOperation = Operation<RegisterOp, RegisterResult>;

export const REGISTER: SequentialModel<Held, RegisterOp, RegisterResult> = {
  initial: undefined,
  step(state, op, result) {
    const found = result === undefined || (result.kind === "held" && result.held === state);
    switch (op.kind) {
      case "get":
        return found ? { state } : undefined;
      case "put":
        return { state: op.value };
      case "delete":
        return found ? { state: undefined } : undefined;
      case "swap":
        return stepSwap(state, op, result);
      default:
        return unreachable(op);
    }
  },
  nameOf: (op) => JSON.stringify(op),
  overwrites: ({ kind }) => kind === "put",
};

function stepSwap(
  state: Held,
  op: Extract<RegisterOp, { kind: "swap" }>,
  result: RegisterResult | undefined,
): { readonly state: Held } | undefined {
  const matches = state === op.expect;
  const after = { state: matches ? op.value : state };
  if (result === undefined) return after;
  if (result.kind === "did") return matches ? after : undefined;
  if (matches) return undefined;
  const seen = result.kind === "did-not" && "held" in result;
  return !seen || result.held === state ? after : undefined;
}

/** Values are written at most once each in a history; the preparation rests on it. */
export function checkRegister(history: readonly RegisterOperation[]): Verdict {
  const operations = prepared(history);
  const verdict = checkLinearizable(REGISTER, operations);
  if (verdict.outcome !== "violation") return verdict;
  const stuck = operations[verdict.stuckAt];
  return { ...verdict, stuckAt: history.findIndex(({ called }) => called === stuck?.called) };
}

/**
 * The same question with less of unknown fate. A write whose value somebody found took effect before that
 * somebody returned; one whose value nobody found can be left to the very end of any order and decides
 * nothing. Unanswered reads say nothing. What is left unanswered are deletes.
 */
function prepared(history: readonly RegisterOperation[]): readonly RegisterOperation[] {
  let operations = history;
  for (;;) {
    const foundBefore = firstFound(operations);
    let changed = false;
    operations = operations.map((operation) => {
      const before = isUnansweredWrite(operation) ? foundBefore.get(operation.op.value) : undefined;
      if (before === undefined || before <= operation.called) return operation;
      changed = true;
      const result = { kind: operation.op.kind === "put" ? "put" : "did" } as const;
      return { ...operation, returned: before, result };
    });
    if (!changed) break;
  }
  const found = firstFound(operations);
  return operations
    .filter((operation) => {
      if (operation.returned !== Infinity || operation.op.kind === "delete") return true;
      return isUnansweredWrite(operation) && found.has(operation.op.value);
    })
    .map((operation) => {
      const { op } = operation;
      return op.kind === "put" && !found.has(op.value) ? { ...operation, unseen: true } : operation;
    });
}

type WriteOperation = RegisterOperation & { readonly op: { readonly value: string } };

function isUnansweredWrite(operation: RegisterOperation): operation is WriteOperation {
  return operation.returned === Infinity && "value" in operation.op;
}

/** Each value that an answered operation found, with the earliest return of one that did. */
function firstFound(history: readonly RegisterOperation[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { op, result, returned } of history) {
    if (result === undefined) continue;
    const built = op.kind === "swap" && result.kind === "did" ? op.expect : undefined;
    const held = "held" in result ? result.held : built;
    if (held !== undefined) found.set(held, Math.min(found.get(held) ?? Infinity, returned));
  }
  return found;
}
