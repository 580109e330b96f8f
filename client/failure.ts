// From what gRPC reports to the one error of the API. Hansa says code and outcome in trailers; etcd says a
// text, which its clients match on; the rest is grpc-js's own account of a connection.
import { status as grpcStatus } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { KvErrorCode, Outcome } from "../base/index.ts";

/** The trailers of Hansa's servers. */
const TRAILER_ERROR = "hansa-error";
const TRAILER_OUTCOME = "hansa-outcome";

/** Every code, so that a trailer of a newer server is told from one that is known here. */
const CODES: Readonly<Record<KvErrorCode, true>> = {
  "key-not-provided": true,
  "key-not-found": true,
  "value-provided": true,
  "lease-provided": true,
  "lease-not-found": true,
  "too-many-operations": true,
  "duplicate-key": true,
  "invalid-sort-option": true,
  "request-too-large": true,
  compacted: true,
  "future-revision": true,
  "too-many-requests": true,
  "no-leader": true,
  "not-leader": true,
  "leader-changed": true,
  "server-stopped": true,
  "timed-out": true,
  "timed-out-leader-fail": true,
  "timed-out-wait-applied": true,
  "member-not-found": true,
  corrupt: true,
  "not-committed": true,
  "too-stale": true,
  "lag-too-large": true,
  retired: true,
  "session-expired": true,
  "already-acknowledged": true,
  "session-mismatch": true,
  "session-full": true,
  "invalid-argument": true,
  unimplemented: true,
  "deadline-exceeded": true,
  cancelled: true,
  unavailable: true,
  internal: true,
};

/**
 * etcd's texts. `not-applied` where etcd says it before it proposes, or when it applies and refuses;
 * `unknown` where the proposal may be in the log.
 */
const ETCD_TEXTS: Readonly<Record<string, readonly [KvErrorCode, Outcome]>> = {
  "etcdserver: key is not provided": ["key-not-provided", "not-applied"],
  "etcdserver: key not found": ["key-not-found", "not-applied"],
  "etcdserver: value is provided": ["value-provided", "not-applied"],
  "etcdserver: lease is provided": ["lease-provided", "not-applied"],
  "etcdserver: requested lease not found": ["lease-not-found", "not-applied"],
  "etcdserver: too many operations in txn request": ["too-many-operations", "not-applied"],
  "etcdserver: duplicate key given in txn request": ["duplicate-key", "not-applied"],
  "etcdserver: invalid sort option": ["invalid-sort-option", "not-applied"],
  "etcdserver: request is too large": ["request-too-large", "not-applied"],
  "etcdserver: mvcc: required revision has been compacted": ["compacted", "not-applied"],
  "etcdserver: mvcc: required revision is a future revision": ["future-revision", "not-applied"],
  "etcdserver: too many requests": ["too-many-requests", "not-applied"],
  "etcdserver: no leader": ["no-leader", "not-applied"],
  "raft proposal dropped": ["no-leader", "not-applied"],
  "etcdserver: not leader": ["not-leader", "not-applied"],
  // The member refuses by its role; another will serve it.
  "etcdserver: rpc not supported for learner": ["not-leader", "not-applied"],
  "etcdserver: leader changed": ["leader-changed", "unknown"],
  "etcdserver: server stopped": ["server-stopped", "unknown"],
  "etcdserver: request timed out": ["timed-out", "unknown"],
  "etcdserver: request timed out, possibly due to previous leader failure": [
    "timed-out-leader-fail",
    "unknown",
  ],
  "etcdserver: request timed out, possibly due to connection lost": ["timed-out", "unknown"],
  "etcdserver: request timed out, waiting for the applied index took too long": [
    "timed-out-wait-applied",
    "unknown",
  ],
  "etcdserver: member not found": ["member-not-found", "not-applied"],
  "etcdserver: corrupt cluster": ["corrupt", "not-applied"],
};

/** What is left to go by when neither trailers nor text are known. */
const GRPC_CODES: Readonly<Partial<Record<number, readonly [KvErrorCode, Outcome]>>> = {
  [grpcStatus.CANCELLED]: ["cancelled", "unknown"],
  [grpcStatus.INVALID_ARGUMENT]: ["invalid-argument", "not-applied"],
  [grpcStatus.DEADLINE_EXCEEDED]: ["deadline-exceeded", "unknown"],
  [grpcStatus.NOT_FOUND]: ["invalid-argument", "not-applied"],
  [grpcStatus.PERMISSION_DENIED]: ["invalid-argument", "not-applied"],
  [grpcStatus.UNAUTHENTICATED]: ["invalid-argument", "not-applied"],
  [grpcStatus.FAILED_PRECONDITION]: ["invalid-argument", "not-applied"],
  [grpcStatus.OUT_OF_RANGE]: ["invalid-argument", "not-applied"],
  [grpcStatus.UNIMPLEMENTED]: ["unimplemented", "not-applied"],
  [grpcStatus.UNAVAILABLE]: ["unavailable", "unknown"],
};

/** How grpc-js begins the details of a call that never left: no connection could be made. */
const NEVER_SENT = ["No connection established", "Name resolution failed", "Channel closed before"];

/** Where a failure was met, for the message. */
export interface FailureParts {
  readonly grpcCode: number;
  readonly message: string;
  /** Trailer `hansa-error`, or "". */
  readonly error: string;
  /** Trailer `hansa-outcome`, or "". */
  readonly outcome: string;
}

function isCode(text: string): text is KvErrorCode {
  return Object.hasOwn(CODES, text);
}

/** Trailers first, then etcd's text, then gRPC's code; what none of them settles is `unknown`. */
export function kvErrorOf(parts: FailureParts, address: string, cause?: unknown): KvError {
  const options = cause === undefined ? {} : { cause };
  const message = `${parts.message} (${address})`;
  if (isCode(parts.error)) {
    const outcome = parts.outcome === "not-applied" ? "not-applied" : "unknown";
    return new KvError(parts.error, outcome, message, options);
  }
  const byText = ETCD_TEXTS[parts.message];
  if (byText !== undefined) return new KvError(byText[0], byText[1], message, options);
  if (
    parts.grpcCode === grpcStatus.UNAVAILABLE &&
    NEVER_SENT.some((start) => parts.message.startsWith(start))
  ) {
    return new KvError("unavailable", "not-applied", message, options);
  }
  const [code, outcome] = GRPC_CODES[parts.grpcCode] ?? ["internal", "unknown"];
  return new KvError(code, outcome, message, options);
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
    message: error.details,
    error: trailer(TRAILER_ERROR),
    outcome: trailer(TRAILER_OUTCOME),
  };
  return kvErrorOf(parts, address, error);
}

/** The same failure with another outcome, where more is known than at its origin. */
export function withOutcome(error: KvError, outcome: Outcome): KvError {
  if (error.outcome === outcome) return error;
  return new KvError(error.code, outcome, error.message, { cause: error.cause });
}
