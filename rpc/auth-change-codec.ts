// Changes of the auth state as they stand in the log, and permissions as clients write them.
import { bytesOf, keyOf } from "../base/index.ts";
import type { authpb } from "../proto/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { AuthChange, KeyRange, Permission, PermissionKind } from "../store/index.ts";
import { invalid } from "./decode.ts";

const wire = hansa.store.v1;
type WireChange = hansa.store.v1.AuthChange.$Properties;

const KINDS: readonly PermissionKind[] = ["read", "write", "readwrite"];

export function authChangeBytes(change: AuthChange): Uint8Array {
  return wire.AuthChange.encode(changeTo(change)).finish();
}

/** @throws {KvError} or {RangeError} if the message is no change, or one that cannot be. */
export function readAuthChange(reader: Reader): AuthChange {
  return changeFrom(wire.AuthChange.decode(reader));
}

export function permissionTo({ kind, key, end }: Permission): authpb.Permission.$Properties {
  const range = { key: bytesOf(key), ...(end === undefined ? {} : { range_end: bytesOf(end) }) };
  return { permType: KINDS.indexOf(kind), ...range };
}

/** @throws {KvError} for a type that etcd has not. */
export function permissionFrom(permission: authpb.Permission.$Properties): Permission {
  const type: number = permission.permType ?? 0;
  const kind = KINDS[type];
  if (kind === undefined) throw invalid(`permission type ${type} is unknown; expected 0 to 2`);
  return { kind, ...rangeFrom(permission) };
}

export function rangeFrom(range: {
  readonly key?: Uint8Array | null;
  readonly range_end?: Uint8Array | null;
}): KeyRange {
  const key = keyOf(range.key ?? NO_BYTES);
  const end = range.range_end ?? NO_BYTES;
  return end.length === 0 ? { key } : { key, end: keyOf(end) };
}

const NO_BYTES = new Uint8Array(0);

function changeTo(change: AuthChange): WireChange {
  switch (change.kind) {
    case "enable":
      return { enable: {} };
    case "disable":
      return { disable: {} };
    case "user-add":
      return { user_add: { name: change.user, password_hash: change.passwordHash } };
    case "user-delete":
      return { user_delete: { name: change.user } };
    case "user-password":
      return { user_password: { name: change.user, password_hash: change.passwordHash } };
    case "user-grant":
      return { user_grant: { user: change.user, role: change.role } };
    case "user-revoke":
      return { user_revoke: { user: change.user, role: change.role } };
    case "role-add":
      return { role_add: { role: change.role } };
    case "role-delete":
      return { role_delete: { role: change.role } };
    case "role-grant":
      return { role_grant: { role: change.role, permission: permissionTo(change.permission) } };
    case "role-revoke": {
      const permission = permissionTo({ kind: "read", ...change.range });
      return { role_revoke: { role: change.role, permission } };
    }
    case "token-issue": {
      const { user, digest, ttlMs, authRevision } = change;
      const token = { user, digest: bytesOf(digest), ttl_ms: ttlMs, auth_revision: authRevision };
      return { token_issue: token };
    }
    case "token-renew":
      return { token_renew: { digests: change.digests.map(bytesOf) } };
  }
}

function changeFrom(message: hansa.store.v1.AuthChange): AuthChange {
  const { user_add, user_delete, user_password, user_grant, user_revoke } = message;
  const { role_add, role_delete, role_grant, role_revoke, token_issue, token_renew } = message;
  if (message.enable) return { kind: "enable" };
  if (message.disable) return { kind: "disable" };
  if (user_add) return { kind: "user-add", ...credentialsFrom(user_add) };
  if (user_delete) return { kind: "user-delete", user: user_delete.name ?? "" };
  if (user_password) return { kind: "user-password", ...credentialsFrom(user_password) };
  if (user_grant) return { kind: "user-grant", ...grantFrom(user_grant) };
  if (user_revoke) return { kind: "user-revoke", ...grantFrom(user_revoke) };
  if (role_add) return { kind: "role-add", role: role_add.role ?? "" };
  if (role_delete) return { kind: "role-delete", role: role_delete.role ?? "" };
  if (role_grant) {
    const permission = permissionFrom(role_grant.permission ?? {});
    return { kind: "role-grant", role: role_grant.role ?? "", permission };
  }
  if (role_revoke) {
    const range = rangeFrom(role_revoke.permission ?? {});
    return { kind: "role-revoke", role: role_revoke.role ?? "", range };
  }
  if (token_issue) return { kind: "token-issue", ...tokenFrom(token_issue) };
  if (token_renew)
    return { kind: "token-renew", digests: (token_renew.digests ?? []).map(digestOf) };
  throw new RangeError("a change of auth is of no known kind");
}

function credentialsFrom({ name, password_hash }: hansa.store.v1.IAuthUser): {
  readonly user: string;
  readonly passwordHash: string;
} {
  return { user: name ?? "", passwordHash: password_hash ?? "" };
}

function grantFrom({ user, role }: hansa.store.v1.IAuthGrant): {
  readonly user: string;
  readonly role: string;
} {
  return { user: user ?? "", role: role ?? "" };
}

function tokenFrom(
  token: hansa.store.v1.IAuthToken,
): Omit<Extract<AuthChange, { kind: "token-issue" }>, "kind"> {
  const ttlMs = exactNumberOf(token.ttl_ms ?? 0, "ttl_ms");
  if (ttlMs <= 0) throw new RangeError("a token lives for some time");
  return {
    user: token.user ?? "",
    digest: digestOf(token.digest ?? NO_BYTES),
    ttlMs,
    authRevision: exactNumberOf(token.auth_revision ?? 0, "auth_revision"),
  };
}

function digestOf(bytes: Uint8Array): ReturnType<typeof keyOf> {
  if (bytes.length !== 32) throw new RangeError(`a digest has ${bytes.length} bytes, not 32`);
  return keyOf(bytes);
}
