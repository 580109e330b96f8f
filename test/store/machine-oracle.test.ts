// The machine against the naive model, over random commands and reads, whatever is cached, however often it
// is restarted, and however its batches are cut.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RangeRequest, Request } from "../../store/index.ts";
import { commands, ranges } from "./arbitrary.ts";
import { Host, plain } from "./host.ts";
import { Oracle } from "./oracle.ts";

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
