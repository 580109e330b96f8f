import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key, KvErrorCode, LeaseId, Revision, SessionId } from "../base/index.ts";
import { KvError } from "../base/index.ts";
import { decodeClientOperation } from "../federation/index.ts";
import { etcdserverpb, hansa } from "../proto/index.ts";
import type { KeptResponse, KeyValue, ResponseOp, TxnResponse } from "../store/index.ts";
import { documentOf, numbered } from "../test/federation/document.ts";
import { decoded } from "./decode.ts";
import { readRangeCall } from "./range-request.ts";
import { storeCodec } from "./store-codec.ts";

const { RangeRequest, PutRequest, DeleteRangeRequest, TxnRequest, CompactionRequest } =
  etcdserverpb;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = (text: string): Key => text as Key;

/** Code of what `run` throws. */
function thrown(run: () => unknown): KvErrorCode | "nothing" {
  try {
    run();
  } catch (error) {
    if (error instanceof KvError) return error.code;
    throw error;
  }
  return "nothing";
}

describe("requests", () => {
  test("a put, with all that it may carry", () => {
    const body = PutRequest.encode({
      key: Uint8Array.of(0, 255, 107),
      value: bytes("v"),
      lease: -1n,
      prev_kv: true,
      ignore_value: true,
      ignore_lease: true,
      request_id: { session: 2n ** 63n, sequence: 4, acknowledged_below: 3 },
      sibling_context: bytes("seen"),
    }).finish();
    expect(storeCodec.decodeRequest("put", body)).toEqual({
      kind: "put",
      put: {
        key: "\u0000\u00ffk",
        value: bytes("v"),
        lease: -1n,
        prevKv: true,
        ignoreValue: true,
        ignoreLease: true,
        siblingContext: bytes("seen"),
      },
      requestId: { session: 2n ** 63n, sequence: 4, acknowledgedBelow: 3 },
    });
  });

  test("an operation of a kind stands in place of the value, kept or not", () => {
    const config = documentOf(numbered(2));
    const asked: [hansa.v1.IKindOperation, object][] = [
      [{ counter_add: -5n }, { kind: "counter", action: "add", amount: -5n }],
      [{ counter_reset: true }, { kind: "counter", action: "reset" }],
      [{ bounded_take: 7 }, { kind: "bounded-counter", action: "take", amount: 7n }],
      [
        { bounded_transfer: { amount: 1, to_region: "r2" } },
        { kind: "bounded-counter", action: "transfer", amount: 1n, to: 2 },
      ],
      [{ set: { add: [bytes("x")] } }, { kind: "set", action: "change", add: ["x"], remove: [] }],
      [
        { map: { put: [{ field: bytes("f"), value: bytes("v") }], remove: [bytes("g")] } },
        { kind: "map", action: "change", put: [{ field: "f", value: "v" }], remove: ["g"] },
      ],
      [{ register: bytes("r") }, { kind: "register", action: "write", value: bytes("r") }],
      [{ flag: false }, { kind: "flag", action: "write", enabled: false }],
    ];
    for (const [operation, expected] of asked) {
      const message = { key: bytes("k"), ignore_value: true, operation };
      const request = storeCodec.decodeRequest("put", PutRequest.encode(message).finish());
      if (request.kind !== "put") throw new Error("a put is read as one");
      expect(request.put.ignoreValue).toBe(false);
      expect(decodeClientOperation(request.put.operation ?? bytes(""), config)).toEqual(expected);
    }
    const none = PutRequest.encode({ key: bytes("k"), operation: {} }).finish();
    expect(() => storeCodec.decodeRequest("put", none)).toThrow(/none that is known/);
  });

  test("an empty message is a request of defaults", () => {
    const none = new Uint8Array(0);
    expect(storeCodec.decodeRequest("put", none)).toEqual({
      kind: "put",
      put: {
        key: "",
        value: none,
        lease: 0n,
        prevKv: false,
        ignoreValue: false,
        ignoreLease: false,
      },
    });
    expect(storeCodec.decodeRequest("delete-range", none)).toEqual({
      kind: "delete-range",
      deleteRange: { key: "", prevKv: false },
    });
    expect(storeCodec.decodeRequest("txn", none)).toEqual({
      kind: "txn",
      txn: { compare: [], success: [], failure: [] },
    });
  });

  test("a delete of every key from one on", () => {
    const body = DeleteRangeRequest.encode({ key: bytes("a"), range_end: bytes("\0") }).finish();
    expect(storeCodec.decodeRequest("delete-range", body)).toEqual({
      kind: "delete-range",
      deleteRange: { key: "a", end: "\0", prevKv: false },
    });
  });

  test("a delete that says what it has seen, if nothing", () => {
    const body = DeleteRangeRequest.encode({
      key: bytes("a"),
      sibling_context: bytes(""),
    }).finish();
    expect(storeCodec.decodeRequest("delete-range", body)).toEqual({
      kind: "delete-range",
      deleteRange: { key: "a", prevKv: false, siblingContext: bytes("") },
    });
  });

  test("a compaction, and the two of a session", () => {
    const compaction = CompactionRequest.encode({ revision: -5, physical: true }).finish();
    expect(storeCodec.decodeRequest("compaction", compaction)).toEqual({
      kind: "compaction",
      compaction: { revision: -5, physical: true },
    });
    const open = hansa.v1.SessionOpenRequest.encode({ ttl_ms: 60_000 }).finish();
    expect(storeCodec.decodeRequest("session-open", open)).toEqual({
      kind: "session-open",
      ttlMs: 60_000,
    });
    const close = hansa.v1.SessionCloseRequest.encode({ session: 2n ** 64n - 1n }).finish();
    expect(storeCodec.decodeRequest("session-close", close)).toEqual({
      kind: "session-close",
      session: 2n ** 64n - 1n,
    });
  });

  test("a transaction with every comparison and operation, nested", () => {
    const { CompareResult, CompareTarget } = etcdserverpb.Compare;
    const body = TxnRequest.encode({
      compare: [
        { key: bytes("a"), result: CompareResult.GREATER, version: 3 },
        {
          key: bytes("b"),
          range_end: bytes("c"),
          target: CompareTarget.CREATE,
          create_revision: 4,
        },
        { key: bytes("d"), result: CompareResult.LESS, target: CompareTarget.MOD, mod_revision: 5 },
        { key: bytes("e"), target: CompareTarget.VALUE, value: bytes("v") },
        {
          key: bytes("f"),
          result: CompareResult.NOT_EQUAL,
          target: CompareTarget.LEASE,
          lease: 2n ** 60n,
        },
      ],
      success: [{ request_put: { key: bytes("k"), value: bytes("v") } }],
      failure: [
        { request_range: { key: bytes("k"), limit: 2 } },
        { request_txn: { success: [{ request_delete_range: { key: bytes("k") } }] } },
      ],
    }).finish();
    expect(storeCodec.decodeRequest("txn", body)).toEqual({
      kind: "txn",
      txn: {
        compare: [
          { key: "a", result: "greater", target: "version", version: 3 },
          { key: "b", end: "c", result: "equal", target: "create", createRevision: 4 },
          { key: "d", result: "less", target: "mod", modRevision: 5 },
          { key: "e", result: "equal", target: "value", value: bytes("v") },
          { key: "f", result: "not-equal", target: "lease", lease: 2n ** 60n },
        ],
        success: [{ kind: "put", put: expect.objectContaining({ key: "k", value: bytes("v") }) }],
        failure: [
          { kind: "range", range: expect.objectContaining({ key: "k", limit: 2 }) },
          {
            kind: "txn",
            txn: {
              compare: [],
              success: [{ kind: "delete-range", deleteRange: { key: "k", prevKv: false } }],
              failure: [],
            },
          },
        ],
      },
    });
  });

  test("an operand of another target counts as zero (etcd)", () => {
    const body = TxnRequest.encode({ compare: [{ key: bytes("a"), mod_revision: 9 }] }).finish();
    expect(storeCodec.decodeRequest("txn", body)).toMatchObject({
      txn: { compare: [{ target: "version", version: 0 }] },
    });
  });

  test("what no store type can say is refused by etcd's codes where it has one", () => {
    const result = 9 as etcdserverpb.Compare.CompareResult;
    const target = 9 as etcdserverpb.Compare.CompareTarget;
    const order = 9 as etcdserverpb.RangeRequest.SortOrder;
    const sorted = { key: bytes("k"), sort_order: order };
    const decode = (txn: etcdserverpb.ITxnRequest) => () =>
      storeCodec.decodeRequest("txn", TxnRequest.encode(txn).finish());
    expect(thrown(decode({ compare: [{ result }] }))).toBe("invalid-argument");
    expect(thrown(decode({ compare: [{ target }] }))).toBe("invalid-argument");
    expect(thrown(decode({ success: [{}] }))).toBe("key-not-found");
    expect(thrown(decode({ success: [{ request_range: sorted }] }))).toBe("invalid-sort-option");
    const huge = { request_id: { session: 1, sequence: 2n ** 60n } };
    expect(thrown(decode(huge))).toBe("invalid-argument");
  });

  test("transactions nest so deep and no deeper", () => {
    const wrap = (txn: Uint8Array): Uint8Array => framed(2, framed(4, txn));
    let body: Uint8Array = new Uint8Array(0);
    for (let depth = 0; depth < 128; depth += 1) body = wrap(body);
    expect(thrown(() => storeCodec.decodeRequest("txn", body))).toBe("nothing");
    const deeper = wrap(body);
    expect(thrown(() => storeCodec.decodeRequest("txn", deeper))).toBe("invalid-argument");
  });
});

/** A length-delimited field around bytes. */
function framed(field: number, content: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  return Uint8Array.from([(field << 3) | 2, ...length, ...content]);
}

describe("a range", () => {
  const call = (message: etcdserverpb.IRangeRequest) =>
    decoded(RangeRequest.encode(message).finish(), readRangeCall);

  test("has every field, and bounds beyond 2^53 clamped", () => {
    const { range, options } = call({
      key: bytes("a"),
      range_end: bytes("b"),
      limit: 5,
      revision: 2n ** 60n,
      sort_order: etcdserverpb.RangeRequest.SortOrder.DESCEND,
      sort_target: etcdserverpb.RangeRequest.SortTarget.VALUE,
      serializable: true,
      keys_only: true,
      count_only: true,
      min_mod_revision: 1,
      max_mod_revision: -(2n ** 60n),
      min_create_revision: 3,
      max_create_revision: 4,
      read_mode: hansa.v1.ReadMode.QUORUM,
      min_revision: 6,
      on_miss: hansa.v1.OnMiss.FORWARD,
    });
    expect(range).toEqual({
      key: "a",
      end: "b",
      limit: 5,
      revision: Number.MAX_SAFE_INTEGER,
      sortOrder: "descend",
      sortTarget: "value",
      serializable: true,
      keysOnly: true,
      countOnly: true,
      minModRevision: 1,
      maxModRevision: Number.MIN_SAFE_INTEGER,
      minCreateRevision: 3,
      maxCreateRevision: 4,
    });
    expect(options).toEqual({ mode: "quorum", minRevision: 6, onMiss: "forward" });
  });

  test("takes a negative limit or revision for none, as etcd does", () => {
    expect(call({ key: bytes("a"), limit: -1, revision: -7 }).range).toMatchObject({
      limit: 0,
      revision: 0,
    });
  });

  test("tells no staleness bound from a bound of 0", () => {
    expect(call({ key: bytes("a") }).options).not.toHaveProperty("maxStalenessMs");
    expect(call({ key: bytes("a"), max_staleness_ms: 0 }).options).toHaveProperty(
      "maxStalenessMs",
      0,
    );
  });

  test("refuses options that mean nothing", () => {
    const mode = 7 as hansa.v1.ReadMode;
    const miss = 4 as hansa.v1.OnMiss;
    expect(thrown(() => call({ read_mode: mode }))).toBe("invalid-argument");
    expect(thrown(() => call({ on_miss: miss }))).toBe("invalid-argument");
    expect(thrown(() => call({ max_staleness_ms: -1 }))).toBe("invalid-argument");
    expect(thrown(() => call({ min_revision: -1 }))).toBe("invalid-argument");
  });
});

const revision = fc.maxSafeNat().map((value) => value as Revision);
const kv: fc.Arbitrary<KeyValue> = fc.record({
  key: fc.uint8Array({ maxLength: 200 }).map((raw) => key(Buffer.from(raw).toString("latin1"))),
  createRevision: revision,
  modRevision: revision,
  version: fc.maxSafeNat(),
  value: fc.uint8Array({ maxLength: 300 }),
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((id) => id as LeaseId),
});
const kvs = fc.array(kv, { maxLength: 4 });
const operated = fc.constant(true as const);
const { txn } = fc.letrec<{ txn: TxnResponse; op: ResponseOp }>((tie) => ({
  txn: fc.record({
    succeeded: fc.boolean(),
    responses: fc.array(tie("op"), { maxLength: 3, depthIdentifier: "txn" }),
  }),
  op: fc.oneof(
    { depthIdentifier: "txn", maxDepth: 3 },
    fc.record({
      kind: fc.constant("range" as const),
      range: fc.record({ kvs, more: fc.boolean(), count: fc.maxSafeNat() }),
    }),
    fc.record({
      kind: fc.constant("put" as const),
      put: fc.record({ prevKv: kv, operated }, { requiredKeys: [] }),
    }),
    fc.record({
      kind: fc.constant("delete-range" as const),
      deleteRange: fc.record({ deleted: fc.maxSafeNat(), prevKvs: kvs }),
    }),
    fc.record({ kind: fc.constant("txn" as const), txn: tie("txn") }),
  ),
}));
const response: fc.Arbitrary<KeptResponse> = fc.oneof(
  fc.record({
    kind: fc.constant("put" as const),
    revision,
    put: fc.record({ prevKv: kv, operated }, { requiredKeys: [] }),
  }),
  fc.record({ kind: fc.constant("txn" as const), revision, txn }),
  fc.record({
    kind: fc.constant("delete-range" as const),
    revision,
    deleteRange: fc.record({ deleted: fc.maxSafeNat(), prevKvs: kvs }),
  }),
  fc.record({ kind: fc.constant("compaction" as const), revision }),
  fc.record({ kind: fc.constant("session-close" as const), revision }),
  fc.record({
    kind: fc.constant("session-open" as const),
    revision,
    session: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => id as SessionId),
    ttlMs: fc.maxSafeNat(),
  }),
  fc.record({
    kind: fc.constant("refused" as const),
    revision,
    code: fc.constantFrom<KvErrorCode>("compacted", "session-full"),
    message: fc.string(),
  }),
);

describe("responses", () => {
  test("come back from the session table as they went in, in the same bytes each time", () => {
    fc.assert(
      fc.property(response, (before) => {
        const stored = storeCodec.encodeResponse(before);
        const after = storeCodec.decodeResponse(stored);
        expect(after).toEqual(before);
        expect(storeCodec.encodeResponse(after)).toEqual(stored);
      }),
    );
  });

  test("are the messages of stored.proto", () => {
    fc.assert(
      fc.property(response, (before) => {
        const stored = storeCodec.encodeResponse(before);
        const message = hansa.store.v1.StoredResponse.decode(stored);
        expect(message.response).toBe(before.kind.replaceAll("-", "_"));
        expect(BigInt(message.revision)).toBe(BigInt(before.revision));
        const again = hansa.store.v1.StoredResponse.encode(message).finish();
        expect(storeCodec.decodeResponse(again)).toEqual(before);
      }),
    );
  });

  test("in a transaction carry a header with the revision alone (etcd)", () => {
    const stored = storeCodec.encodeResponse({
      kind: "txn",
      revision: 7 as Revision,
      txn: { succeeded: true, responses: [{ kind: "put", put: {} }] },
    });
    const { txn } = hansa.store.v1.StoredResponse.decode(stored);
    expect(txn?.responses?.[0]?.response_put?.header).toEqual({ revision: 7 });
  });
});
