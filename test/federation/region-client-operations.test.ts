// What clients do in a region beside putting and deleting: operations of kinds inside puts, deletes of what is hidden,
// ids; and the record of conflicts as it is read before the engine has it (federation 5, 9, 12).
import { describe, expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import {
  ID_STRIDE,
  decodeConflict,
  encodeClientOperation,
  encodeSiblingContext,
} from "../../federation/index.ts";
import type { ClientOperation } from "../../federation/index.ts";
import { del, op, put, txn } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf, exchange, regions } from "./region.ts";

const COUNTER = policy("n/", { kind: "counter" });
const BOUNDED = policy("b/", { kind: "bounded-counter" });

function operated(key: string, operation: ClientOperation): ReturnType<typeof put> {
  return put(key, "", { operation: encodeClientOperation(operation) });
}

function add(amount: bigint): ClientOperation {
  return { kind: "counter", action: "add", amount };
}

describe("operations of clients", () => {
  test("stand in puts, in transactions too, and merge between regions", () => {
    const [east, north] = regions(configOf(2, [BOUNDED, COUNTER]));
    assert(east !== undefined && north !== undefined, "two regions");
    const both = txn(
      [],
      [
        op.put("n/a", "", { operation: encodeClientOperation(add(5n)) }),
        op.put("own", "beside it"),
      ],
    );
    expect(east.run(both)).toMatchObject({ kind: "txn" });
    north.run(operated("n/a", add(-2n)));
    exchange([east, north]);
    expect([east.get("n/a"), north.get("n/a")]).toEqual(["3", "3"]);
    expect(east.run(put("n/a", "7"))).toMatchObject({ code: "federation-refused" });
  });

  test("hand rights to a region by its name; what is refused uses no dot", () => {
    const [east, north] = regions(configOf(2, [BOUNDED, COUNTER]));
    assert(east !== undefined && north !== undefined, "two regions");
    const kind = "bounded-counter";
    east.run(operated("b/a", { kind, action: "add", amount: 4n }));
    east.run(operated("b/a", { kind, action: "transfer", amount: 3n, toRegion: "north" }));
    exchange([east, north]);
    const before = east.state.applied;
    for (const [request, code] of [
      [operated("b/a", { kind, action: "take", amount: 2n }), "federation-refused"],
      [
        operated("b/a", { kind, action: "transfer", amount: 1n, toRegion: "x" }),
        "invalid-argument",
      ],
      [operated("b/a", add(1n)), "federation-refused"],
      [operated("own", add(1n)), "federation-refused"],
      [put("b/a", "", { operation: Uint8Array.of(9) }), "invalid-argument"],
    ] as const) {
      expect(east.run(request)).toMatchObject({ kind: "refused", code });
    }
    expect(east.state.applied).toEqual(before);
    expect(north.run(operated("b/a", { kind, action: "take", amount: 3n })).kind).toBe("put");
    exchange([east, north]);
    expect([east.get("b/a"), north.get("b/a")]).toEqual(["1", "1"]);
  });

  test("repeated under a session's number are done once, of another number again (scenario 19, trap 18)", () => {
    const [east] = regions(configOf(2, [COUNTER]));
    assert(east !== undefined, "a region");
    const opened = east.run({ kind: "session-open", ttlMs: 60_000 });
    assert(opened.kind === "session-open", "a session is opened");
    const numbered = (sequence: number, amount: bigint): ReturnType<typeof east.run> => {
      const { session } = opened;
      const requestId = { session, sequence, acknowledgedBelow: 0 };
      const request = operated("n/a", add(amount));
      assert(request.kind === "put", "an operation is a put");
      return east.run({ ...request, requestId });
    };
    expect(numbered(1, 5n)).toMatchObject({ kind: "put", put: { operated: true } });
    expect(numbered(1, 5n)).toMatchObject({ kind: "put", put: { operated: true } });
    expect(numbered(2, 5n).kind).toBe("put");
    expect(numbered(2, 6n)).toMatchObject({ code: "session-mismatch" });
    expect(east.get("n/a")).toBe("10");
  });

  test("a delete with a context settles what is not shown", () => {
    const [east, north] = regions(configOf(2, [policy("d/", { policy: "delete-wins" })]));
    assert(east !== undefined && north !== undefined, "two regions");
    east.run(put("d/a", "1"));
    exchange([east, north]);
    east.run(put("d/a", "2"));
    north.run(del("d/a"));
    exchange([east, north]);
    expect(east.get("d/a")).toBeUndefined();
    expect(east.siblings("d/a")).toHaveLength(2);
    const { siblings } = east.state.recordOf("d/a" as Key);
    const siblingContext = encodeSiblingContext(siblings.map(({ dot }) => dot));
    const deleteRange = { key: "d/a" as Key, prevKv: false, siblingContext };
    expect(east.run({ kind: "delete-range", deleteRange }).kind).toBe("delete-range");
    expect(east.siblings("d/a")).toHaveLength(1);
    exchange([east, north]);
    expect(north.siblings("d/a")).toEqual(east.siblings("d/a"));
  });
});

test("the record of conflicts is read from memory until the engine has it", () => {
  const [east, north] = regions(configOf(2, [policy("s/", { policy: "siblings" })]));
  assert(east !== undefined && north !== undefined, "two regions");
  for (const key of ["s/a", "s/b"]) {
    east.run(put(key, "east"));
    north.run(put(key, "north"));
  }
  exchange([east, north]);
  expect(east.state.contested()).toEqual(["s/a", "s/b"]);
  east.host.flush();
  for (const key of ["s/a", "s/b"] as Key[]) {
    east.run(put(key, "both", { siblingContext: east.state.siblingContextOf(key) }));
  }
  expect(east.state.conflicts).toEqual({ first: 1, next: 3, recentFrom: 1 });
  const rows = east.state.recentConflicts(2);
  expect(rows.map(({ number, row }) => [number, decodeConflict(row).key])).toEqual([[2, "s/b"]]);
  expect([...east.state.lost]).toEqual([["s/", 4]]);
  east.host.flush();
  expect(east.state.conflicts.recentFrom).toBe(3);
  expect(east.state.recentConflicts(1)).toEqual([]);
});

test("blocks of ids follow each other through the log, apart for each region, and survive a restart", () => {
  const [east, north] = regions(configOf(2, [COUNTER]));
  assert(east !== undefined && north !== undefined, "two regions");
  const firstOf = (region: Region, count: number): bigint => {
    const answer = region.change({ change: "allocate", count });
    assert(!("kind" in answer) && answer.firstId !== undefined, "a block is given out");
    return answer.firstId;
  };
  const [one, two] = [firstOf(east, 3), firstOf(east, 1)];
  expect(two - one).toBeGreaterThanOrEqual(BigInt(3 * ID_STRIDE));
  expect(firstOf(north, 1) % BigInt(ID_STRIDE)).not.toBe(one % BigInt(ID_STRIDE));
  east.restart();
  expect(firstOf(east, 1)).toBeGreaterThan(two);
  expect(east.change({ change: "allocate", count: 0 })).toMatchObject({ kind: "refused" });
  const lone = new Region(9);
  expect(lone.change({ change: "allocate", count: 1 })).toMatchObject({
    code: "federation-refused",
  });
});
