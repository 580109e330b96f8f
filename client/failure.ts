// From what gRPC reports to the one error of the API. Hansa says code and outcome in trailers; etcd says a
// text, which its clients match on; the rest is grpc-js's own account of a connection.
import { status as grpcStatus } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { KvErrorCode, Outcome } from "../base/index.ts";
import {
  ERROR_TRAILER,
  OUTCOME_TRAILER,
  WIRE_STATUS,
  errorCodeOf,
  isWireErrorCode,
} from "../proto/index.ts";
import { connectionFailureText } from "./connection-failure.ts";

/**
 * Refusals that etcd gives before it proposes, or when it applies and changes nothing. Its other texts
 * (timeouts, a leader that changed, a server that stops) leave open whether the proposal is in the log.
 */
const NOT_APPLIED: ReadonlySet<KvErrorCode> = new Set<KvErrorCode>([
  "key-not-provided",
  "key-not-found",
  "value-provided",
  "lease-provided",
  "lease-not-found",
  "lease-exists",
  "lease-ttl-too-large",
  "too-many-operations",
  "duplicate-key",
  "invalid-sort-option",
  "request-too-large",
  "compacted",
  "future-revision",
  "too-many-requests",
  "no-space",
  "no-leader",
  "not-leader",
  "member-not-found",
  "user-empty",
  "role-empty",
  "authentication-failed",
  "authentication-off",
  "permission-not-given",
  "permission-denied",
  "invalid-token",
  "auth-revision-old",
  "invalid-auth-management",
  "root-user-missing",
  "root-role-missing",
  "user-exists",
  "user-not-found",
  "role-exists",
  "role-not-found",
  "role-not-granted",
  "permission-not-granted",
  "corrupt",
  "lock-expired",
  "campaign-expired",
  "not-elected",
  "nobody-elected",
  "leader-key-missing",
]);

type Verdict = readonly [KvErrorCode, Outcome];

/** Texts of etcd beside those in WIRE_STATUS. */
const OTHER_TEXTS: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ["raft proposal dropped", ["no-leader", "not-applied"]],
  // The member refuses by its role; another will serve it.
  ["etcdserver: rpc not supported for learner", ["not-leader", "not-applied"]],
]);

/** gRPC codes of refusals that come again however often they are asked. */
const REFUSALS: ReadonlySet<number> = new Set([
  grpcStatus.INVALID_ARGUMENT,
  grpcStatus.NOT_FOUND,
  grpcStatus.PERMISSION_DENIED,
  grpcStatus.UNAUTHENTICATED,
  grpcStatus.FAILED_PRECONDITION,
  grpcStatus.OUT_OF_RANGE,
]);

/** How grpc-js begins the details of a call that never left, or that the server said it did not look at. */
const NEVER_SENT = [
  "No connection established",
  "Name resolution failed",
  "Channel closed before",
  "Stream refused by server",
];
/** grpc-js refuses an answer above `answerBytesMax`; asking again would bring it again. */
const TOO_LARGE = /message larger than max/;

/** What a failed call says, by gRPC's own status or in a `hansa.v1.Failure`. */
export interface FailureParts {
  readonly grpcCode: number;
  readonly message: string;
  /** Trailer `hansa-error`, or "". */
  readonly error: string;
  /** Trailer `hansa-outcome`, or "". */
  readonly outcome: string;
}

/** Trailers first, then etcd's text, then gRPC's code; what none of them settles is `unknown`. */
export function kvErrorOf(parts: FailureParts, address: string, cause?: unknown): KvError {
  const [code, outcome] = verdictOf(parts);
  const options = cause === undefined ? {} : { cause };
  return new KvError(code, outcome, `${parts.message} (${address})`, options);
}

function verdictOf({ grpcCode, message, error, outcome }: FailureParts): Verdict {
  if (isWireErrorCode(error)) {
    const known = outcome === "applied" || outcome === "not-applied";
    return [error, known ? outcome : "unknown"];
  }
  const other = OTHER_TEXTS.get(message);
  if (other !== undefined) return other;
  const code = errorCodeOf(grpcCode, message);
  if (WIRE_STATUS[code].text === message) {
    return [code, NOT_APPLIED.has(code) ? "not-applied" : "unknown"];
  }
  if (NEVER_SENT.some((start) => message.startsWith(start))) return ["unavailable", "not-applied"];
  if (TOO_LARGE.test(message)) return ["request-too-large", "unknown"];
  if (REFUSALS.has(grpcCode)) return ["invalid-argument", "not-applied"];
  return [code, grpcCode === grpcStatus.UNIMPLEMENTED ? "not-applied" : "unknown"];
}

/** The error of a gRPC call to `address`. */
export function failureOf(error: ServiceError, address: string): KvError {
  const trailer = (name: string): string => {
    // grpc-js types it as always there; a call that never left has none.
    const metadata = error.metadata as ServiceError["metadata"] | undefined;
    return String(metadata?.get(name)[0] ?? "");
  };
  const parts: FailureParts = {
    grpcCode: error.code,
    message: connectionFailureText(error.details, address) ?? error.details,
    error: trailer(ERROR_TRAILER),
    outcome: trailer(OUTCOME_TRAILER),
  };
  return kvErrorOf(parts, address, error);
}

/** Of a stream that was iterated: whatever ended it, as an error of the API. What is no gRPC failure stays. */
export function streamErrorOf(cause: unknown, address: string): unknown {
  if (cause instanceof KvError || !isServiceError(cause)) return cause;
  return failureOf(cause, address);
}

function isServiceError(cause: unknown): cause is ServiceError {
  return cause instanceof Error && "code" in cause && "details" in cause;
}

/** The same failure with another outcome, where more is known than at its origin. */
export function withOutcome(error: KvError, outcome: Outcome): KvError {
  if (error.outcome === outcome) return error;
  return new KvError(error.code, outcome, error.message, { cause: error.cause });
}
