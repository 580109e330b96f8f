// A long answer in parts is the text that it would be in one, whatever the message and wherever it is cut.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { etcdserverpb, methodShapeOf } from "../../proto/index.ts";
import { PART_BYTES, jsonParts } from "./json-parts.ts";
import { jsonOfMessage } from "./message-to-json.ts";

const RANGE = methodShapeOf("/etcdserverpb.KV/Range").response;
const TXN = methodShapeOf("/etcdserverpb.KV/Txn").response;
const bytes = fc.uint8Array({ maxLength: 40 });
const kv = fc.record({ key: bytes, value: bytes, lease: fc.nat() }, { requiredKeys: [] });
const kvs = fc.array(kv);
const range = fc.record(
  { kvs, more: fc.boolean(), count: fc.nat(), header: fc.record({ revision: fc.nat() }) },
  { requiredKeys: [] },
);
const op = fc.oneof(
  range.map((response_range) => ({ response_range })),
  fc.record({ prev_kv: kv }).map((response_put) => ({ response_put })),
  fc
    .array(range.map((response_range) => ({ response_range })))
    .map((responses) => ({ response_txn: { responses, succeeded: true } })),
);

test("parts make up the text of the whole, in whatever order the fields come", () => {
  const txn = fc
    .record({ succeeded: fc.boolean(), responses: fc.array(op) })
    .map((message) => etcdserverpb.TxnResponse.encode(message).finish());
  fc.assert(
    // Two messages one behind the other are one, in which fields come twice.
    fc.property(txn, txn, fc.integer({ min: 1, max: 200 }), (first, second, partBytes) => {
      const message = Buffer.concat([first, second]);
      const parts = [...jsonParts(TXN, message, partBytes)];
      expect(parts.join("")).toBe(jsonOfMessage(TXN, message));
    }),
    { numRuns: 200 },
  );
});

test("one step does no more than a part's work", () => {
  const value = Buffer.alloc(100, "v");
  const many = Array.from({ length: 20_000 }, (_, at) => ({
    key: Buffer.from(`key-${at}`),
    value,
  }));
  const message = etcdserverpb.RangeResponse.encode({ kvs: many, count: 20_000 }).finish();
  const parts = [...jsonParts(RANGE, message)];
  expect(parts.join("")).toBe(jsonOfMessage(RANGE, message));
  const longest = Math.max(...parts.map((part) => part.length));
  expect(longest).toBeLessThan(PART_BYTES + 1_000);
  // Every so many tags that are passed over there is a pause, too.
  expect(parts.filter((part) => part === "").length).toBeGreaterThan(3);
  const nested = etcdserverpb.TxnResponse.encode({
    responses: [{ response_range: { kvs: many } }, { response_range: { kvs: many } }],
  }).finish();
  const inner = [...jsonParts(TXN, nested)];
  expect(inner.join("")).toBe(jsonOfMessage(TXN, nested));
  expect(Math.max(...inner.map((part) => part.length))).toBeLessThan(PART_BYTES + 1_000);
});
