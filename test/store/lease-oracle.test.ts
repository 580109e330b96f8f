// Leases against the naive model: when each is due, which keys hang on it, what goes with it and at which
// revision, whatever is put, transacted, restarted, and however log time runs.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key, LeaseId } from "../../base/index.ts";
import type { Epoch } from "../../consensus/index.ts";
import { NOBODY } from "../../store/index.ts";
import type { Request } from "../../store/index.ts";
import { commands } from "./arbitrary.ts";
import { Host, plain } from "./host.ts";
import { Oracle } from "./oracle.ts";
import { EXPIRE, del, grant, op, put, rangeOf, renew, revoke, txn } from "./requests.ts";

const ids = fc.constantFrom(5n, 7n, -3n, 2n ** 62n);
const keys = fc.constantFrom("a", "ab", "b", "c");

const leaseCommands: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(ids, fc.integer({ min: 1, max: 40 })).map(([id, ttl]) => grant(id, ttl)),
  },
  { weight: 1, arbitrary: ids.map(revoke) },
  { weight: 2, arbitrary: fc.array(ids, { maxLength: 3 }).map((some) => renew(...some)) },
  { weight: 3, arbitrary: fc.constant(EXPIRE) },
);

/** Puts that hang on a lease, alone and in a transaction, and those that leave or keep one. */
const attachments: fc.Arbitrary<Request> = fc
  .record({ at: keys, id: fc.oneof(ids, fc.constant(0n)), way: fc.nat({ max: 3 }) })
  .map(({ at, id, way }) => {
    const lease = id as LeaseId;
    if (way === 0) return put(at, "", { ignoreLease: true });
    if (way === 1) return txn([], [op.put(at, "t", { lease }), op.del("c")]);
    return way === 2 ? del(at) : put(at, "v", { lease });
  });

interface Step {
  readonly request: Request;
  readonly elapsedMs: number;
  readonly restarts: boolean;
}

const steps: fc.Arbitrary<Step> = fc.record({
  request: fc.oneof(
    { weight: 4, arbitrary: leaseCommands },
    { weight: 4, arbitrary: attachments },
    { weight: 1, arbitrary: commands },
  ),
  elapsedMs: fc.integer({ min: -5, max: 12 }),
  restarts: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
});

const ALL = { key: "a" as Key, until: "\0" };

test("every answer and every lease is as the model has it, across restarts", () => {
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 60, size: "max" }), (script) => {
      const host = new Host({ valueCacheBytesMax: 0 });
      const twin = new Host({ valueCacheBytesMax: 1 << 20 });
      const oracle = new Oracle();
      let logTimeMs = 100;
      for (const { request, elapsedMs, restarts } of script) {
        logTimeMs += elapsedMs;
        const expected = plain(oracle.run(request, logTimeMs));
        expect(host.run(request, logTimeMs)).toEqual(expected);
        expect(twin.run(request, logTimeMs)).toEqual(expected);
        if (restarts) {
          host.checkpoint();
          host.restart();
        }
        const { leases } = host.machine;
        const shown = leases.list().map(({ id, ttlMs, dueAtMs }) => [id, ttlMs, dueAtMs]);
        expect(shown.sort(byId)).toEqual([...oracle.leases].sort(byId));
        for (const { id, keys: held } of leases.list()) {
          expect([...held].sort()).toEqual(oracle.keysOf(id));
        }
        expect(leases.nextDueAtMs).toBe(leases.list()[0]?.dueAtMs);
        expect(host.machine.hash()).toBe(twin.machine.hash());
      }
      const whole = rangeOf(ALL.key, { until: ALL.until });
      expect(host.range(whole)).toEqual(plain(oracle.range(whole)));
    }),
    { numRuns: 400 },
  );
});

function byId([left]: readonly unknown[], [right]: readonly unknown[]): number {
  return String(left) < String(right) ? -1 : 1;
}

describe("a lease", () => {
  test("takes its keys along in one revision, in order, each as a delete", () => {
    const host = new Host();
    host.run(grant(5n, 1_000), 0);
    for (const key of ["b", "a", "c"]) host.run(put(key, key, { lease: 5n as LeaseId }), 0);
    host.run(put("c", "free"), 0);
    expect(host.run(EXPIRE, 999)).toMatchObject({ count: 0, revision: 5 });
    expect(host.run(EXPIRE, 1_000)).toMatchObject({ count: 1, revision: 6 });
    const changes: string[] = [];
    host.machine.changes.visit(
      6,
      (key, { mod, sub }) => changes.push(`${key}@${mod}.${sub}`),
      () => true,
    );
    expect(changes).toEqual(["a@6.0", "b@6.1"]);
    expect(host.range(rangeOf("c"))).toMatchObject({ count: 1 });
  });

  test("of which many are due ends in steps, the earliest first", () => {
    const host = new Host();
    for (let id = 1; id <= 300; id += 1) host.run(grant(BigInt(id), 1_000 - id), 0);
    expect(host.run(EXPIRE, 5_000)).toMatchObject({ count: 256 });
    expect(host.machine.leases.list().map(({ id }) => id)).toEqual(
      Array.from({ length: 44 }, (_, at) => BigInt(44 - at)),
    );
    expect(host.run(EXPIRE, 5_000)).toMatchObject({ count: 44 });
  });

  test("that is renewed lives its whole time from there; one that is gone is not", () => {
    const host = new Host();
    host.run(grant(5n, 1_000), 0);
    expect(host.run(renew(5n, 6n), 900)).toMatchObject({ ttlsMs: [1_000, 0] });
    expect(host.run(EXPIRE, 1_899)).toMatchObject({ count: 0 });
    expect(host.run(EXPIRE, 1_900)).toMatchObject({ count: 1 });
    expect(host.run(renew(5n), 1_900)).toMatchObject({ ttlsMs: [0] });
  });

  test.each([false, true])(
    "is not ended by what an earlier leader stamped and a later one proposes again, restarted: %s",
    (restarts) => {
      const host = new Host();
      const ballot = (round: number): Epoch => ({ config: 0, round, node: 0 });
      host.run(grant(5n, 1_000), 2_180, NOBODY, ballot(5));
      if (restarts) {
        host.checkpoint();
        host.restart();
      }
      expect(host.run(EXPIRE, 3_186, NOBODY, ballot(4))).toMatchObject({ count: 0 });
      expect(host.machine.logTime).toBe(2_180);
      expect(host.run(EXPIRE, 3_179, NOBODY, ballot(6))).toMatchObject({ count: 0 });
      expect(host.run(EXPIRE, 3_180, NOBODY, ballot(6))).toMatchObject({ count: 1 });
    },
  );
});
