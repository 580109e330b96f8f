import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import { WIRE_STATUS } from "../proto/index.ts";
import { errorOf, statusOf } from "./status.ts";

/** gRPC's number and the whole text, as an etcd client compares them. */
const EXPECTED: Readonly<Record<KvErrorCode, readonly [number, string]>> = {
  "key-not-provided": [3, "etcdserver: key is not provided"],
  "key-not-found": [3, "etcdserver: key not found"],
  "value-provided": [3, "etcdserver: value is provided"],
  "lease-provided": [3, "etcdserver: lease is provided"],
  "lease-not-found": [5, "etcdserver: requested lease not found"],
  "lease-exists": [9, "etcdserver: lease already exists"],
  "lease-ttl-too-large": [11, "etcdserver: too large lease TTL"],
  "too-many-operations": [3, "etcdserver: too many operations in txn request"],
  "duplicate-key": [3, "etcdserver: duplicate key given in txn request"],
  "invalid-sort-option": [3, "etcdserver: invalid sort option"],
  "request-too-large": [3, "etcdserver: request is too large"],
  compacted: [11, "etcdserver: mvcc: required revision has been compacted"],
  "future-revision": [11, "etcdserver: mvcc: required revision is a future revision"],
  "too-many-requests": [8, "etcdserver: too many requests"],
  "no-space": [8, "etcdserver: mvcc: database space exceeded"],
  "downgrade-version-malformed": [3, "etcdserver: wrong downgrade target version format"],
  "downgrade-version-invalid": [3, "etcdserver: invalid downgrade target version"],
  "downgrade-in-progress": [9, "etcdserver: cluster has a downgrade job in progress"],
  "no-downgrade": [9, "etcdserver: no inflight downgrade job"],
  "no-leader": [14, "etcdserver: no leader"],
  "not-leader": [9, "etcdserver: not leader"],
  "leader-changed": [14, "etcdserver: leader changed"],
  "server-stopped": [14, "etcdserver: server stopped"],
  "timed-out": [14, "etcdserver: request timed out"],
  "timed-out-leader-fail": [
    14,
    "etcdserver: request timed out, possibly due to previous leader failure",
  ],
  "timed-out-wait-applied": [
    14,
    "etcdserver: request timed out, waiting for the applied index took too long",
  ],
  "member-not-found": [5, "etcdserver: member not found"],
  "member-urls-invalid": [3, "etcdserver: given member URLs are invalid"],
  "peer-urls-exist": [9, "etcdserver: Peer URLs already exists"],
  "not-enough-started": [
    9,
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  "unhealthy-cluster": [14, "etcdserver: unhealthy cluster"],
  "too-many-learners": [9, "etcdserver: too many learner members in cluster"],
  "member-not-learner": [9, "etcdserver: can only promote a learner member"],
  "learner-not-ready": [
    9,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  "bad-transferee": [9, "etcdserver: bad leader transferee"],
  "user-empty": [3, "etcdserver: user name is empty"],
  "role-empty": [3, "etcdserver: role name is empty"],
  "authentication-failed": [3, "etcdserver: authentication failed, invalid user ID or password"],
  "authentication-off": [9, "etcdserver: authentication is not enabled"],
  "permission-not-given": [3, "etcdserver: permission not given"],
  "permission-denied": [7, "etcdserver: permission denied"],
  "invalid-token": [16, "etcdserver: invalid auth token"],
  "auth-revision-old": [3, "etcdserver: revision of auth store is old"],
  "invalid-auth-management": [3, "etcdserver: invalid auth management"],
  "root-user-missing": [9, "etcdserver: root user does not exist"],
  "root-role-missing": [9, "etcdserver: root user does not have root role"],
  "user-exists": [9, "etcdserver: user name already exists"],
  "user-not-found": [9, "etcdserver: user name not found"],
  "role-exists": [9, "etcdserver: role name already exists"],
  "role-not-found": [9, "etcdserver: role name not found"],
  "role-not-granted": [9, "etcdserver: role is not granted to the user"],
  "permission-not-granted": [9, "etcdserver: permission is not granted to the role"],
  corrupt: [15, "etcdserver: corrupt cluster"],
  "deadline-exceeded": [4, "etcdserver: context deadline exceeded"],
  cancelled: [1, "etcdserver: request canceled"],
  "not-committed": [9, "hansa: the asked revision is not committed here"],
  "too-stale": [9, "hansa: the state here is older than asked"],
  "lag-too-large": [14, "hansa: this member is too far behind the leader"],
  "session-expired": [9, "hansa: session is unknown or has expired"],
  "already-acknowledged": [9, "hansa: the answer to this sequence was already acknowledged"],
  "session-mismatch": [3, "hansa: this sequence was used for another command"],
  "session-full": [8, "hansa: the session holds too many unacknowledged answers"],
  "regions-not-reached": [14, "hansa: not enough regions were reached"],
  "causal-lost": [15, "hansa: what the causal token names is lost"],
  "federation-refused": [9, "hansa: the federation does not allow it"],
  "context-stale": [10, "hansa: the key was deleted since it was read: read again"],
  "retention-full": [8, "hansa: too much is not known to be held by another region"],
  "home-unreachable": [14, "hansa: the region that takes these writes"],
  "home-late": [14, "hansa: the home's lease ended before the answer"],
  "lock-expired": [2, "mutex: session is expired"],
  "campaign-expired": [2, "election: session is expired"],
  "not-elected": [2, "election: not leader"],
  "nobody-elected": [2, "election: no leader"],
  "leader-key-missing": [2, '"leader" field must be provided'],
  conflict: [10, "hansa: others changed what was read, too often"],
  "invalid-argument": [3, "hansa: invalid argument"],
  unimplemented: [12, "hansa: not implemented"],
  unavailable: [14, "hansa: unavailable"],
  internal: [13, "hansa: internal error"],
};

const CODES = Object.keys(EXPECTED) as KvErrorCode[];

describe("every error code", () => {
  test("is in the table of the wire", () => {
    expect(Object.keys(WIRE_STATUS).sort()).toEqual([...CODES].sort());
  });

  test.each(CODES)("%s has its gRPC code and text", (code) => {
    const { code: number, message } = statusOf(new KvError(code, "unknown", ""));
    expect([number, message]).toEqual(EXPECTED[code]);
  });

  test.each(CODES)("%s comes back from its trailers, outcome and all", (code) => {
    for (const outcome of ["not-applied", "unknown"] as const) {
      const status = statusOf(new KvError(code, outcome, "hansa: more"));
      const back = errorOf(status.code, status.message, (name) => status.trailers[name]);
      expect([back.code, back.outcome]).toEqual([code, outcome]);
    }
  });

  test.each(CODES)("%s comes back from its text alone, as from etcd", (code) => {
    const [number, text] = EXPECTED[code];
    const back = errorOf(number, text, () => undefined);
    expect([back.code, back.outcome]).toEqual([code, "unknown"]);
  });
});

test("etcd's texts stay as they are, Hansa's own may say more", () => {
  const messageOf = (code: KvErrorCode, message: string): string =>
    statusOf(new KvError(code, "not-applied", message)).message;
  expect(messageOf("compacted", "at 5")).toBe(EXPECTED.compacted[1]);
  expect(messageOf("too-stale", "hansa: 9 ms old")).toBe("hansa: 9 ms old");
  expect(messageOf("invalid-argument", "bad mode")).toBe("hansa: bad mode");
});

test("a status of nobody's gets the nearest code", () => {
  const codeOf = (number: number): KvErrorCode => errorOf(number, "?", () => undefined).code;
  expect([1, 2, 3, 4, 7, 8, 12, 13, 14, 15, 16].map(codeOf)).toEqual([
    "cancelled",
    "internal",
    "invalid-argument",
    "deadline-exceeded",
    "permission-denied",
    "too-many-requests",
    "unimplemented",
    "internal",
    "unavailable",
    "corrupt",
    "invalid-token",
  ]);
  expect(errorOf(14, "?", () => "no-such-code").code).toBe("unavailable");
});
