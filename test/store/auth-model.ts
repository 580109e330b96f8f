// Users, roles and who may do what, so plainly that it is its own specification: grants are looked through one by one,
// and a range is allowed if every key in it that could make a difference is.
import { keyOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import type {
  AuthChange,
  Caller,
  KeyRange,
  Permission,
  Request,
  RequestOp,
  TxnRequest,
} from "../../store/index.ts";

interface ModelUser {
  since: number;
  roles: Set<string>;
}

/** Codes of a decision; undefined: allowed. */
export type Decision = string | undefined;

export class AuthModel {
  enabled = false;
  revision = 1;
  readonly users = new Map<string, ModelUser>();
  readonly roles = new Map<string, Permission[]>();
  /** By secret, whose it is. */
  readonly tokens = new Map<Key, string>();

  /** What a change is refused for; else it is made. */
  change(change: AuthChange): Decision {
    const { users, roles } = this;
    switch (change.kind) {
      case "enable": {
        if (this.enabled) return undefined;
        const root = users.get("root");
        if (root === undefined) return "root-user-missing";
        if (!root.roles.has("root")) return "root-role-missing";
        this.enabled = true;
        return undefined;
      }
      case "disable":
        if (!this.enabled) return undefined;
        this.enabled = false;
        this.tokens.clear();
        return this.#next();
      case "user-add":
        if (change.user === "") return "user-empty";
        if (users.has(change.user)) return "user-exists";
        users.set(change.user, { since: this.revision + 1, roles: new Set() });
        return this.#next();
      case "user-delete":
        if (this.enabled && change.user === "root") return "invalid-auth-management";
        if (!users.delete(change.user)) return "user-not-found";
        this.#forget(change.user);
        return this.#next();
      case "user-password":
        return this.#ofUser(change.user, (user) => {
          user.since = this.revision + 1;
          this.#forget(change.user);
          return this.#next();
        });
      case "user-grant":
        return this.#ofUser(change.user, (user) => {
          if (change.role !== "root" && !roles.has(change.role)) return "role-not-found";
          if (user.roles.has(change.role)) return undefined;
          user.roles.add(change.role);
          return this.#next();
        });
      case "user-revoke":
        if (this.enabled && change.user === "root" && change.role === "root") {
          return "invalid-auth-management";
        }
        return this.#ofUser(change.user, (user) => {
          return user.roles.delete(change.role) ? this.#next() : "role-not-granted";
        });
      case "role-add":
        if (change.role === "") return "role-empty";
        if (roles.has(change.role)) return "role-exists";
        roles.set(change.role, []);
        return this.#next();
      case "role-delete":
        if (this.enabled && change.role === "root") return "invalid-auth-management";
        if (!roles.delete(change.role)) return "role-not-found";
        for (const user of users.values()) user.roles.delete(change.role);
        return this.#next();
      case "role-grant":
        if (isEmpty(change.permission)) return "invalid-auth-management";
        return this.#ofRole(change.role, (permissions) => {
          const others = permissions.filter((other) => !isSame(other, change.permission));
          roles.set(change.role, [...others, change.permission]);
          return this.#next();
        });
      case "role-revoke":
        return this.#ofRole(change.role, (permissions) => {
          const others = permissions.filter((other) => !isSame(other, change.range));
          if (others.length === permissions.length) return "permission-not-granted";
          roles.set(change.role, others);
          return this.#next();
        });
      case "token-issue": {
        if (!this.enabled) return "authentication-off";
        const user = users.get(change.user);
        if (user === undefined || change.authRevision < user.since) return "auth-revision-old";
        this.tokens.set(change.digest, change.user);
        return undefined;
      }
      case "token-renew":
        return undefined;
    }
  }

  /** `attached`: the keys of a lease. */
  judge(caller: Caller, request: Request, attached: (id: bigint) => readonly Key[]): Decision {
    const may = (): boolean => {
      const mayEnd = (id: bigint): boolean =>
        attached(id).every((key) => this.#holds(caller, "write", { key }));
      const mayRun = (operation: RequestOp): boolean => {
        if (operation.kind === "range") return this.#holds(caller, "read", operation.range);
        if (operation.kind === "txn") return mayTxn(operation.txn);
        const range = operation.kind === "put" ? operation.put : operation.deleteRange;
        const writes = this.#holds(
          caller,
          "write",
          operation.kind === "put" ? { key: range.key } : range,
        );
        const span = operation.kind === "put" ? { key: range.key } : range;
        const reads = !range.prevKv || this.#holds(caller, "read", span);
        return writes && reads && (operation.kind !== "put" || mayEnd(operation.put.lease));
      };
      const mayTxn = (txn: TxnRequest): boolean =>
        txn.compare.every((range) => this.#holds(caller, "read", range)) &&
        [...txn.success, ...txn.failure].every(mayRun);
      if (request.kind === "put" || request.kind === "delete-range") return mayRun(request);
      if (request.kind === "txn") return mayTxn(request.txn);
      if (request.kind === "lease-revoke") return mayEnd(request.id);
      return ["lease-grant", "session-open", "session-close"].includes(request.kind);
    };
    return this.#decide(caller, may);
  }

  read(caller: Caller, range: KeyRange): Decision {
    return this.#decide(caller, () => this.#holds(caller, "read", range));
  }

  #decide(caller: Caller, may: () => boolean): Decision {
    if (!this.enabled || caller.kind === "server") return undefined;
    if (caller.kind === "nobody") return "user-empty";
    const user = this.users.get(caller.name);
    if (user === undefined) {
      return caller.authRevision < this.revision ? "auth-revision-old" : "permission-denied";
    }
    if (caller.authRevision < user.since) return "auth-revision-old";
    return user.roles.has("root") || may() ? undefined : "permission-denied";
  }

  #holds(caller: Caller, want: "read" | "write", range: KeyRange): boolean {
    const user = caller.kind === "user" ? this.users.get(caller.name) : undefined;
    const grants = [...(user?.roles ?? [])]
      .flatMap((role) => this.roles.get(role) ?? [])
      .filter(({ kind }) => kind === want || kind === "readwrite");
    return tellingKeys([range, ...grants])
      .filter((key) => (isEmpty(range) ? key === range.key : isIn(range, key)))
      .every((key) => grants.some((grant) => isIn(grant, key)));
  }

  #ofUser(name: string, run: (user: ModelUser) => Decision): Decision {
    const user = this.users.get(name);
    return user === undefined ? "user-not-found" : run(user);
  }

  #ofRole(name: string, run: (permissions: Permission[]) => Decision): Decision {
    const role = this.roles.get(name);
    return role === undefined ? "role-not-found" : run(role);
  }

  #forget(user: string): void {
    for (const [digest, owner] of this.tokens) if (owner === user) this.tokens.delete(digest);
  }

  #next(): undefined {
    this.revision += 1;
  }
}

function isIn({ key: from, end }: KeyRange, key: Key): boolean {
  if (end === undefined) return key === from;
  return key >= from && (end === "\0" || key < end);
}

function isEmpty({ key, end }: KeyRange): boolean {
  return end === undefined ? key === "" : end !== "\0" && end <= key;
}

function isSame(left: KeyRange, right: KeyRange): boolean {
  return left.key === right.key && left.end === right.end;
}

/** Between two of these nothing begins or ends. */
function tellingKeys(ranges: readonly KeyRange[]): readonly Key[] {
  const bounds = ranges.flatMap(({ key, end }) => (end === undefined ? [key] : [key, end]));
  const beyond = keyOf(Uint8Array.of(255, 255, 255));
  return [beyond, ...bounds.flatMap((key) => [key, `${key}\0` as Key, `${key}\0\0` as Key])];
}
