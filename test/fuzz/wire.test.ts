// Bytes from anywhere, into every decoder of the wire: a value or one typed error comes out, nothing else.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../../base/index.ts";
import type { Key, LeaseId, Revision } from "../../base/index.ts";
import { Writer, etcdserverpb, hansa } from "../../proto/index.ts";
import type { Reader } from "../../proto/index.ts";
import { storeCodec } from "../../rpc/index.ts";
import { decoded } from "../../rpc/decode.ts";
import { readRangeCall } from "../../rpc/range-request.ts";
import { decodeFrame, messagesFrame } from "../../rpc/peer-codec.ts";
import { readLeaseQuestion } from "../../rpc/lease-codec.ts";
import { readTxnCall } from "../../rpc/txn-request.ts";
import { readWatchCall } from "../../rpc/watch-codec.ts";
import { peerMessage } from "./peer-messages.ts";

const RUNS = { numRuns: 300 };

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  range: (bytes) => decoded(bytes, readRangeCall),
  transaction: (bytes) => decoded(bytes, readTxnCall),
  put: (bytes) => storeCodec.decodeRequest("put", bytes),
  "delete range": (bytes) => storeCodec.decodeRequest("delete-range", bytes),
  compaction: (bytes) => storeCodec.decodeRequest("compaction", bytes),
  "session open": (bytes) => storeCodec.decodeRequest("session-open", bytes),
  "session close": (bytes) => storeCodec.decodeRequest("session-close", bytes),
  "lease grant": (bytes) => storeCodec.decodeRequest("lease-grant", bytes),
  "lease revoke": (bytes) => storeCodec.decodeRequest("lease-revoke", bytes),
  "lease renewal": (bytes) => storeCodec.decodeRequest("lease-renew", bytes),
  "lease question": (bytes) => decoded(bytes, readLeaseQuestion),
  "change of auth": (bytes) => storeCodec.decodeRequest("auth", bytes),
  watch: (bytes) => decoded(bytes, readWatchCall),
  "stored response": (bytes) => storeCodec.decodeResponse(bytes),
  "peer frame": (bytes) => decodeFrame(bytes),
  "generated status": (bytes) =>
    decoded(bytes, (reader: Reader) => etcdserverpb.StatusResponse.decode(reader)),
  "generated batch": (bytes) =>
    decoded(bytes, (reader: Reader) => hansa.v1.ExchangeRequest.decode(reader)),
};

/** Whether decoding ended in a value; throws on anything but a value or a KvError. */
function accepts(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof KvError && error.outcome === "not-applied") return false;
    throw error;
  }
}

const key = Uint8Array.of(107);
const request = fc.constantFrom(
  etcdserverpb.RangeRequest.encode({ key, range_end: key, limit: 3, read_mode: 5 }).finish(),
  etcdserverpb.PutRequest.encode({
    key,
    value: new Uint8Array(40),
    lease: 2n ** 62n,
    request_id: { session: 2n ** 63n, sequence: 3, acknowledged_below: 2 },
  }).finish(),
  etcdserverpb.TxnRequest.encode({
    compare: [{ key, target: 3, value: key }],
    success: [{ request_put: { key } }, { request_txn: { failure: [{ request_range: { key } }] } }],
  }).finish(),
  etcdserverpb.WatchRequest.encode({
    create_request: {
      key,
      range_end: key,
      start_revision: 5,
      filters: [0, 1],
      watch_id: 2n ** 62n,
    },
  }).finish(),
  etcdserverpb.LeaseGrantRequest.encode({ TTL: 60, ID: -5 }).finish(),
  hansa.store.v1.LeaseRenewal.encode({ ids: [1, 2n ** 62n, -1] }).finish(),
  storeCodec.encodeResponse({
    kind: "put",
    revision: 5 as Revision,
    put: {
      prevKv: {
        key: "k" as Key,
        value: key,
        version: 1,
        createRevision: 2 as Revision,
        modRevision: 3 as Revision,
        lease: -1n as LeaseId,
      },
    },
  }),
);
const frame = fc.array(peerMessage, { minLength: 1, maxLength: 3 }).map(messagesFrame);
const valid = fc.oneof(request, frame).map((bytes) => Uint8Array.from(bytes));

/** Valid bytes with a few of them changed, cut out or put in. */
const mutated = fc
  .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 2 }))))
  .map(([bytes, changes]) => {
    const result = [...bytes];
    for (const [at, value, how] of changes) {
      const where = at % (result.length + 1);
      if (how === 0) result[where] = value;
      else if (how === 1) result.splice(where, 1);
      else result.splice(where, 0, value);
    }
    return Uint8Array.from(result);
  });

describe.each(Object.entries(DECODERS))("the decoder of a %s", (_, decode) => {
  test("ends random bytes in a value or a typed error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        accepts(decode, bytes);
      }),
      RUNS,
    );
  });

  test("ends mutated messages in a value or a typed error", () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        accepts(decode, bytes);
      }),
      RUNS,
    );
  });

  test("ends truncated messages in a value or a typed error", () => {
    fc.assert(
      fc.property(valid, fc.nat(), (bytes, cut) => {
        accepts(decode, bytes.subarray(0, cut % (bytes.length + 1)));
      }),
      RUNS,
    );
  });
});

describe("a peer frame", () => {
  test("comes back as it was sent", () => {
    fc.assert(
      fc.property(fc.array(peerMessage, { maxLength: 6 }), (messages) => {
        expect(decodeFrame(messagesFrame(messages))).toEqual({ messages });
      }),
      RUNS,
    );
  });

  test("is a message of peer.proto, and what that writes is read the same", () => {
    fc.assert(
      fc.property(fc.array(peerMessage, { maxLength: 4 }), (messages) => {
        const wire = hansa.peer.v1.Frame.decode(messagesFrame(messages));
        expect(wire.messages).toHaveLength(messages.length);
        const again = hansa.peer.v1.Frame.encode(wire).finish();
        expect(decodeFrame(again)).toEqual({ messages });
      }),
      RUNS,
    );
  });

  test("with a gap between entries, or without what a message needs, is refused", () => {
    const consensus = (body: hansa.peer.v1.IConsensus): Uint8Array =>
      hansa.peer.v1.Frame.encode({
        messages: [{ consensus: { from: 1, to: 2, epoch: { round: 1 }, ...body } }],
      }).finish();
    const entry = { epoch: { round: 1 } };
    const append = (...indexes: number[]): Uint8Array =>
      consensus({
        append_entries: { prev_index: 4, entries: indexes.map((index) => ({ ...entry, index })) },
      });
    expect(accepts(decodeFrame, append(5, 6))).toBe(true);
    expect(accepts(decodeFrame, append(5, 7))).toBe(false);
    expect(accepts(decodeFrame, append(4))).toBe(false);
    expect(accepts(decodeFrame, consensus({ from: 0, timeout_now: {} }))).toBe(false);
    expect(accepts(decodeFrame, consensus({ heartbeat: {} }))).toBe(false);
    const config = { index: 5, incoming: [] };
    const bare = { entries: [{ ...entry, index: 1, config }] };
    expect(accepts(decodeFrame, consensus({ append_entries: bare }))).toBe(false);
  });

  test("whose proposal nobody could apply is refused before it is logged", () => {
    const propose = (body: Uint8Array): Uint8Array =>
      hansa.peer.v1.Frame.encode({
        messages: [
          {
            propose: {
              from: 1,
              id: { boot: 1, counter: 1 },
              epoch: { round: 1 },
              request: hansa.peer.v1.RequestKind.PUT,
              body,
            },
          },
        ],
      }).finish();
    expect(accepts(decodeFrame, propose(Uint8Array.of(10, 1, 107)))).toBe(true);
    expect(accepts(decodeFrame, propose(Uint8Array.of(10, 9, 107)))).toBe(false);
  });

  test("may hold kinds of a later version, which are dropped", () => {
    const later = new Writer().uint32((2 << 3) | 2).fork();
    later
      .uint32((77 << 3) | 2)
      .string("unheard of")
      .ldelim();
    expect(decodeFrame(later.finish())).toEqual({ messages: [] });
  });
});
