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

/** `held`: what a get saw, or a swap that failed; `did`: whether a delete or swap took effect. */
export type RegisterResult =
  | { readonly kind: "held"; readonly held: Held }
  | { readonly kind: "did" }
  | { readonly kind: "did-not"; readonly held?: Held }
  | { readonly kind: "put" };

export type RegisterOperation = Operation<RegisterOp, RegisterResult>;

export const REGISTER: SequentialModel<Held, RegisterOp, RegisterResult> = {
  initial: undefined,
  step(state, op, result) {
    switch (op.kind) {
      case "get":
        return result === undefined || (result.kind === "held" && result.held === state)
          ? { state }
          : undefined;
      case "put":
        return { state: op.value };
      case "delete":
        return result === undefined || (result.kind === "did") === (state !== undefined)
          ? { state: undefined }
          : undefined;
      case "swap":
        return stepSwap(state, op, result);
      default:
        return unreachable(op);
    }
  },
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

/** Values are written at most once each in a history; that is what makes pruning sound. */
export function checkRegister(history: readonly RegisterOperation[]): Verdict {
  return checkLinearizable(REGISTER, pruned(history));
}

/**
 * Without the writes of unknown fate whose value nobody saw or built on: each can be left to the very
 * end of any order, so it decides nothing and costs the search a factor of two.
 */
export function pruned(history: readonly RegisterOperation[]): readonly RegisterOperation[] {
  const seen = new Set<string>();
  for (const { op, result } of history) {
    if (op.kind === "swap" && op.expect !== undefined) seen.add(op.expect);
    if (result !== undefined && "held" in result && result.held !== undefined)
      seen.add(result.held);
  }
  const absenceMatters = history.some(({ op }) => op.kind === "delete");
  return history.filter(({ op, result, returned }) => {
    if (returned !== Infinity || result !== undefined) return true;
    if (op.kind === "get") return false;
    // An unseen value still makes the key present, which a delete's count can tell.
    if (op.kind === "put" || op.kind === "swap") return seen.has(op.value) || absenceMatters;
    return true;
  });
}
