// Random requests over a handful of keys, so that they meet: with every option, valid or not in the state they
// find. Revisions are small: a caller shifts them to where its store stands.
import fc from "fast-check";
import type { Key, LeaseId, Revision } from "../../base/index.ts";
import type {
  Compare,
  KeyRange,
  PutRequest,
  RangeRequest,
  Request,
  RequestOp,
  TxnRequest,
} from "../../store/index.ts";
import { value } from "./requests.ts";

const keys = fc.constantFrom("a", "ab", "b", "ba", "c", "\u{ff}").map((text) => text as Key);
const ends = fc.constantFrom("\0", "a", "b", "bb", "d").map((text) => text as Key);
const spans: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.record({ key: keys }),
  fc.record({ key: keys, end: ends }),
);
const values = fc.constantFrom("", "1", "2", "22", "\u{80}").map(value);
const small = fc.integer({ min: 0, max: 12 });
const revisions = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: small },
);
const limits = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }));

export const ranges: fc.Arbitrary<RangeRequest> = fc
  .record({
    span: spans,
    limit: limits,
    revision: revisions,
    sortOrder: fc.constantFrom("none", "none", "ascend", "descend"),
    sortTarget: fc.constantFrom("key", "version", "create", "mod", "value"),
    keysOnly: fc.boolean(),
    countOnly: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
    minModRevision: revisions,
    maxModRevision: revisions,
    minCreateRevision: revisions,
    maxCreateRevision: revisions,
  })
  .map(({ span, revision, ...rest }) => ({
    ...span,
    ...rest,
    revision: revision as Revision,
    serializable: false,
  }));

const puts: fc.Arbitrary<PutRequest> = fc.record({
  key: keys,
  value: values,
  lease: fc.integer({ min: 0, max: 30 }).map((draw) => (draw === 0 ? 5n : 0n) as LeaseId),
  prevKv: fc.boolean(),
  ignoreValue: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 0),
  ignoreLease: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 0),
});

const deletes = fc
  .record({ span: spans, prevKv: fc.boolean() })
  .map(({ span, prevKv }) => ({ ...span, prevKv }));

const results = fc.constantFrom("equal", "greater", "less", "not-equal");
const compares = fc
  .tuple(
    spans,
    results,
    fc.oneof(
      small.map((version) => ({ target: "version", version })),
      small.map((createRevision) => ({ target: "create", createRevision })),
      small.map((modRevision) => ({ target: "mod", modRevision })),
      values.map((content) => ({ target: "value", value: content })),
      fc.constantFrom(0n, 5n).map((lease) => ({ target: "lease", lease })),
    ),
  )
  .map(([span, result, target]) => ({ ...span, result, ...target })) as fc.Arbitrary<Compare>;

const { txns } = fc.letrec<{ txns: TxnRequest; operations: RequestOp }>((tie) => ({
  operations: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    ranges.map((range) => ({ kind: "range" as const, range })),
    puts.map((put) => ({ kind: "put" as const, put })),
    deletes.map((deleteRange) => ({ kind: "delete-range" as const, deleteRange })),
    tie("txns").map((txn) => ({ kind: "txn" as const, txn })),
  ),
  txns: fc.record({
    compare: fc.array(compares, { maxLength: 2 }),
    success: fc.array(tie("operations"), { maxLength: 4 }),
    failure: fc.array(tie("operations"), { maxLength: 3 }),
  }),
}));

export const commands: fc.Arbitrary<Request> = fc.oneof(
  { weight: 5, arbitrary: puts.map((put) => ({ kind: "put" as const, put })) },
  {
    weight: 2,
    arbitrary: deletes.map((deleteRange) => ({ kind: "delete-range" as const, deleteRange })),
  },
  { weight: 4, arbitrary: txns.map((txn) => ({ kind: "txn" as const, txn })) },
  {
    weight: 1,
    arbitrary: small.map((revision) => ({
      kind: "compaction" as const,
      compaction: { revision: revision as Revision, physical: false },
    })),
  },
);
