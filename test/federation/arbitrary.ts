// Random transactions as a region could mint them: small worlds, so that dots and keys meet, and every kind of
// operation. `flawOf` finds nothing in them.
import fc from "fast-check";
import { keyOf } from "../../base/index.ts";
import type { Hlc, Key, LeaseId } from "../../base/index.ts";
import { compareDots, originId, sameDot, sequence } from "../../federation/dot.ts";
import type { Dot, OriginId, Sequence } from "../../federation/dot.ts";
import type { KindOperation } from "../../federation/kind.ts";
import { LOST_VALUE_BYTES_MAX, hasSeen } from "../../federation/transaction.ts";
import type { Context, Lost, Operation, Transaction } from "../../federation/transaction.ts";
import type { Vector } from "../../federation/vector.ts";

const origins = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }).map(originId) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 16, 2 ** 32 - 1).map(originId) },
);
const sequences = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 300 }).map(sequence) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 32, Number.MAX_SAFE_INTEGER).map(sequence) },
);
const stamps = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((bits) => bits as Hlc);
const values = fc.uint8Array({ maxLength: 20 });
const texts: fc.Arbitrary<Key> = fc.uint8Array({ maxLength: 6 }).map(keyOf);
const keys: fc.Arbitrary<Key> = fc.uint8Array({ minLength: 1, maxLength: 6 }).map(keyOf);
const amounts = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const dots: fc.Arbitrary<readonly Dot[]> = fc.array(
  fc.record({ origin: origins, sequence: fc.integer({ min: 1, max: 300 }).map(sequence) }),
  { maxLength: 5 },
);

export const vectors: fc.Arbitrary<Vector> = fc
  .array(fc.tuple(origins, sequences), { maxLength: 6 })
  .map((entries) => new Map<OriginId, Sequence>(entries));

const ascending = (list: readonly Key[]): readonly Key[] => [...new Set(list)].sort();
const lists = fc.array(texts, { maxLength: 4 }).map(ascending);
const counted = fc
  .array(
    fc.record({
      origin: origins,
      plus: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      minus: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    }),
    { maxLength: 3 },
  )
  .map((seen) => {
    const byOrigin = new Map(seen.map((one) => [one.origin, one]));
    return [...byOrigin.values()].sort((left, right) => left.origin - right.origin);
  });

export const kindOperations: fc.Arbitrary<KindOperation> = fc.oneof(
  fc.tuple(amounts, fc.boolean()).map(([amount, less]): KindOperation => ({
    kind: "counter",
    action: "add",
    amount: less ? -amount : amount,
  })),
  fc
    .tuple(fc.constantFrom("reset", "delete"), counted)
    .map(([action, seen]): KindOperation => ({ kind: "counter", action, seen })),
  fc
    .tuple(fc.constantFrom("add", "take"), amounts)
    .map(([action, amount]): KindOperation => ({ kind: "bounded-counter", action, amount })),
  fc.tuple(origins, amounts).map(([to, amount]): KindOperation => ({
    kind: "bounded-counter",
    action: "transfer",
    to,
    amount,
  })),
  fc
    .tuple(lists, lists)
    .map(([add, remove]): KindOperation => ({ kind: "set", action: "change", add, remove })),
  fc.tuple(lists, lists, texts).map(([fields, others, value]): KindOperation => {
    const put = fields.map((field) => ({ field, value }));
    const remove = others.filter((field) => !fields.includes(field));
    return { kind: "map", action: "change", put, remove };
  }),
  values.map((value): KindOperation => ({ kind: "register", action: "write", value })),
  fc.boolean().map((enabled): KindOperation => ({ kind: "flag", action: "write", enabled })),
  fc.constantFrom<KindOperation>(
    { kind: "set", action: "delete" },
    { kind: "map", action: "delete" },
    { kind: "register", action: "delete" },
    { kind: "flag", action: "delete" },
  ),
);

const losers = fc.array(
  fc.record({
    hlc: stamps,
    value: fc.option(
      fc.oneof(
        { weight: 19, arbitrary: values },
        { weight: 1, arbitrary: fc.constant(new Uint8Array(LOST_VALUE_BYTES_MAX)) },
      ),
      { nil: undefined },
    ),
    more: fc.nat({ max: 9_999 }),
  }),
  { minLength: 5, maxLength: 5 },
);

/** An operation that may name any dots: what its region had not seen is left out. */
const drafts = fc.record({
  key: keys,
  action: fc.constantFrom("put", "delete", "settle", "expire", "kind"),
  lifetime: fc.option(
    fc.record({
      lease: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map((id) => id as LeaseId),
      ttlMs: fc.integer({ min: 1, max: 2 ** 43 }),
    }),
    { nil: undefined },
  ),
  value: values,
  seen: fc.option(dots, { nil: "all-seen" as const }),
  birth: fc.option(fc.tuple(stamps, dots), { nil: undefined }),
  lost: fc.option(fc.tuple(dots, losers), { nil: undefined }),
  operation: kindOperations,
});
type Draft = typeof drafts extends fc.Arbitrary<infer Made> ? Made : never;

function seenOf(transaction: Transaction, named: readonly Dot[]): readonly Dot[] {
  return named
    .filter((dot) => hasSeen(transaction, dot))
    .sort(compareDots)
    .filter((dot, at, all) => at === 0 || !sameDot(dot, all[at - 1] ?? dot));
}

function lostOf(transaction: Transaction, draft: Draft): readonly Lost[] {
  const [named, shown] = draft.lost ?? [[], []];
  return seenOf(transaction, named).map((dot, at): Lost => {
    const { hlc, value, more } = shown[at] ?? { hlc: 1n as Hlc, value: undefined, more: 0 };
    if (value === undefined) return { dot, hlc, valueBytes: 0 };
    const valueBytes = value.length === LOST_VALUE_BYTES_MAX ? value.length + more : value.length;
    return { dot, hlc, value, valueBytes };
  });
}

function operationOf(transaction: Transaction, draft: Draft): Operation {
  const { key, value, operation, lifetime } = draft;
  const context: Context = draft.seen === "all-seen" ? "all-seen" : seenOf(transaction, draft.seen);
  const all = lostOf(transaction, draft);
  const lost = all.length >= 2 ? all : undefined;
  switch (draft.action) {
    case "put": {
      const [hlc, named] = draft.birth ?? [0n as Hlc, []];
      const [dot] = seenOf(transaction, named);
      const birth = dot !== undefined && hlc < transaction.hlc ? { hlc, dot } : undefined;
      return {
        ...{ action: "put", key, value, context },
        ...(birth && { birth }),
        ...(lost && { lost }),
        ...(lifetime && { lifetime }),
      };
    }
    case "expire": {
      const ended = draft.seen === "all-seen" ? [] : seenOf(transaction, draft.seen);
      if (ended.length === 0) return { action: "kind", key, operation };
      return { action: "expire", key, dots: ended };
    }
    case "delete":
      return { action: "delete", key, context, ...(lost && { lost }) };
    case "settle": {
      const [kept, ...others] = all;
      if (kept === undefined || others.length === 0) return { action: "kind", key, operation };
      return { action: "settle", key, kept: kept.dot, lost: others };
    }
    default:
      return { action: "kind", key, operation };
  }
}

export const transactions: fc.Arbitrary<Transaction> = fc
  .record({
    origin: origins,
    sequence: sequences,
    deps: vectors,
    hlc: stamps,
    epoch: fc.integer({ min: 1, max: 1_000 }),
    drafts: fc.uniqueArray(drafts, { selector: ({ key }) => key, maxLength: 5 }),
  })
  .map(({ drafts: made, deps: named, ...rest }) => {
    const deps = new Map([...named].filter(([origin]) => origin !== rest.origin));
    const transaction: Transaction = { ...rest, deps, operations: [] };
    return { ...transaction, operations: made.map((draft) => operationOf(transaction, draft)) };
  });
