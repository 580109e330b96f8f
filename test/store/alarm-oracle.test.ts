// Alarms against the naive model: what stands, whose word it is, and what it bars, across restarts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Request } from "../../store/index.ts";
import { commands, ranges } from "./arbitrary.ts";
import { Host, plain } from "./host.ts";
import { Oracle } from "./oracle.ts";
import { EXPIRE, alarm, compact, del, grant, op, put, rangeOf, renew, txn } from "./requests.ts";

const alarms: fc.Arbitrary<Request> = fc
  .tuple(
    fc.constantFrom("activate", "deactivate", "deactivate"),
    fc.constantFrom(0n, 7n, 2n ** 64n - 1n),
    fc.constantFrom("no-space", "corrupt", "none"),
    fc.constantFrom("alarm", "alarm-finding"),
  )
  .map(([action, member, type, kind]) =>
    alarm(action as "activate", member, type as "corrupt", kind as "alarm"),
  );

const steps = fc.record({
  request: fc.oneof(
    { weight: 3, arbitrary: alarms },
    { weight: 2, arbitrary: fc.constantFrom(grant(5n, 40), renew(5n), EXPIRE) },
    { weight: 4, arbitrary: commands },
  ),
  range: ranges,
  restarts: fc.integer({ min: 0, max: 6 }).map((draw) => draw === 0),
});

test("every answer is as the model has it, whatever alarms stand", () => {
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 40, size: "max" }), (script) => {
      const host = new Host({ valueCacheBytesMax: 0 });
      const twin = new Host();
      const oracle = new Oracle();
      for (const { request, range, restarts } of script) {
        const expected = plain(oracle.run(request, oracle.revision * 10));
        expect(host.run(request, oracle.revision * 10)).toEqual(expected);
        twin.run(request, oracle.revision * 10);
        if (restarts) {
          host.flush();
          host.restart();
        }
        expect([...host.machine.alarms.list()].sort(byMember)).toEqual(
          [...oracle.alarms].sort(byMember),
        );
        expect(host.range(range)).toEqual(plain(oracle.range(range)));
        expect(host.machine.hash()).toBe(twin.machine.hash());
      }
    }),
    { numRuns: 200 },
  );
});

function byMember(left: { member: bigint; type: string }, right: typeof left): number {
  return `${left.member} ${left.type}` < `${right.member} ${right.type}` ? -1 : 1;
}

describe("without space", () => {
  test("what takes none goes on, and what would is refused with etcd's words", () => {
    const host = new Host();
    host.run(put("a", "1"));
    host.run(alarm("activate", 7n));
    const text = "etcdserver: mvcc: database space exceeded";
    const refusedOf = [
      put("b", "2"),
      txn([], [op.del("a")], [op.put("b", "2")]),
      txn([], [op.txn([], [op.put("b", "2")])]),
      grant(1n, 5_000),
    ];
    for (const request of refusedOf) expect(host.run(request)).toMatchObject({ message: text });
    expect(host.run(txn([], [op.range("a"), op.del("a")]))).toMatchObject({ revision: 3 });
    expect(host.run(del("a"))).toMatchObject({ kind: "delete-range" });
    expect(host.run(compact(3))).toMatchObject({ kind: "compaction" });
    expect(host.range(rangeOf("a"))).toMatchObject({ count: 0 });
  });
});

describe("an operator's word", () => {
  test("is taken back by an operator alone; a finding by either", () => {
    const host = new Host();
    host.run(alarm("activate", 7n, "no-space", "alarm-finding"));
    host.run(alarm("activate", 7n));
    expect(host.run(alarm("deactivate", 7n, "no-space", "alarm-finding"))).toMatchObject({
      alarms: [],
    });
    expect(host.run(put("a", "1"))).toMatchObject({ kind: "refused" });
    expect(host.run(alarm("deactivate", 7n))).toMatchObject({ alarms: [{ member: 7n }] });
    host.run(alarm("activate", 7n, "no-space", "alarm-finding"));
    host.run(alarm("deactivate", 7n));
    expect(host.run(put("a", "1"))).toMatchObject({ kind: "put" });
  });
});
