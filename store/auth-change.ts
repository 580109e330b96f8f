// What can be asked of the auth state, and what it is made of, as types. rpc/ makes them from bytes; a change is a
// command of the log, so that every replica has the same users, roles, grants and tokens.
import type { Key } from "../base/index.ts";
import type { KeyRange } from "./key-range.ts";

export type PermissionKind = "read" | "write" | "readwrite";

export interface Permission extends KeyRange {
  readonly kind: PermissionKind;
}

export interface User {
  readonly name: string;
  /** bcrypt's text; empty: no password is right. */
  readonly passwordHash: string;
  /** In order. */
  readonly roles: readonly string[];
  /** The auth revision since when its password is what it is: whoever was found to be it before, is not. */
  readonly since: number;
}

export interface Role {
  readonly name: string;
  /** In order of key and end, each range once. */
  readonly permissions: readonly Permission[];
}

/** A simple token, known by the SHA-256 of its secret: neither log nor state can be used to log in. */
export interface Token {
  /** 32 bytes. */
  readonly digest: Key;
  readonly user: string;
  readonly ttlMs: number;
  /** In log time. */
  readonly dueAtMs: number;
}

export type AuthChange =
  | { readonly kind: "enable" }
  | { readonly kind: "disable" }
  | { readonly kind: "user-add"; readonly user: string; readonly passwordHash: string }
  | { readonly kind: "user-delete"; readonly user: string }
  | { readonly kind: "user-password"; readonly user: string; readonly passwordHash: string }
  | { readonly kind: "user-grant"; readonly user: string; readonly role: string }
  | { readonly kind: "user-revoke"; readonly user: string; readonly role: string }
  | { readonly kind: "role-add"; readonly role: string }
  | { readonly kind: "role-delete"; readonly role: string }
  | { readonly kind: "role-grant"; readonly role: string; readonly permission: Permission }
  | { readonly kind: "role-revoke"; readonly role: string; readonly range: KeyRange }
  | {
      readonly kind: "token-issue";
      readonly user: string;
      readonly digest: Key;
      readonly ttlMs: number;
      /** Of the auth state in which the password was right. */
      readonly authRevision: number;
    }
  /** They were used: each lives its whole time again. */
  | { readonly kind: "token-renew"; readonly digests: readonly Key[] };

export interface AuthRequest {
  readonly kind: "auth";
  readonly change: AuthChange;
}

/** Of a user or a role, in UTF-8. */
export const NAME_BYTES_MAX = 1_024;

/** etcd's names: this user, with this role, may do everything, and auth cannot be on without it. */
export const ROOT = "root";
