// How each refusal looks on the wire: gRPC's code and the text that clients match on. etcd's where etcd has
// the refusal; Hansa's own texts start with "hansa: ". The trailers say the rest, to clients that know them.

/** Trailer: the closed code, one of the keys of WIRE_STATUS. */
export const ERROR_TRAILER = "hansa-error";
/** Trailer: `applied`, `not-applied` or `unknown`, what the caller may conclude about a write. */
export const OUTCOME_TRAILER = "hansa-outcome";

/** gRPC's status codes by their names in its specification. */
export const GRPC = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export interface WireStatus {
  readonly grpc: number;
  readonly text: string;
  /** The text goes on after a colon with what the error itself says. */
  readonly open?: true;
}

/**
 * By KvErrorCode. Hansa's own codes: UNAVAILABLE where another member, or the same one soon, can answer,
 * and a client may try without knowing more; FAILED_PRECONDITION where the same call fails again until
 * something else changes, so that etcd's clients do not repeat it by themselves; INVALID_ARGUMENT and
 * RESOURCE_EXHAUSTED as gRPC has them.
 */
export const WIRE_STATUS = {
  "key-not-provided": etcd(GRPC.INVALID_ARGUMENT, "key is not provided"),
  "key-not-found": etcd(GRPC.INVALID_ARGUMENT, "key not found"),
  "value-provided": etcd(GRPC.INVALID_ARGUMENT, "value is provided"),
  "lease-provided": etcd(GRPC.INVALID_ARGUMENT, "lease is provided"),
  "lease-not-found": etcd(GRPC.NOT_FOUND, "requested lease not found"),
  "lease-exists": etcd(GRPC.FAILED_PRECONDITION, "lease already exists"),
  "lease-ttl-too-large": etcd(GRPC.OUT_OF_RANGE, "too large lease TTL"),
  "too-many-operations": etcd(GRPC.INVALID_ARGUMENT, "too many operations in txn request"),
  "duplicate-key": etcd(GRPC.INVALID_ARGUMENT, "duplicate key given in txn request"),
  "invalid-sort-option": etcd(GRPC.INVALID_ARGUMENT, "invalid sort option"),
  "request-too-large": etcd(GRPC.INVALID_ARGUMENT, "request is too large"),
  compacted: etcd(GRPC.OUT_OF_RANGE, "mvcc: required revision has been compacted"),
  "future-revision": etcd(GRPC.OUT_OF_RANGE, "mvcc: required revision is a future revision"),
  "too-many-requests": etcd(GRPC.RESOURCE_EXHAUSTED, "too many requests"),
  "no-space": etcd(GRPC.RESOURCE_EXHAUSTED, "mvcc: database space exceeded"),
  "downgrade-version-malformed": etcd(
    GRPC.INVALID_ARGUMENT,
    "wrong downgrade target version format",
  ),
  "downgrade-version-invalid": etcd(GRPC.INVALID_ARGUMENT, "invalid downgrade target version"),
  "downgrade-in-progress": etcd(
    GRPC.FAILED_PRECONDITION,
    "cluster has a downgrade job in progress",
  ),
  "no-downgrade": etcd(GRPC.FAILED_PRECONDITION, "no inflight downgrade job"),
  "no-leader": etcd(GRPC.UNAVAILABLE, "no leader"),
  "not-leader": etcd(GRPC.FAILED_PRECONDITION, "not leader"),
  "leader-changed": etcd(GRPC.UNAVAILABLE, "leader changed"),
  "server-stopped": etcd(GRPC.UNAVAILABLE, "server stopped"),
  "timed-out": etcd(GRPC.UNAVAILABLE, "request timed out"),
  "timed-out-leader-fail": etcd(
    GRPC.UNAVAILABLE,
    "request timed out, possibly due to previous leader failure",
  ),
  "timed-out-wait-applied": etcd(
    GRPC.UNAVAILABLE,
    "request timed out, waiting for the applied index took too long",
  ),
  "member-not-found": etcd(GRPC.NOT_FOUND, "member not found"),
  "member-urls-invalid": etcd(GRPC.INVALID_ARGUMENT, "given member URLs are invalid"),
  "peer-urls-exist": etcd(GRPC.FAILED_PRECONDITION, "Peer URLs already exists"),
  "not-enough-started": etcd(
    GRPC.FAILED_PRECONDITION,
    "re-configuration failed due to not enough started members",
  ),
  "unhealthy-cluster": etcd(GRPC.UNAVAILABLE, "unhealthy cluster"),
  "too-many-learners": etcd(GRPC.FAILED_PRECONDITION, "too many learner members in cluster"),
  "member-not-learner": etcd(GRPC.FAILED_PRECONDITION, "can only promote a learner member"),
  "learner-not-ready": etcd(
    GRPC.FAILED_PRECONDITION,
    "can only promote a learner member which is in sync with leader",
  ),
  "bad-transferee": etcd(GRPC.FAILED_PRECONDITION, "bad leader transferee"),
  "user-empty": etcd(GRPC.INVALID_ARGUMENT, "user name is empty"),
  "role-empty": etcd(GRPC.INVALID_ARGUMENT, "role name is empty"),
  "authentication-failed": etcd(
    GRPC.INVALID_ARGUMENT,
    "authentication failed, invalid user ID or password",
  ),
  "authentication-off": etcd(GRPC.FAILED_PRECONDITION, "authentication is not enabled"),
  "permission-not-given": etcd(GRPC.INVALID_ARGUMENT, "permission not given"),
  "permission-denied": etcd(GRPC.PERMISSION_DENIED, "permission denied"),
  "invalid-token": etcd(GRPC.UNAUTHENTICATED, "invalid auth token"),
  "auth-revision-old": etcd(GRPC.INVALID_ARGUMENT, "revision of auth store is old"),
  "invalid-auth-management": etcd(GRPC.INVALID_ARGUMENT, "invalid auth management"),
  "root-user-missing": etcd(GRPC.FAILED_PRECONDITION, "root user does not exist"),
  "root-role-missing": etcd(GRPC.FAILED_PRECONDITION, "root user does not have root role"),
  "user-exists": etcd(GRPC.FAILED_PRECONDITION, "user name already exists"),
  "user-not-found": etcd(GRPC.FAILED_PRECONDITION, "user name not found"),
  "role-exists": etcd(GRPC.FAILED_PRECONDITION, "role name already exists"),
  "role-not-found": etcd(GRPC.FAILED_PRECONDITION, "role name not found"),
  "role-not-granted": etcd(GRPC.FAILED_PRECONDITION, "role is not granted to the user"),
  "permission-not-granted": etcd(GRPC.FAILED_PRECONDITION, "permission is not granted to the role"),
  corrupt: etcd(GRPC.DATA_LOSS, "corrupt cluster"),
  "deadline-exceeded": etcd(GRPC.DEADLINE_EXCEEDED, "context deadline exceeded"),
  cancelled: etcd(GRPC.CANCELLED, "request canceled"),
  "not-committed": hansa(GRPC.FAILED_PRECONDITION, "the asked revision is not committed here"),
  "too-stale": hansa(GRPC.FAILED_PRECONDITION, "the state here is older than asked"),
  "lag-too-large": hansa(GRPC.UNAVAILABLE, "this member is too far behind the leader"),
  "session-expired": hansa(GRPC.FAILED_PRECONDITION, "session is unknown or has expired"),
  "already-acknowledged": hansa(
    GRPC.FAILED_PRECONDITION,
    "the answer to this sequence was already acknowledged",
  ),
  "session-mismatch": hansa(GRPC.INVALID_ARGUMENT, "this sequence was used for another command"),
  "session-full": hansa(
    GRPC.RESOURCE_EXHAUSTED,
    "the session holds too many unacknowledged answers",
  ),
  "regions-not-reached": hansa(GRPC.UNAVAILABLE, "not enough regions were reached"),
  "causal-lost": hansa(GRPC.DATA_LOSS, "what the causal token names is lost"),
  "federation-refused": hansa(GRPC.FAILED_PRECONDITION, "the federation does not allow it"),
  "home-unreachable": hansa(GRPC.UNAVAILABLE, "the region that takes these writes"),
  "home-late": hansa(GRPC.UNAVAILABLE, "the home's lease ended before the answer"),
  "context-stale": hansa(GRPC.ABORTED, "the key was deleted since it was read: read again"),
  "retention-full": hansa(
    GRPC.RESOURCE_EXHAUSTED,
    "too much is not known to be held by another region",
  ),
  // etcd's lock and election services pass their errors on as they are: unmapped.
  "lock-expired": { grpc: GRPC.UNKNOWN, text: "mutex: session is expired" },
  "campaign-expired": { grpc: GRPC.UNKNOWN, text: "election: session is expired" },
  "not-elected": { grpc: GRPC.UNKNOWN, text: "election: not leader" },
  "nobody-elected": { grpc: GRPC.UNKNOWN, text: "election: no leader" },
  "leader-key-missing": { grpc: GRPC.UNKNOWN, text: '"leader" field must be provided' },
  conflict: hansa(GRPC.ABORTED, "others changed what was read, too often"),
  "invalid-argument": hansa(GRPC.INVALID_ARGUMENT, "invalid argument"),
  unimplemented: hansa(GRPC.UNIMPLEMENTED, "not implemented"),
  unavailable: hansa(GRPC.UNAVAILABLE, "unavailable"),
  internal: hansa(GRPC.INTERNAL, "internal error"),
} as const satisfies Readonly<Record<string, WireStatus>>;

export type WireErrorCode = keyof typeof WIRE_STATUS;

/** Whether a trailer's value is a code of WIRE_STATUS. */
export function isWireErrorCode(value: string): value is WireErrorCode {
  return Object.hasOwn(WIRE_STATUS, value);
}

/**
 * The code of a status without Hansa's trailers: etcd's own, recognized by its text, else the nearest
 * to gRPC's code.
 */
export function errorCodeOf(grpc: number, text: string): WireErrorCode {
  return BY_TEXT.get(text) ?? BY_GRPC.get(grpc) ?? "internal";
}

function etcd(grpc: number, text: string): WireStatus {
  return { grpc, text: `etcdserver: ${text}` };
}

function hansa(grpc: number, text: string): WireStatus {
  return { grpc, text: `hansa: ${text}`, open: true };
}

const BY_TEXT: ReadonlyMap<string, WireErrorCode> = new Map(
  (Object.keys(WIRE_STATUS) as WireErrorCode[]).map((code) => [WIRE_STATUS[code].text, code]),
);

const BY_GRPC: ReadonlyMap<number, WireErrorCode> = new Map<number, WireErrorCode>([
  [GRPC.CANCELLED, "cancelled"],
  [GRPC.INVALID_ARGUMENT, "invalid-argument"],
  [GRPC.DEADLINE_EXCEEDED, "deadline-exceeded"],
  [GRPC.RESOURCE_EXHAUSTED, "too-many-requests"],
  [GRPC.PERMISSION_DENIED, "permission-denied"],
  [GRPC.UNAUTHENTICATED, "invalid-token"],
  [GRPC.UNIMPLEMENTED, "unimplemented"],
  [GRPC.UNAVAILABLE, "unavailable"],
  [GRPC.DATA_LOSS, "corrupt"],
]);
