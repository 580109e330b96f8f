// What gRPC reports, made into code and outcome: by trailers, by etcd's texts, by grpc-js's own words.
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import { WIRE_STATUS } from "../proto/index.ts";
import { kvErrorOf, withOutcome } from "./failure.ts";

const CODES = Object.keys(WIRE_STATUS) as KvErrorCode[];

function verdict(grpcCode: number, message: string, error = "", outcome = ""): object {
  const made = kvErrorOf({ grpcCode, message, error, outcome }, "a:1");
  return { code: made.code, outcome: made.outcome };
}

describe("kvErrorOf", () => {
  test.each(CODES)("%s: trailers decide, whatever the text", (code) => {
    expect(verdict(2, "anything", code, "not-applied")).toEqual({ code, outcome: "not-applied" });
    expect(verdict(2, "anything", code, "unknown")).toEqual({ code, outcome: "unknown" });
    expect(verdict(2, "anything", code, "")).toEqual({ code, outcome: "unknown" });
  });

  test.each(CODES)("%s: recognized by its text alone", (code) => {
    const { grpc, text } = WIRE_STATUS[code];
    expect(verdict(grpc, text)).toMatchObject({ code });
  });

  test.each([
    ["etcdserver: key is not provided", 3, "key-not-provided", "not-applied"],
    ["etcdserver: mvcc: required revision has been compacted", 11, "compacted", "not-applied"],
    ["etcdserver: too many requests", 8, "too-many-requests", "not-applied"],
    ["etcdserver: no leader", 14, "no-leader", "not-applied"],
    ["raft proposal dropped", 2, "no-leader", "not-applied"],
    ["etcdserver: rpc not supported for learner", 9, "not-leader", "not-applied"],
    ["etcdserver: leader changed", 14, "leader-changed", "unknown"],
    ["etcdserver: request timed out", 14, "timed-out", "unknown"],
    [
      "etcdserver: request timed out, possibly due to connection lost",
      14,
      "unavailable",
      "unknown",
    ],
    ["etcdserver: server stopped", 14, "server-stopped", "unknown"],
    ["etcdserver: mvcc: database space exceeded", 8, "no-space", "not-applied"],
    ["etcdserver: permission denied", 7, "permission-denied", "not-applied"],
    ["No connection established. Last error: ECONNREFUSED", 14, "unavailable", "not-applied"],
    ["Name resolution failed for target dns:x:1", 14, "unavailable", "not-applied"],
    ["Stream refused by server", 14, "unavailable", "not-applied"],
    ["read ECONNRESET", 14, "unavailable", "unknown"],
    ["Received message larger than max (9 vs 4)", 8, "request-too-large", "unknown"],
    ["unknown service hansa.v1.Session", 12, "unimplemented", "not-applied"],
    ["Deadline exceeded", 4, "deadline-exceeded", "unknown"],
    ["boom", 13, "internal", "unknown"],
    ["boom", 2, "internal", "unknown"],
  ] as const)("%s", (message, grpcCode, code, outcome) => {
    expect(verdict(grpcCode, message)).toEqual({ code, outcome });
  });

  test("a code of a newer server falls back to the text", () => {
    expect(verdict(14, "etcdserver: no leader", "quantum-flux")).toMatchObject({
      code: "no-leader",
    });
  });
});

test("another outcome keeps code, message and cause", () => {
  const cause = new Error("below");
  const error = new KvError("unavailable", "unknown", "text", { cause });
  expect(withOutcome(error, "unknown")).toBe(error);
  expect(withOutcome(error, "not-applied")).toMatchObject({
    code: "unavailable",
    outcome: "not-applied",
    message: "text",
    cause,
  });
});
