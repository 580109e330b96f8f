// Every refusal that the store can give, with etcd's text where etcd has one: clients match on the string.
import type { KvErrorCode, Revision } from "../base/index.ts";
import type { Refusal } from "./response.ts";

/** The codes of base/ that the store itself gives. */
export type RefusalCode = Extract<
  KvErrorCode,
  | "key-not-provided"
  | "key-not-found"
  | "value-provided"
  | "lease-provided"
  | "lease-not-found"
  | "lease-exists"
  | "too-many-requests"
  | "no-space"
  | "corrupt"
  | "user-empty"
  | "role-empty"
  | "authentication-off"
  | "permission-denied"
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
  | "too-many-operations"
  | "duplicate-key"
  | "invalid-sort-option"
  | "compacted"
  | "future-revision"
  | "session-expired"
  | "already-acknowledged"
  | "session-mismatch"
  | "session-full"
  | "federation-refused"
  | "invalid-argument"
>;

const TEXTS: Readonly<Record<RefusalCode, string>> = {
  "key-not-provided": "etcdserver: key is not provided",
  "key-not-found": "etcdserver: key not found",
  "value-provided": "etcdserver: value is provided",
  "lease-provided": "etcdserver: lease is provided",
  "lease-not-found": "etcdserver: requested lease not found",
  "lease-exists": "etcdserver: lease already exists",
  "too-many-requests": "etcdserver: too many requests",
  "no-space": "etcdserver: mvcc: database space exceeded",
  corrupt: "etcdserver: corrupt cluster",
  "user-empty": "etcdserver: user name is empty",
  "role-empty": "etcdserver: role name is empty",
  "authentication-off": "etcdserver: authentication is not enabled",
  "permission-denied": "etcdserver: permission denied",
  "auth-revision-old": "etcdserver: revision of auth store is old",
  "invalid-auth-management": "etcdserver: invalid auth management",
  "root-user-missing": "etcdserver: root user does not exist",
  "root-role-missing": "etcdserver: root user does not have root role",
  "user-exists": "etcdserver: user name already exists",
  "user-not-found": "etcdserver: user name not found",
  "role-exists": "etcdserver: role name already exists",
  "role-not-found": "etcdserver: role name not found",
  "role-not-granted": "etcdserver: role is not granted to the user",
  "permission-not-granted": "etcdserver: permission is not granted to the role",
  "too-many-operations": "etcdserver: too many operations in txn request",
  "duplicate-key": "etcdserver: duplicate key given in txn request",
  "invalid-sort-option": "etcdserver: invalid sort option",
  compacted: "etcdserver: mvcc: required revision has been compacted",
  "future-revision": "etcdserver: mvcc: required revision is a future revision",
  "session-expired": "hansa: session is unknown or has expired",
  "already-acknowledged": "hansa: the answer to this sequence was already acknowledged",
  "session-mismatch": "hansa: this sequence was used for another command",
  "session-full": "hansa: too many sessions, or too many unacknowledged answers",
  "federation-refused": "hansa: the key is of no federated prefix",
  "invalid-argument": "hansa: the request id is malformed",
};

/** Frozen, one for each code: a refusal carries nothing of the request. */
const REFUSALS = new Map<RefusalCode, Refusal>(
  (Object.keys(TEXTS) as RefusalCode[]).map((code) => [
    code,
    Object.freeze({ kind: "refused", code, message: TEXTS[code] }),
  ]),
);

export function refusal(code: RefusalCode): Refusal {
  return REFUSALS.get(code) ?? { kind: "refused", code, message: TEXTS[code] };
}

/** The answer to a command that was refused when the store stood at `revision`. */
export function refused(
  why: Refusal,
  revision: Revision,
): Refusal & { readonly revision: Revision } {
  return { kind: "refused", code: why.code, message: why.message, revision };
}

export function isRefusal(value: object): value is Refusal {
  return "kind" in value && value.kind === "refused";
}
