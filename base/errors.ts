// The one error of the API: a closed code, and whether the write may have happened.

/** Closed: rpc/status.ts maps each to a gRPC code and etcd's text, and a test enumerates them. */
export type KvErrorCode =
  | "key-not-provided"
  | "key-not-found"
  | "value-provided"
  | "lease-provided"
  | "lease-not-found"
  | "lease-exists"
  | "lease-ttl-too-large"
  | "too-many-operations"
  | "duplicate-key"
  | "invalid-sort-option"
  | "request-too-large"
  | "compacted"
  | "future-revision"
  | "too-many-requests"
  | "no-space"
  | "downgrade-version-malformed"
  | "downgrade-version-invalid"
  | "downgrade-in-progress"
  | "no-downgrade"
  | "no-leader"
  | "not-leader"
  | "leader-changed"
  | "server-stopped"
  | "timed-out"
  | "timed-out-leader-fail"
  | "timed-out-wait-applied"
  | "member-not-found"
  | "member-urls-invalid"
  | "peer-urls-exist"
  | "not-enough-started"
  | "unhealthy-cluster"
  | "too-many-learners"
  | "member-not-learner"
  | "learner-not-ready"
  | "bad-transferee"
  | "user-empty"
  | "role-empty"
  | "authentication-failed"
  | "authentication-off"
  | "permission-not-given"
  | "permission-denied"
  | "invalid-token"
  | "auth-revision-old"
  | "invalid-auth-management"
  | "root-user-missing"
  | "root-role-missing"
  | "user-exists"
  | "user-not-found"
  | "role-exists"
  | "role-not-found"
  | "role-not-granted"
  | "permission-not-granted"
  | "corrupt"
  | "not-committed"
  | "too-stale"
  | "lag-too-large"
  | "regions-not-reached"
  | "causal-lost"
  | "session-expired"
  | "already-acknowledged"
  | "session-mismatch"
  | "session-full"
  | "federation-refused"
  | "retention-full"
  | "home-unreachable"
  | "home-late"
  | "context-stale"
  | "lock-expired"
  | "campaign-expired"
  | "not-elected"
  | "nobody-elected"
  | "leader-key-missing"
  | "conflict"
  | "invalid-argument"
  | "unimplemented"
  | "deadline-exceeded"
  | "cancelled"
  | "unavailable"
  | "internal";

/**
 * What the caller may conclude about the command:
 * - `applied`: it has taken effect; what came after it, or its answer alone, has failed.
 * - `not-applied`: it did not and will not take effect; retrying is safe.
 * - `unknown`: it may take effect now, later or never; retry only under the same request id.
 */
export type Outcome = "applied" | "not-applied" | "unknown";

export class KvError extends Error {
  override readonly name = "KvError";
  readonly code: KvErrorCode;
  readonly outcome: Outcome;

  constructor(code: KvErrorCode, outcome: Outcome, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.outcome = outcome;
  }
}
