// Keys of a kind, whichever it is (federation 9): what an operation does to the state, and what a client sees of it. Each
// kind has a file of its own in kinds/.
import { compareBytes, unreachable } from "../base/index.ts";
import { sameWrites } from "./event-rule.ts";
import type { Change } from "./event-rule.ts";
import {
  NO_BOUNDED_COUNTER,
  applyBoundedCounter,
  boundedCounterValue,
} from "./kinds/bounded-counter.ts";
import { NO_COUNTER, applyCounter, counterValue } from "./kinds/counter.ts";
import { NO_FLAG, applyFlag, flagValue } from "./kinds/flag.ts";
import { NO_MAP, applyMap, mapValue } from "./kinds/map.ts";
import { NO_REGISTER, applyRegister, registerValue } from "./kinds/register.ts";
import { NO_SET, applySet, setValue } from "./kinds/set.ts";
import type { KindName, KindOperation, KindState } from "./kind.ts";
import type { FederationBug } from "./planted.ts";
import type { Transaction } from "./transaction.ts";

/** What a key of the kind holds before anybody wrote it. */
export function emptyState(kind: KindName): KindState {
  switch (kind) {
    case "counter":
      return NO_COUNTER;
    case "bounded-counter":
      return NO_BOUNDED_COUNTER;
    case "set":
      return NO_SET;
    case "map":
      return NO_MAP;
    case "register":
      return NO_REGISTER;
    case "flag":
      return NO_FLAG;
    default:
      return unreachable(kind);
  }
}

/**
 * The state once `operation` of `transaction` is applied. Total: an operation of another kind was refused at its
 * origin, and does nothing.
 */
export function applyKind(
  state: KindState,
  transaction: Transaction,
  operation: KindOperation,
  planted?: FederationBug,
): KindState {
  switch (operation.kind) {
    case "counter":
      return state.kind === "counter"
        ? applyCounter(state, transaction, operation, planted)
        : state;
    case "bounded-counter":
      return state.kind === "bounded-counter"
        ? applyBoundedCounter(state, transaction, operation)
        : state;
    case "set":
      return state.kind === "set" ? applySet(state, transaction, operation) : state;
    case "map":
      return state.kind === "map" ? applyMap(state, transaction, operation) : state;
    case "register":
      return state.kind === "register" ? applyRegister(state, transaction, operation) : state;
    case "flag":
      return state.kind === "flag" ? applyFlag(state, transaction, operation) : state;
    default:
      return unreachable(operation);
  }
}

/** What an etcd client reads; undefined: there is no such key. */
export function valueOfKind(state: KindState): Uint8Array | undefined {
  switch (state.kind) {
    case "counter":
      return counterValue(state);
    case "bounded-counter":
      return boundedCounterValue(state);
    case "set":
      return setValue(state);
    case "map":
      return mapValue(state);
    case "register":
      return registerValue(state);
    case "flag":
      return flagValue(state);
    default:
      return unreachable(state);
  }
}

/** Whether it is as if nobody had ever written it, and takes no row: never again true of a counter. */
export function isEmptyState(state: KindState): boolean {
  switch (state.kind) {
    case "counter":
    case "bounded-counter":
      return state.records.length === 0;
    case "set":
      return state.elements.length === 0;
    case "map":
      return state.fields.length === 0;
    case "register":
    case "flag":
      return state.writes.length === 0;
    default:
      return unreachable(state);
  }
}

/**
 * The event of a step of a kind's key (federation 6). A register's clients compare as those of `siblings` do: any
 * change of its writes counts. `local`: a client of this region changed it.
 */
export function kindChangeOf(
  before: KindState,
  after: KindState,
  options: { readonly local: boolean } = { local: false },
): Change {
  const shownBefore = valueOfKind(before);
  const shownAfter = valueOfKind(after);
  if (shownAfter === undefined) return shownBefore === undefined ? "none" : "delete";
  if (shownBefore === undefined || options.local) return "put";
  if (compareBytes(shownBefore, shownAfter) !== 0) return "put";
  if (before.kind !== "register" || after.kind !== "register") return "none";
  return sameWrites(before.writes, after.writes) ? "none" : "put";
}
