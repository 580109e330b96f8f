// The same entries give the same engine operations, byte for byte, whatever is cached and however often a
// machine is restarted; and the same state as in the engine's rows.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { keyOf } from "../../base/index.ts";
import type { EngineOp, Request, RequestId } from "../../store/index.ts";
import { commands } from "./arbitrary.ts";
import { Host } from "./host.ts";
import { closeSession, openSession, sessionId } from "./requests.ts";

interface Timed {
  readonly request: Request;
  readonly logTimeMs: number;
}

const ids: fc.Arbitrary<RequestId> = fc.record({
  session: fc.integer({ min: 1, max: 6 }).map(sessionId),
  sequence: fc.integer({ min: 1, max: 4 }),
  acknowledgedBelow: fc.integer({ min: 0, max: 2 }),
});

const requests: fc.Arbitrary<Request> = fc.oneof(
  { weight: 4, arbitrary: commands },
  {
    weight: 4,
    arbitrary: fc
      .tuple(commands, ids)
      .map(([command, requestId]) =>
        command.kind === "compaction" ? command : { ...command, requestId },
      ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3000 }).map(openSession) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map(closeSession) },
);

const scripts: fc.Arbitrary<Timed[]> = fc.array(
  fc.record({ request: requests, logTimeMs: fc.integer({ min: 0, max: 5000 }) }),
  { minLength: 1, maxLength: 50 },
);

function shown(ops: readonly EngineOp[]): string[] {
  return ops.map(
    (op) => `${op.op} ${keyOf(op.key)}${op.op === "put" ? ` ${keyOf(op.value)}` : ""}`,
  );
}

test("two machines with caches of different sizes write the same batches", () => {
  fc.assert(
    fc.property(scripts, fc.infiniteStream(fc.boolean()), (script, draws) => {
      const small = new Host({ valueCacheBytesMax: 0 });
      const large = new Host({ valueCacheBytesMax: 1 << 20 });
      for (const { request, logTimeMs } of script) {
        expect(small.run(request, logTimeMs)).toEqual(large.run(request, logTimeMs));
        if (draws.next().value === true) continue;
        small.flush();
        large.flush();
      }
      small.checkpoint();
      large.checkpoint();
      expect(small.batches.map(shown)).toEqual(large.batches.map(shown));
      expect(small.machine.hash()).toBe(large.machine.hash());
    }),
    { numRuns: 400 },
  );
});

test("a machine that is restarted after every batch ends with the same rows and answers", () => {
  fc.assert(
    fc.property(scripts, (script) => {
      const steady = new Host({ valueCacheBytesMax: 1 << 20 });
      const restarted = new Host({ valueCacheBytesMax: 64 });
      for (const { request, logTimeMs } of script) {
        expect(restarted.run(request, logTimeMs)).toEqual(steady.run(request, logTimeMs));
        steady.flush();
        restarted.flush();
        restarted.restart();
        expect(restarted.machine.hash()).toBe(steady.machine.hash());
      }
      expect(restarted.sortedRows()).toEqual(steady.sortedRows());
    }),
    { numRuns: 200 },
  );
});
