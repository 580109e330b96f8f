// Who may do what. Judged by the auth state at hand: of a command that is the state where it is applied, the same
// on every replica, whatever was true where it was asked. All that a transaction could do is judged, both branches
// at any depth, whatever its conditions turn out to be.
import { unreachable } from "../base/index.ts";
import type { Key, LeaseId, PlantedAuthBug, PlantedBug } from "../base/index.ts";
import { ROOT } from "./auth-change.ts";
import type { Permission, User } from "./auth-change.ts";
import type { AuthRecord } from "./auth-table.ts";
import type { Caller } from "./caller.ts";
import { KeySpans } from "./key-spans.ts";
import { refusal } from "./refusal.ts";
import type { KeyRange, PutRequest, Request, RequestOp, TxnRequest } from "./request.ts";
import type { Refusal } from "./response.ts";
import { NO_LEASE } from "./version.ts";

/** What the state machine knows of who may do what. undefined: it may. */
export interface AuthView extends AuthRecord {
  /** Is no user, or not any more: whoever shows again who it is may be answered otherwise. */
  refusesUser(caller: Caller): Refusal | undefined;
  refusesRoot(caller: Caller): Refusal | undefined;
  refusesRead(caller: Caller, range: KeyRange): Refusal | undefined;
  /** A transaction that cannot write. */
  refusesTxn(caller: Caller, txn: TxnRequest): Refusal | undefined;
}

/** Which keys hang on which lease. */
interface LeasedKeys {
  get(id: LeaseId): { readonly keys: ReadonlySet<Key> } | undefined;
}

interface Rights {
  readonly isRoot: boolean;
  readonly reads: KeySpans;
  readonly writes: KeySpans;
}

export class AuthJudge implements AuthView {
  readonly #record: AuthRecord;
  readonly #leases: LeasedKeys;
  readonly #planted: PlantedBug | PlantedAuthBug | undefined;
  /** By user, of one auth revision. */
  readonly #rights = new Map<string, Rights>();
  #rightsOf = 0;

  constructor(record: AuthRecord, leases: LeasedKeys, planted?: PlantedBug | PlantedAuthBug) {
    this.#record = record;
    this.#leases = leases;
    this.#planted = planted;
  }

  get enabled(): boolean {
    return this.#record.enabled;
  }

  get revision(): number {
    return this.#record.revision;
  }

  user(name: string): ReturnType<AuthRecord["user"]> {
    return this.#record.user(name);
  }

  role(name: string): ReturnType<AuthRecord["role"]> {
    return this.#record.role(name);
  }

  userNames(): readonly string[] {
    return this.#record.userNames();
  }

  roleNames(): readonly string[] {
    return this.#record.roleNames();
  }

  token(digest: Key): ReturnType<AuthRecord["token"]> {
    return this.#record.token(digest);
  }

  refusesUser(caller: Caller): Refusal | undefined {
    const known = this.#known(caller);
    return typeof known === "object" && "kind" in known ? known : undefined;
  }

  refusesRoot(caller: Caller): Refusal | undefined {
    return this.#weigh(caller, ({ isRoot }) => isRoot);
  }

  refusesRead(caller: Caller, range: KeyRange): Refusal | undefined {
    return this.#weigh(caller, (rights) => mayRead(rights, range));
  }

  refusesTxn(caller: Caller, txn: TxnRequest): Refusal | undefined {
    return this.#weigh(caller, (rights) => this.#mayTxn(rights, txn));
  }

  /** Of a command, on the state that it is about to change. */
  refusesCommand(caller: Caller, request: Request): Refusal | undefined {
    return this.#weigh(caller, (rights) => this.#may(rights, request));
  }

  /** Whose sessions the caller may use; undefined: anybody's. */
  askerOf(caller: Caller): string | undefined {
    return this.#record.enabled && caller.kind === "user" ? caller.name : undefined;
  }

  /** Everything while auth is off, and everything for the server itself. */
  #weigh(caller: Caller, may: (rights: Rights) => boolean): Refusal | undefined {
    const known = this.#known(caller);
    if (known === "anything") return undefined;
    if ("kind" in known) return known;
    const rights = this.#rightsFor(known);
    return rights.isRoot || may(rights) ? undefined : refusal("permission-denied");
  }

  /**
   * The user that the caller was found to be and still is. One that has another password since, or is a new
   * one of the same name, has to show it again; a change of roles alone turns nobody away.
   */
  #known(caller: Caller): User | Refusal | "anything" {
    const record = this.#record;
    if (!record.enabled || caller.kind === "server") return "anything";
    if (caller.kind === "nobody") return refusal("user-empty");
    const user = record.user(caller.name);
    const isChecked = this.#planted !== "auth-revision-not-rechecked";
    if (user !== undefined && (caller.authRevision >= user.since || !isChecked)) return user;
    const isOld = user !== undefined || caller.authRevision < record.revision;
    return refusal(isOld ? "auth-revision-old" : "permission-denied");
  }

  #rightsFor(user: User): Rights {
    const { revision } = this.#record;
    if (this.#rightsOf !== revision) {
      this.#rights.clear();
      this.#rightsOf = revision;
    }
    let rights = this.#rights.get(user.name);
    if (rights === undefined) {
      rights = this.#gathered(user);
      this.#rights.set(user.name, rights);
    }
    return rights;
  }

  #gathered({ roles }: User): Rights {
    const permissions = roles.flatMap((name) => this.#record.role(name)?.permissions ?? []);
    const of = (other: Permission["kind"]): KeySpans =>
      new KeySpans(permissions.filter(({ kind }) => kind === other || kind === "readwrite"));
    return { isRoot: roles.includes(ROOT), reads: of("read"), writes: of("write") };
  }

  #may(rights: Rights, request: Request): boolean {
    switch (request.kind) {
      case "put":
        return this.#mayPut(rights, request.put);
      case "delete-range":
        return this.#mayDelete(rights, request.deleteRange);
      case "txn":
        return this.#mayTxn(rights, request.txn);
      case "lease-revoke":
        return this.#mayEnd(rights, request.id);
      case "session-open":
      case "session-close":
      case "lease-grant":
        return true;
      case "auth":
      case "alarm":
      case "compaction":
      // What the server does by itself.
      case "federation":
      case "alarm-finding":
      case "lease-renew":
      case "lease-expire":
        return false;
      default:
        return unreachable(request);
    }
  }

  /** Whoever hangs a key on a lease may end it, and the other keys with it. */
  #mayPut(rights: Rights, { key, lease, prevKv }: PutRequest): boolean {
    if (!rights.writes.covers({ key }) || !this.#mayEnd(rights, lease)) return false;
    return !prevKv || this.#planted === "prev-kv-unauthorised" || mayRead(rights, { key });
  }

  #mayDelete(rights: Rights, request: KeyRange & { readonly prevKv: boolean }): boolean {
    return rights.writes.covers(request) && (!request.prevKv || mayRead(rights, request));
  }

  #mayTxn(rights: Rights, { compare, success, failure }: TxnRequest): boolean {
    return (
      compare.every((range) => mayRead(rights, range)) &&
      [...success, ...failure].every((operation) => this.#mayOperate(rights, operation))
    );
  }

  #mayOperate(rights: Rights, operation: RequestOp): boolean {
    switch (operation.kind) {
      case "range":
        return mayRead(rights, operation.range);
      case "put":
        return this.#mayPut(rights, operation.put);
      case "delete-range":
        return this.#mayDelete(rights, operation.deleteRange);
      case "txn":
        return this.#planted === "nested-txn-unauthorised" || this.#mayTxn(rights, operation.txn);
      default:
        return unreachable(operation);
    }
  }

  #mayEnd(rights: Rights, id: LeaseId): boolean {
    if (id === NO_LEASE) return true;
    for (const key of this.#leases.get(id)?.keys ?? []) {
      if (!rights.writes.covers({ key })) return false;
    }
    return true;
  }
}

function mayRead({ reads }: Rights, range: KeyRange): boolean {
  return reads.covers(range);
}
