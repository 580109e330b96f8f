// hansa.v1.KindOperation from its bytes to the federation's own, which the store carries and federation/ alone reads.
import { keyOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { encodeClientOperation } from "../federation/index.ts";
import type { ClientOperation } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import { invalid } from "./decode.ts";

/** @throws {KvError} `invalid-argument`; what the operation means is judged where it is applied. */
export function readKindOperation(reader: Reader): Uint8Array {
  const message = hansa.v1.KindOperation.decode(reader) as hansa.v1.KindOperation;
  return encodeClientOperation(operationOf(message));
}

function operationOf(message: hansa.v1.KindOperation): ClientOperation {
  switch (message.operation) {
    case "counter_add":
      return { kind: "counter", action: "add", amount: amountOf(message.counter_add) };
    case "counter_reset":
      return { kind: "counter", action: "reset" };
    case "bounded_add":
      return { kind: "bounded-counter", action: "add", amount: amountOf(message.bounded_add) };
    case "bounded_take":
      return { kind: "bounded-counter", action: "take", amount: amountOf(message.bounded_take) };
    case "bounded_transfer": {
      const { amount, to_region: toRegion } = message.bounded_transfer ?? {};
      const rights = { amount: amountOf(amount), toRegion: toRegion ?? "" };
      return { kind: "bounded-counter", action: "transfer", ...rights };
    }
    case "set": {
      const { add, remove } = message.set ?? {};
      return { kind: "set", action: "change", add: keysOf(add), remove: keysOf(remove) };
    }
    case "map": {
      const { put, remove } = message.map ?? {};
      const fields = (put ?? []).map(({ field, value }) => ({
        field: keyOf(field ?? NO_BYTES),
        value: keyOf(value ?? NO_BYTES),
      }));
      return { kind: "map", action: "change", put: fields, remove: keysOf(remove) };
    }
    case "register":
      return { kind: "register", action: "write", value: message.register ?? NO_BYTES };
    case "flag":
      return { kind: "flag", action: "write", enabled: message.flag ?? false };
    default:
      throw invalid("the operation of a kind is none that is known");
  }
}

const NO_BYTES = new Uint8Array(0);

function keysOf(list: readonly Uint8Array[] | null | undefined): readonly Key[] {
  return (list ?? []).map((bytes) => keyOf(bytes));
}

function amountOf(wire: number | bigint | null | undefined): bigint {
  return BigInt(wire ?? 0);
}
