import { expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { NOBODY } from "../store/index.ts";
import { ServiceGate } from "./service-gate.ts";

const CALL = {
  deadlineAtMs: 0 as MonotonicMs,
  forwarded: false,
  caller: NOBODY,
  signal: new AbortController().signal,
  header: () => undefined,
};

/** What a status call is told, until there is a status service. */
function told(gate: ServiceGate): string {
  const method = gate.table()["/etcdserverpb.Maintenance/Status"];
  if (method?.kind !== "unary") throw new Error("Status is a unary method");
  let answer = "nothing";
  try {
    method.handle(new Uint8Array(0), CALL, () => (answer = "answered"));
  } catch (error) {
    answer = (error as Error).message;
  }
  return answer;
}

test("a call before there are services is told what the member is busy with", () => {
  const gate = new ServiceGate();
  expect(told(gate)).toContain("server is starting");
  gate.explain("the log is being mended");
  expect(told(gate)).toContain("the log is being mended");
  gate.open({
    "/etcdserverpb.Maintenance/Status": {
      kind: "unary",
      handle: (_, __, reply) => {
        reply(new Uint8Array(0));
      },
    },
  });
  expect(told(gate)).toBe("answered");
});
