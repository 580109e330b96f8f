// Numbers of a session: each once, and a floor that never passes one that is out (R9).
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../base/index.ts";
import { SequenceLedger, WriteSession } from "./session.ts";

describe("SequenceLedger", () => {
  test("the floor is the least number that is out, or the next, found by looking at all", () => {
    const step = fc.oneof(fc.constant("take" as const), fc.nat({ max: 20 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new SequenceLedger();
        const out: number[] = [];
        let taken = 0;
        for (const what of steps) {
          if (what === "take") {
            out.push(ledger.take());
            taken += 1;
            expect(out[out.length - 1]).toBe(taken);
          } else if (out.length > 0) {
            const [ended] = out.splice(what % out.length, 1);
            ledger.end(ended ?? 0);
          }
          expect(ledger.acknowledgedBelow).toBe(Math.min(taken + 1, ...out));
        }
      }),
    );
  });

  test("a number ends once", () => {
    const ledger = new SequenceLedger();
    const sequence = ledger.take();
    ledger.end(sequence);
    expect(() => {
      ledger.end(sequence);
    }).toThrow("ends once");
  });
});

describe("WriteSession", () => {
  test("writes that begin together share one opening, and its numbers", async () => {
    let openedCount = 0;
    const session = new WriteSession(() => {
      openedCount += 1;
      return Promise.resolve(7n);
    });
    const numbered = await Promise.all([1, 2, 3].map(() => session.number()));
    expect(openedCount).toBe(1);
    expect(numbered.map((one) => one?.requestId())).toEqual([
      { session: 7n, sequence: 1, acknowledged_below: 1 },
      { session: 7n, sequence: 2, acknowledged_below: 1 },
      { session: 7n, sequence: 3, acknowledged_below: 1 },
    ]);
    numbered[0]?.end();
    numbered[2]?.end();
    // A repetition says what has been answered meanwhile.
    expect(numbered[1]?.requestId()).toEqual({ session: 7n, sequence: 2, acknowledged_below: 2 });
  });

  test("a forgotten session is opened anew, and its late end does not touch the next", async () => {
    const ids = [1n, 2n];
    const session = new WriteSession(() => Promise.resolve(ids.shift()));
    const before = await session.number();
    session.forget(1n);
    const after = await session.number();
    session.forget(1n);
    before?.end();
    expect(after?.requestId()).toEqual({ session: 2n, sequence: 1, acknowledged_below: 1 });
    expect(session.id).toBe(2n);
  });

  test("a server without sessions is asked once", async () => {
    let askedCount = 0;
    const session = new WriteSession(() => {
      askedCount += 1;
      return Promise.resolve(undefined);
    });
    expect(await session.number()).toBeUndefined();
    expect(await session.number()).toBeUndefined();
    expect(askedCount).toBe(1);
  });

  test("a failed opening fails those who waited for it, and the next write tries again", async () => {
    let failing = true;
    const session = new WriteSession(() =>
      failing
        ? Promise.reject(new KvError("no-leader", "not-applied", "no leader"))
        : Promise.resolve(9n),
    );
    await expect(session.number()).rejects.toThrow("no leader");
    failing = false;
    expect((await session.number())?.session).toBe(9n);
  });
});
