// The effect of a client's operation on a key of a kind, as it is shipped, or why its region refuses it (federation 9).
// Everything is refused here: once it has a dot, it is applied everywhere.
import { bytesOf, unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { OriginId } from "./dot.ts";
import type { KindName, KindOperation, KindState } from "./kind.ts";
import { KIND_LIMITS } from "./kind-shape.ts";
import { boundedCounterRefusal } from "./kinds/bounded-counter.ts";
import { counterRefusal, counterSeen } from "./kinds/counter.ts";
import { sizeRefusal } from "./kinds/size.ts";

/** As a client says it: lists in any order, and what a reset has seen is found here. */
export type AskedOperation =
  | Exclude<KindOperation, { readonly action: "reset" | "delete" }>
  | { readonly kind: "counter"; readonly action: "reset" }
  | { readonly kind: KindName; readonly action: "delete" };

/** `wrong-kind`: the prefix has another. `no-rights`: of a bounded counter. The rest says what was wrong with it. */
export interface KindRefusal {
  readonly refused: "wrong-kind" | "no-rights" | "never-deleted" | "out-of-range" | "malformed";
  /** For people: what was wrong, and what was expected. */
  readonly text: string;
}

const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

/** `state`: of a key of the prefix's kind, as its region has it; `self` mints. */
export function mintedKind(
  asked: AskedOperation,
  state: KindState,
  self: OriginId,
): KindOperation | KindRefusal {
  if (asked.kind !== state.kind) {
    return refused("wrong-kind", `the key is a ${state.kind}, and this is done to a ${asked.kind}`);
  }
  if (asked.action === "delete") return deletionOf(state);
  switch (asked.kind) {
    case "counter":
      return mintedCounter(asked, state, self);
    case "bounded-counter":
      return mintedBounded(asked, state, self);
    case "set":
      return mintedSet(asked, state);
    case "map":
      return mintedMap(asked, state);
    case "register":
    case "flag":
      return asked;
    default:
      return unreachable(asked);
  }
}

/** What an etcd delete of the key does. */
export function deletionOf(state: KindState): KindOperation | KindRefusal {
  if (state.kind === "bounded-counter") {
    return refused(
      "never-deleted",
      "a bounded counter is never deleted: rights would be granted again",
    );
  }
  if (state.kind !== "counter") return { kind: state.kind, action: "delete" };
  return { kind: "counter", action: "delete", seen: counterSeen(state) };
}

function mintedCounter(
  asked: Extract<AskedOperation, { readonly kind: "counter"; readonly action: "add" | "reset" }>,
  state: KindState,
  self: OriginId,
): KindOperation | KindRefusal {
  if (state.kind !== "counter") return refused("wrong-kind", `the key is a ${state.kind}`);
  if (asked.action === "reset") {
    return { kind: "counter", action: "reset", seen: counterSeen(state) };
  }
  const { amount } = asked;
  if (amount === 0n) return refused("out-of-range", "0 is added, expected any other number");
  if (amount < I64_MIN || amount > I64_MAX) {
    return refused("out-of-range", `${amount} is added, expected a signed number of 64 bits`);
  }
  const refusal = counterRefusal(state, self, amount);
  return refusal === undefined ? asked : refused("out-of-range", refusal);
}

function mintedBounded(
  asked: Extract<AskedOperation, { readonly kind: "bounded-counter"; readonly amount: bigint }>,
  state: KindState,
  self: OriginId,
): KindOperation | KindRefusal {
  if (state.kind !== "bounded-counter") return refused("wrong-kind", `the key is a ${state.kind}`);
  const { amount } = asked;
  if (amount < 1n || amount > I64_MAX) {
    return refused("out-of-range", `the amount is ${amount}, expected 1 to ${I64_MAX}`);
  }
  const refusal = boundedCounterRefusal(state, self, asked);
  if (refusal === undefined) return asked;
  return refused(asked.action === "add" ? "out-of-range" : "no-rights", refusal);
}

function mintedSet(
  asked: Extract<AskedOperation, { readonly kind: "set"; readonly action: "change" }>,
  state: KindState,
): KindOperation | KindRefusal {
  const add = ascending(asked.add);
  const named = new Set(add);
  const remove = ascending(asked.remove).filter((element) => !named.has(element));
  const flaw = listFlaw("an element", "elements", [...add, ...remove]);
  if (flaw !== undefined) return flaw;
  const size = add.length === 0 ? undefined : sizeRefusal(state, add);
  if (size !== undefined) return refused("out-of-range", size);
  return { kind: "set", action: "change", add, remove };
}

function mintedMap(
  asked: Extract<AskedOperation, { readonly kind: "map"; readonly action: "change" }>,
  state: KindState,
): KindOperation | KindRefusal {
  const put = [...asked.put].sort((left, right) => (left.field < right.field ? -1 : 1));
  const fields = put.map(({ field }) => field);
  const twice = fields.find((field, at) => field === fields[at + 1]);
  if (twice !== undefined) return refused("malformed", "a field is put twice");
  const named = new Set(fields);
  const remove = ascending(asked.remove);
  if (remove.some((field) => named.has(field))) {
    return refused("malformed", "a field is both put and removed");
  }
  const values = put.map(({ value }) => value);
  const flaw = listFlaw("a field", "fields", [...fields, ...remove]) ?? textFlaw("a value", values);
  if (flaw !== undefined) return flaw;
  const size = put.length === 0 ? undefined : sizeRefusal(state, fields, values);
  if (size !== undefined) return refused("out-of-range", size);
  return { kind: "map", action: "change", put, remove };
}

function ascending(keys: readonly Key[]): readonly Key[] {
  return [...new Set(keys)].sort((left, right) => (left < right ? -1 : 1));
}

function listFlaw(one: string, many: string, keys: readonly Key[]): KindRefusal | undefined {
  const { itemsMax } = KIND_LIMITS;
  if (keys.length === 0) return refused("malformed", `no ${many} are named`);
  if (keys.length > itemsMax) {
    return refused("malformed", `${keys.length} ${many}, expected ${itemsMax} at most`);
  }
  if (keys.some((key) => key.length === 0)) return refused("malformed", `${one} is empty`);
  return textFlaw(one, keys);
}

function textFlaw(what: string, texts: readonly Key[]): KindRefusal | undefined {
  if (texts.every(isUtf8)) return undefined;
  return refused("malformed", `${what} is not UTF-8, as which clients read it`);
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function isUtf8(text: Key): boolean {
  try {
    decoder.decode(bytesOf(text));
    return true;
  } catch {
    return false;
  }
}

function refused(why: KindRefusal["refused"], text: string): KindRefusal {
  return { refused: why, text };
}
