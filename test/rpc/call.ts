// Calls of services as tests make them, without a server: by nobody, with nine seconds to go on a clock at 0.
import type { MonotonicMs } from "../../base/index.ts";
import type { MethodPath } from "../../proto/index.ts";
import type { Call, Reply, ServiceTable } from "../../rpc/index.ts";
import { NOBODY } from "../../store/index.ts";

export function callOf(rest: Partial<Call> = {}): Call {
  return {
    deadlineAtMs: 9_000 as MonotonicMs,
    signal: new AbortController().signal,
    caller: NOBODY,
    forwarded: false,
    header: () => undefined,
    ...rest,
  };
}

/** @throws {Error} what the method throws, or if the table has no such unary method */
export function ask(
  table: ServiceTable,
  path: MethodPath,
  bytes: Uint8Array,
  reply: Reply = () => undefined,
  call: Call = callOf(),
): void {
  const method = table[path];
  if (method?.kind !== "unary") throw new Error(`${path} is no unary method of the table`);
  method.handle(bytes, call, reply);
}
