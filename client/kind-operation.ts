// What may be done to keys of a kind, as data: for the calls of `Kinds`, and for transactions (`op.operate`). A federated
// prefix fixes the kind of its keys; an operation of another is refused (`federation-refused`).
import { KvError } from "../base/index.ts";
import type { etcdserverpb, hansa } from "../proto/index.ts";
import { bytesFrom } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";

/** One operation, made by `operation`. */
export interface KindOperation {
  readonly wire: hansa.v1.IKindOperation;
}

const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

/** @throws {KvError} `invalid-argument` for a number out of its range */
export const operation = {
  /** To a counter: a number of 64 bits with a sign, and not 0. */
  addToCounter: (amount: bigint): KindOperation => {
    const isAmount = amount !== 0n && amount >= I64_MIN && amount <= I64_MAX;
    if (!isAmount) throw outOfRange(amount, "a number of 64 bits with a sign, and not 0");
    return { wire: { counter_add: amount } };
  },
  /** Of a counter, to 0; what other regions add meanwhile stays. */
  resetCounter: (): KindOperation => ({ wire: { counter_reset: true } }),
  /** To a bounded counter, with the right to take as much again. */
  addToBoundedCounter: (amount: bigint): KindOperation => ({
    wire: { bounded_add: checkedAmount(amount) },
  }),
  /** From a bounded counter, out of the rights of the region that is asked. */
  takeFromBoundedCounter: (amount: bigint): KindOperation => ({
    wire: { bounded_take: checkedAmount(amount) },
  }),
  /** Of those rights, to another region. */
  transferRights: (amount: bigint, toRegion: string): KindOperation => ({
    wire: { bounded_transfer: { amount: checkedAmount(amount), to_region: toRegion } },
  }),
  /** What is in both lists is added. Elements are UTF-8. */
  changeSet: (change: {
    readonly add?: readonly string[];
    readonly remove?: readonly string[];
  }): KindOperation => ({
    wire: { set: { add: allBytes(change.add), remove: allBytes(change.remove) } },
  }),
  /** A field stands in one of both, once. Fields and values are UTF-8. */
  changeMap: (change: {
    readonly put?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
    readonly remove?: readonly string[];
  }): KindOperation => ({
    wire: {
      map: {
        put: entriesOf(change.put).map(([field, value]) => ({
          field: bytesFrom(field),
          value: bytesFrom(value),
        })),
        remove: allBytes(change.remove),
      },
    },
  }),
  writeRegister: (value: Bytes): KindOperation => ({ wire: { register: bytesFrom(value) } }),
  writeFlag: (enabled: boolean): KindOperation => ({ wire: { flag: enabled } }),
} as const;

/** @throws {KvError} `unimplemented`: a server that knows no kinds has left the value as it was */
export function checkOperated(
  { operated }: etcdserverpb.IPutResponse,
  outcome: "applied" | "not-applied",
): void {
  if (operated === true) return;
  const message = "the server knows no kinds, and has left the value as it was";
  throw new KvError("unimplemented", outcome, message);
}

function checkedAmount(amount: bigint): bigint {
  if (amount >= 1n && amount <= I64_MAX) return amount;
  throw outOfRange(amount, `1 to ${I64_MAX}`);
}

function outOfRange(amount: bigint, expected: string): KvError {
  const message = `the amount is ${amount}, expected ${expected}`;
  return new KvError("invalid-argument", "not-applied", message);
}

function allBytes(texts: readonly string[] = []): Uint8Array[] {
  return texts.map((text) => bytesFrom(text));
}

function entriesOf(
  fields: Readonly<Record<string, string>> | ReadonlyMap<string, string> = {},
): readonly (readonly [string, string])[] {
  return fields instanceof Map ? [...fields] : Object.entries(fields);
}
