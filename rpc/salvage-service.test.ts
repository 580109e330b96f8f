// What an operator is given of the salvage: puts with their values, operations of kinds as text that others can read.
import { expect, test } from "@jest/globals";
import { HLC_ZERO, keyOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { originId, sequence } from "../federation/index.ts";
import type { KindOperation, Operation } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import { ask } from "../test/rpc/call.ts";
import type { Header } from "./backend.ts";
import { salvageTable } from "./salvage-service.ts";
import type { Place, Salvaging } from "./salvage-service.ts";

const key = (text: string): Key => keyOf(Buffer.from(text));
const HEADER = { clusterId: 1n, memberId: 2n, revision: 3, raftTerm: 4, region: "eu" } as Header;

/** A region that keeps one transaction of these operations. */
function asked(operations: readonly Operation[], next?: Place) {
  const [origin, at] = [originId(2), sequence(5)];
  const transaction = { origin, sequence: at, deps: new Map(), hlc: HLC_ZERO, epoch: 1 };
  const places: Place[] = [];
  const salvaging: Salvaging = {
    list: (from, _, done) => {
      places.push(from);
      const value = { transactions: [{ ...transaction, operations }], ...(next && { next }) };
      done({ ok: true, header: HEADER, value });
    },
    discard: () => undefined,
    regionOf: (of) => `r${of}`,
  };
  const answers: hansa.v1.SalvageListResponse.$Shape[] = [];
  const from = { origin: 2, sequence: 4 };
  const bytes = hansa.v1.SalvageListRequest.encode({ from }).finish();
  ask(salvageTable(salvaging), "/hansa.v1.Salvage/List", bytes, (result) => {
    if (result instanceof Uint8Array) answers.push(hansa.v1.SalvageListResponse.decode(result));
  });
  return { answer: answers[0], places };
}

test("a page has whose writes they were, and where the next begins", () => {
  const put: Operation = {
    key: key("a"),
    action: "put",
    value: Buffer.from("1"),
    context: "all-seen",
  };
  const { answer, places } = asked([put], { origin: 3, sequence: 1 });
  expect(places).toEqual([{ origin: 2, sequence: 4 }]);
  expect(answer?.next).toMatchObject({ origin: 3, sequence: 1 });
  const [transaction] = answer?.transactions ?? [];
  expect(transaction).toMatchObject({ dot: { origin: 2, sequence: 5 }, region: "r2" });
  expect(transaction?.operations?.[0]).toMatchObject({ action: "put" });
  expect(asked([put]).answer?.next ?? undefined).toBeUndefined();
});

test.each<[string, KindOperation, object]>([
  [
    "a counter's number",
    { kind: "counter", action: "add", amount: -(2n ** 63n) },
    { amount: "-9223372036854775808" },
  ],
  [
    "a set's elements",
    { kind: "set", action: "change", add: [key("tür")], remove: [key("a")] },
    { add: ["tür"], remove: ["a"] },
  ],
  [
    "a map's fields and values",
    { kind: "map", action: "change", put: [{ field: key("ö"), value: key("ü") }], remove: [] },
    { put: [{ field: "ö", value: "ü" }] },
  ],
  [
    "a register's bytes",
    { kind: "register", action: "write", value: Buffer.of(0xff, 0) },
    { value: "/wA=" },
  ],
])("%s is JSON that says what was meant", (_, operation, expected) => {
  const { answer } = asked([{ key: key("k"), action: "kind", operation }]);
  const [told] = answer?.transactions?.[0]?.operations ?? [];
  expect(JSON.parse(told?.operation ?? "")).toMatchObject({ kind: operation.kind, ...expected });
});
