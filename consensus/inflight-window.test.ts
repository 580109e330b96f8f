import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LogIndex } from "../base/index.ts";
import { InflightWindow } from "./inflight-window.ts";

test("counts what is in flight like a plain list", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("add" as const), bytes: fc.nat({ max: 50 }) }),
      fc.record({ do: fc.constant("free" as const), back: fc.nat({ max: 6 }) }),
      fc.record({ do: fc.constant("reset" as const) }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, messagesMax) => {
      const window = new InflightWindow(messagesMax, 100);
      let model: { readonly last: number; readonly bytes: number }[] = [];
      let last = 0;
      const bytes = (): number => model.reduce((sum, message) => sum + message.bytes, 0);
      for (const step of all) {
        if (step.do === "add" && !window.isFull) {
          last += 3;
          window.add(last as LogIndex, step.bytes);
          model.push({ last, bytes: step.bytes });
        } else if (step.do === "free") {
          const upTo = last - 3 * step.back;
          window.freeTo(upTo as LogIndex);
          model = model.filter((message) => message.last > upTo);
        } else if (step.do === "reset") {
          window.reset();
          model = [];
        }
        expect(window.count).toBe(model.length);
        expect(window.bytes).toBe(bytes());
        const full = model.length >= messagesMax || (model.length > 0 && bytes() >= 100);
        expect(window.isFull).toBe(full);
      }
    }),
  );
});
