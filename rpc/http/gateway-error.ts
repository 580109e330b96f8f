// A call's failure as the gateway says it. The bodies unite what grpc-gateway 1 (etcd up to 3.5) and 2 (from 3.6)
// write, so that clients of either find their fields; what Hansa says beyond is in headers.
import { STATUS_CODES } from "node:http";
import { KvError } from "../../base/index.ts";
import { ERROR_TRAILER, OUTCOME_TRAILER } from "../../proto/index.ts";
import { statusOf } from "../status.ts";
import type { Status } from "../status.ts";

/** grpc-gateway's table, by gRPC's code: FAILED_PRECONDITION as version 1 has it, which clients know. */
const HTTP_STATUS: readonly number[] = [
  200, 408, 500, 400, 504, 404, 409, 403, 429, 412, 409, 400, 501, 500, 503, 500, 401,
];

export interface Failure {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: Status;
}

export function failureOf(error: KvError | Status): Failure {
  const status = error instanceof KvError ? statusOf(error) : error;
  const headers: Record<string, string> = {};
  for (const name of [ERROR_TRAILER, OUTCOME_TRAILER]) {
    const value = status.trailers[name];
    if (value !== undefined) headers[name] = value;
  }
  return { httpStatus: HTTP_STATUS[status.code] ?? 500, headers, status };
}

/** Of a call that answers once. */
export function unaryErrorText({ status: { code, message } }: Failure): string {
  return JSON.stringify({ error: message, message, code, details: [] });
}

/** Of a stream, before or after answers. */
export function streamErrorText({ httpStatus, status: { code, message } }: Failure): string {
  const http_status = STATUS_CODES[httpStatus] ?? "";
  const error = { grpc_code: code, http_code: httpStatus, message, http_status, code, details: [] };
  return JSON.stringify({ error });
}
