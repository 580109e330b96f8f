// The machine against the naive model, over random commands and reads, whatever is cached, however often it
// is restarted, and however its batches are cut.
import { describe, expect, test } from "@jest/globals";
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
import { Host, plain } from "./host.ts";
import { Oracle } from "./oracle.ts";
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

const ranges: fc.Arbitrary<RangeRequest> = fc
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

const commands: fc.Arbitrary<Request> = fc.oneof(
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

type Step =
  | { readonly step: "command"; readonly command: Request }
  | { readonly step: "range"; readonly range: RangeRequest }
  | { readonly step: "flush" | "flush-one" | "checkpoint" | "restart" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: commands.map((command) => ({ step: "command" as const, command })) },
  { weight: 4, arbitrary: ranges.map((range) => ({ step: "range" as const, range })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("flush", "flush-one", "checkpoint", "restart")
      .map((step) => ({ step })),
  },
);

describe("the machine agrees with the model", () => {
  test("in every answer, with a cache of no bytes, across restarts and checkpoints", () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 60 }), (script) => {
        const host = new Host({ valueCacheBytesMax: 0 });
        const twin = new Host({ valueCacheBytesMax: 1 << 20 });
        const oracle = new Oracle();
        for (const step of script) {
          play(step, host, twin, oracle);
          expect(host.machine.hash()).toBe(twin.machine.hash());
        }
      }),
      { numRuns: 600 },
    );
  });

  test("in scans of any step size, while the store is written and compacted", () => {
    fc.assert(
      fc.property(
        fc.array(commands, { minLength: 5, maxLength: 30 }),
        fc.array(commands, { maxLength: 20 }),
        ranges,
        fc.integer({ min: 1, max: 3 }),
        (before, meanwhile, range, keysPerStepMax) => {
          const host = new Host({ valueCacheBytesMax: 0 });
          const oracle = new Oracle();
          for (const command of before) {
            host.run(command);
            oracle.run(command);
          }
          host.flush();
          const expected = plain(oracle.range(range));
          const waiting = [...meanwhile];
          const answer = host.scan(range, keysPerStepMax, () => {
            const next = waiting.shift();
            if (next !== undefined) host.run(next);
            host.flush();
          });
          expect(answer).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The twin is never restarted and never short of memory. */
function play(step: Step, host: Host, twin: Host, oracle: Oracle): void {
  switch (step.step) {
    case "command": {
      const expected = plain(oracle.run(step.command));
      expect(host.run(step.command)).toEqual(expected);
      expect(twin.run(step.command)).toEqual(expected);
      break;
    }
    case "range": {
      const expected = plain(oracle.range(step.range));
      expect(host.range(step.range)).toEqual(expected);
      expect(host.scan(step.range, 2)).toEqual(expected);
      break;
    }
    case "flush":
      host.flush();
      break;
    case "flush-one":
      host.flushOne();
      break;
    case "checkpoint":
      host.checkpoint();
      break;
    case "restart":
      host.flushOne();
      expect(host.restart()).toEqual({ ok: true, applied: twin.machine.applied });
      break;
  }
}
