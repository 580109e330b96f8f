import { expect, test } from "@jest/globals";
import { ask } from "../test/rpc/call.ts";
import { ServiceGate } from "./service-gate.ts";

/** What a status call is told, until there is a status service. */
function told(gate: ServiceGate): string {
  let answer = "nothing";
  try {
    const path = "/etcdserverpb.Maintenance/Status";
    ask(gate.table(), path, new Uint8Array(0), () => (answer = "answered"));
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
