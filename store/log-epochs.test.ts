import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { logIndex } from "../base/index.ts";
import type { Epoch } from "../consensus/index.ts";
import { LogEpochs } from "./log-epochs.ts";

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant<"append">("append"), round: fc.nat(2) }) },
  fc.record({ kind: fc.constant<"set">("set"), index: fc.nat(20), round: fc.nat(2) }),
  fc.record({ kind: fc.constant<"truncate">("truncate"), index: fc.nat(20) }),
  fc.record({ kind: fc.constant<"drop">("drop"), index: fc.nat(20) }),
);

function epoch(round: number): Epoch {
  return { config: 0, round, node: 0 };
}

test("the runs agree with a map of every index, and neighbours differ", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const runs = new LogEpochs();
      const naive = new Map<number, number>();
      for (const each of steps) {
        const last = Math.max(0, ...naive.keys());
        if (each.kind === "append" || each.kind === "set") {
          const index = each.kind === "append" ? last + 1 : each.index + 1;
          runs.set(logIndex(index), epoch(each.round));
          naive.set(index, each.round);
        } else if (each.kind === "truncate") {
          runs.truncateFrom(logIndex(each.index));
          for (const index of [...naive.keys()]) if (index >= each.index) naive.delete(index);
        } else {
          runs.dropThrough(logIndex(each.index));
          for (const index of [...naive.keys()]) if (index <= each.index) naive.delete(index);
        }
        expect(runs.last).toBe(Math.max(0, ...naive.keys()));
        let changes = 0;
        for (let index = 0; index <= 64; index += 1) {
          const round = naive.get(index);
          expect(runs.at(logIndex(index))).toEqual(round === undefined ? undefined : epoch(round));
          if (round !== undefined && round !== naive.get(index - 1)) changes += 1;
        }
        expect(runs.runCount).toBe(changes);
      }
    }),
  );
});
