// Users and roles: what is on record, and the commands that change it, with etcd's refusals in etcd's order. A
// refused change changes nothing; one that takes effect makes the next auth revision.
import { assert, unreachable } from "../base/index.ts";
import type { Key, LogTimeMs } from "../base/index.ts";
import { ROOT } from "./auth-change.ts";
import type { AuthChange, Permission, Role, Token, User } from "./auth-change.ts";
import {
  AUTH_HEAD_KEY,
  decodeAuthRow,
  headRow,
  roleRow,
  roleRowKey,
  userRow,
  userRowKey,
} from "./auth-rows.ts";
import { TokenTable } from "./auth-tokens.ts";
import type { Digest } from "./digest.ts";
import { spanOf } from "./key-range.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { refusal } from "./refusal.ts";
import type { KeyRange } from "./request.ts";
import type { Refusal } from "./response.ts";

/** Rules of the state machine, equal on all members of a group. */
const USERS_MAX = 100_000;
const ROLES_MAX = 100_000;
const ROLES_OF_USER_MAX = 1_024;
const PERMISSIONS_OF_ROLE_MAX = 10_000;
/** etcd's, of a cluster that never heard of auth. */
const REVISION_FIRST = 1;

/** What is on record. */
export interface AuthRecord {
  readonly enabled: boolean;
  /** Of the last change of users, roles or grants, or of auth being switched off. */
  readonly revision: number;
  user(name: string): User | undefined;
  role(name: string): Role | undefined;
  /** In order. */
  userNames(): readonly string[];
  roleNames(): readonly string[];
  token(digest: Key): Token | undefined;
}

export class AuthTable implements AuthRecord {
  readonly #writes: PendingWrites;
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  readonly #tokens: TokenTable;
  #enabled = false;
  #revision = REVISION_FIRST;

  constructor(writes: PendingWrites) {
    this.#writes = writes;
    this.#tokens = new TokenTable(writes);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get revision(): number {
    return this.#revision;
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  role(name: string): Role | undefined {
    return this.#roles.get(name);
  }

  userNames(): readonly string[] {
    return [...this.#users.keys()].sort();
  }

  roleNames(): readonly string[] {
    return [...this.#roles.keys()].sort();
  }

  token(digest: Key): Token | undefined {
    return this.#tokens.get(digest);
  }

  restore(rowKey: Uint8Array, value: Uint8Array): void {
    const row = decodeAuthRow(rowKey, value);
    switch (row.kind) {
      case "head":
        this.#enabled = row.head.enabled;
        this.#revision = row.head.revision;
        break;
      case "user":
        this.#users.set(row.user.name, row.user);
        break;
      case "role":
        this.#roles.set(row.role.name, row.role);
        break;
      case "token":
        this.#tokens.restore(row.token);
        break;
      default:
        unreachable(row);
    }
  }

  /** `now`: the log time of the entry. */
  run(change: AuthChange, now: LogTimeMs): Refusal | undefined {
    switch (change.kind) {
      case "enable":
        return this.#enable();
      case "disable":
        return this.#disable();
      case "user-add":
        return this.#addUser(change.user, change.passwordHash);
      case "user-delete":
        return this.#deleteUser(change.user);
      case "user-password":
        return this.#changePassword(change.user, change.passwordHash);
      case "user-grant":
        return this.#grant(change.user, change.role);
      case "user-revoke":
        return this.#revoke(change.user, change.role);
      case "role-add":
        return this.#addRole(change.role);
      case "role-delete":
        return this.#deleteRole(change.role);
      case "role-grant":
        return this.#permit(change.role, change.permission);
      case "role-revoke":
        return this.#forbid(change.role, change.range);
      case "token-issue":
        return this.#issue(change, now);
      case "token-renew":
        this.#tokens.renew(change.digests, now);
        return undefined;
      default:
        return unreachable(change);
    }
  }

  /** Everything that decides a later answer. A state that never heard of auth adds nothing. */
  addTo(digest: Digest): void {
    if (this.#revision === REVISION_FIRST) return;
    digest.bytes(headRow({ enabled: this.#enabled, revision: this.#revision }));
    digest.count(this.#users.size);
    for (const name of this.userNames()) this.#addRow(digest, userRowKey(name), this.user(name));
    digest.count(this.#roles.size);
    for (const name of this.roleNames()) this.#addRow(digest, roleRowKey(name), this.role(name));
    this.#tokens.addTo(digest);
  }

  #addRow(digest: Digest, key: Uint8Array, row: User | Role | undefined): void {
    assert(row !== undefined, "names are those on record");
    digest.bytes(key).bytes("permissions" in row ? roleRow(row) : userRow(row));
  }

  /** Without a new revision (etcd). */
  #enable(): Refusal | undefined {
    if (this.#enabled) return undefined;
    const root = this.#users.get(ROOT);
    if (root === undefined) return refusal("root-user-missing");
    if (!root.roles.includes(ROOT)) return refusal("root-role-missing");
    this.#enabled = true;
    this.#writeHead();
    return undefined;
  }

  #disable(): Refusal | undefined {
    if (!this.#enabled) return undefined;
    this.#enabled = false;
    this.#tokens.clear();
    return this.#changed();
  }

  #addUser(name: string, passwordHash: string): Refusal | undefined {
    if (name === "") return refusal("user-empty");
    if (this.#users.has(name)) return refusal("user-exists");
    if (this.#users.size >= USERS_MAX) return refusal("too-many-requests");
    this.#putUser({ name, passwordHash, roles: [], since: this.#revision + 1 });
    return this.#changed();
  }

  #deleteUser(name: string): Refusal | undefined {
    if (this.#enabled && name === ROOT) return refusal("invalid-auth-management");
    if (!this.#users.delete(name)) return refusal("user-not-found");
    this.#writes.delete(userRowKey(name));
    this.#tokens.removeOf(name);
    return this.#changed();
  }

  #changePassword(name: string, passwordHash: string): Refusal | undefined {
    const user = this.#users.get(name);
    if (user === undefined) return refusal("user-not-found");
    this.#putUser({ ...user, passwordHash, since: this.#revision + 1 });
    this.#tokens.removeOf(name);
    return this.#changed();
  }

  /** The root role need not be on record: everybody knows what it is (etcd). */
  #grant(name: string, role: string): Refusal | undefined {
    const user = this.#users.get(name);
    if (user === undefined) return refusal("user-not-found");
    if (role !== ROOT && !this.#roles.has(role)) return refusal("role-not-found");
    if (user.roles.includes(role)) return undefined;
    if (user.roles.length >= ROLES_OF_USER_MAX) return refusal("too-many-requests");
    this.#putUser({ ...user, roles: [...user.roles, role].sort() });
    return this.#changed();
  }

  #revoke(name: string, role: string): Refusal | undefined {
    if (this.#enabled && name === ROOT && role === ROOT) return refusal("invalid-auth-management");
    const user = this.#users.get(name);
    if (user === undefined) return refusal("user-not-found");
    if (!user.roles.includes(role)) return refusal("role-not-granted");
    this.#putUser({ ...user, roles: user.roles.filter((other) => other !== role) });
    return this.#changed();
  }

  #addRole(name: string): Refusal | undefined {
    if (name === "") return refusal("role-empty");
    if (this.#roles.has(name)) return refusal("role-exists");
    if (this.#roles.size >= ROLES_MAX) return refusal("too-many-requests");
    this.#putRole({ name, permissions: [] });
    return this.#changed();
  }

  #deleteRole(name: string): Refusal | undefined {
    if (this.#enabled && name === ROOT) return refusal("invalid-auth-management");
    if (!this.#roles.delete(name)) return refusal("role-not-found");
    this.#writes.delete(roleRowKey(name));
    for (const user of [...this.#users.values()]) {
      if (!user.roles.includes(name)) continue;
      this.#putUser({ ...user, roles: user.roles.filter((other) => other !== name) });
    }
    return this.#changed();
  }

  #permit(name: string, permission: Permission): Refusal | undefined {
    if (!isPermissionRange(permission)) return refusal("invalid-auth-management");
    const role = this.#roles.get(name);
    if (role === undefined) return refusal("role-not-found");
    const others = role.permissions.filter((other) => !sameRange(other, permission));
    if (others.length >= PERMISSIONS_OF_ROLE_MAX) return refusal("too-many-requests");
    this.#putRole({ name, permissions: [...others, permission].sort(compareRanges) });
    return this.#changed();
  }

  #forbid(name: string, range: KeyRange): Refusal | undefined {
    const role = this.#roles.get(name);
    if (role === undefined) return refusal("role-not-found");
    const permissions = role.permissions.filter((permission) => !sameRange(permission, range));
    if (permissions.length === role.permissions.length) return refusal("permission-not-granted");
    this.#putRole({ name, permissions });
    return this.#changed();
  }

  /** The password was right when the member looked; what matters is that it still is. */
  #issue(
    { user: name, digest, ttlMs, authRevision }: Extract<AuthChange, { kind: "token-issue" }>,
    now: LogTimeMs,
  ): Refusal | undefined {
    if (!this.#enabled) return refusal("authentication-off");
    const user = this.#users.get(name);
    if (user === undefined || user.since > authRevision) return refusal("auth-revision-old");
    return this.#tokens.issue(digest, name, ttlMs, now) ? undefined : refusal("too-many-requests");
  }

  #putUser(user: User): void {
    this.#users.set(user.name, user);
    this.#writes.put(userRowKey(user.name), userRow(user));
  }

  #putRole(role: Role): void {
    this.#roles.set(role.name, role);
    this.#writes.put(roleRowKey(role.name), roleRow(role));
  }

  #changed(): undefined {
    this.#revision += 1;
    this.#writeHead();
  }

  #writeHead(): void {
    this.#writes.put(AUTH_HEAD_KEY, headRow({ enabled: this.#enabled, revision: this.#revision }));
  }
}

/** One key, or a range that can hold one. */
function isPermissionRange(range: KeyRange): boolean {
  const { from, until, single } = spanOf(range);
  return single ? from.length > 0 : from < until;
}

function sameRange(left: KeyRange, right: KeyRange): boolean {
  return left.key === right.key && left.end === right.end;
}

function compareRanges(left: KeyRange, right: KeyRange): number {
  if (left.key !== right.key) return left.key < right.key ? -1 : 1;
  const [leftEnd, rightEnd] = [left.end ?? "", right.end ?? ""];
  if (leftEnd === rightEnd) return 0;
  return leftEnd < rightEnd ? -1 : 1;
}
