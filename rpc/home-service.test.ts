// What a region takes of the writes that other regions hand on to it: who says so is judged first, then whether the
// write is for this region, and what is served is served in the name of a user of this region (federation 12).
import { describe, expect, test } from "@jest/globals";
import { KvError, keyOf } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { originId } from "../federation/index.ts";
import type { ExchangeHello, Identity } from "../federation/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { NOBODY } from "../store/index.ts";
import { ask as askOf, callOf } from "../test/rpc/call.ts";
import { decodeHandedOn, handOnBytes, reheaded, withoutRequestId } from "./home-codec.ts";
import type { HandOn } from "./home-codec.ts";
import { homeServiceTable } from "./home-service.ts";
import { unary } from "./service.ts";
import type { Call, Reply } from "./service.ts";

const PUT: MethodPath = "/etcdserverpb.KV/Put";
const identity = (digit: string): Identity => digit.repeat(32) as Identity;
const HELLO: ExchangeHello = {
  version: 1,
  from: { federationId: identity("f"), origin: originId(2), incarnation: identity("2") },
  to: originId(1),
  epoch: 3,
  leads: false,
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function put(key: string, rest: etcdserverpb.IPutRequest = {}): Uint8Array {
  return etcdserverpb.PutRequest.encode({ key: bytes(key), value: bytes("1"), ...rest }).finish();
}

/** Keys under h/ are this region's; one call at a time is served, and answered when the test says so. */
function bench() {
  const served: { readonly call: Call; readonly answer: Reply }[] = [];
  const method = unary((_, call, reply) => {
    served.push({ call, answer: reply });
  });
  const table = homeServiceTable({
    services: { [PUT]: method, "/etcdserverpb.KV/Range": method },
    monotonicMs: () => 1_000 as MonotonicMs,
    refusalOf: ({ from }) => (from.origin === originId(2) ? undefined : "it is no member"),
    regionOf: () => "fra",
    faultOf: (request) => {
      const isOurs = request.kind === "put" && request.put.key.startsWith(keyOf(bytes("h/")));
      return isOurs ? undefined : "it is not under a home of this region";
    },
    callerOf: (name) => (name === "" ? NOBODY : { kind: "user", name, authRevision: 7 }),
    token: () => bytes("seen"),
    openMax: 1,
  });
  const abort = new AbortController();
  const ask = (asked: Partial<HandOn> = {}): { readonly results: unknown[] } => {
    const results: unknown[] = [];
    const write = { hello: HELLO, method: PUT, request: put("h/a"), timeoutMs: 500, user: "" };
    const message = handOnBytes({ ...write, ...asked });
    const call = callOf({ signal: abort.signal });
    try {
      askOf(table, "/hansa.region.v1.Homes/Write", message, (one) => results.push(one), call);
    } catch (cause) {
      results.push(cause);
    }
    return { results };
  };
  return { served, ask, abort };
}

function messageOf([result]: readonly unknown[]): string {
  return result instanceof KvError ? `${result.code} ${result.outcome}: ${result.message}` : "";
}

describe("a write of another region", () => {
  test("is served as that region's call, by the deadline it came with, in the name of its user", () => {
    const { served, ask } = bench();
    const { results } = ask({ user: "alice" });
    expect(served[0]?.call).toMatchObject({
      ...{ forwarded: true, fromRegion: "fra", deadlineAtMs: 1_500 },
      caller: { kind: "user", name: "alice", authRevision: 7 },
    });
    served[0]?.answer(bytes("done"));
    const { response, causalToken } = decodeHandedOn(results[0] as Uint8Array);
    expect([response, causalToken].map((part) => Buffer.from(part).toString())).toEqual([
      ...["done", "seen"],
    ]);
  });

  test("is refused, and nothing served, from strangers, of other methods, keys and sessions", () => {
    const { served, ask } = bench();
    const stranger = { ...HELLO, from: { ...HELLO.from, origin: originId(9) } };
    const request_id = { session: 4, sequence: 1, acknowledged_below: 1 };
    expect(messageOf(ask({ hello: stranger }).results)).toMatch(/region refused: it is no member/);
    expect(messageOf(ask({ method: "/etcdserverpb.KV/Range" }).results)).toMatch(/not handed on/);
    expect(messageOf(ask({ method: "/etcdserverpb.Auth/AuthDisable" }).results)).toMatch(
      /not handed on/,
    );
    expect(messageOf(ask({ request: put("own") }).results)).toMatch(
      /^federation-refused not-applied: it is not under a home/,
    );
    expect(messageOf(ask({ request: put("h/a", { request_id }) }).results)).toMatch(
      /a request id is of a session of its own region/,
    );
    expect(messageOf(ask({ request: Uint8Array.of(0xff) }).results)).toMatch(/malformed/);
    expect(served).toEqual([]);
  });

  test("is one of a bounded number, and leaves its place when it is answered or its caller has gone", () => {
    const { served, ask, abort } = bench();
    ask();
    expect(messageOf(ask().results)).toMatch(/^too-many-requests not-applied/);
    served[0]?.answer(new KvError("timed-out", "unknown", "etcdserver: request timed out"));
    ask();
    expect(served).toHaveLength(2);
    abort.abort();
    ask();
    expect(served).toHaveLength(3);
  });
});

test("a request id is taken out of a write, and everything else stays as it was", () => {
  const request_id = { session: 4, sequence: 1, acknowledged_below: 1 };
  const rest = { prev_kv: true, write_regions: 2 };
  expect(Buffer.from(withoutRequestId(put("k", { ...rest, request_id })))).toEqual(
    Buffer.from(put("k", rest)),
  );
});

test("the home's answer goes under the header of the member that was asked", () => {
  const theirs = etcdserverpb.PutResponse.encode({
    header: { cluster_id: 1, revision: 900, region: "fra", causal_token: bytes("t") },
    prev_kv: { key: bytes("k"), mod_revision: 899 },
  }).finish();
  const own = { clusterId: 2n, memberId: 3n, revision: 17, raftTerm: 5, region: "ams" };
  const answer = reheaded(theirs, own as Parameters<typeof reheaded>[1], "fra");
  if (answer instanceof KvError) throw answer;
  const { header, prev_kv } = etcdserverpb.PutResponse.decode(answer);
  expect(header).toMatchObject({ cluster_id: 2, revision: 17, region: "ams", home: "fra" });
  expect(Buffer.from(header?.causal_token ?? []).toString()).toBe("t");
  expect(prev_kv?.mod_revision).toBe(899);
  for (const malformed of [[], [0x0a], [0x0a, 2, 0xff, 0xff], [0x12, 0]]) {
    const given = Uint8Array.from(malformed);
    expect(reheaded(given, own as Parameters<typeof reheaded>[1], "fra")).toMatchObject({
      outcome: "applied",
    });
  }
});
