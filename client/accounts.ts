// Users, roles and what they may do. None is repeated after a failure that leaves open whether it was made: the lists
// say.
import type { authpb } from "../proto/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import type { MethodPath, Writer } from "../proto/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer, Headed } from "./answer.ts";
import { wireRangeOf } from "./bytes.ts";
import type { KeySelector } from "./bytes.ts";
import type { Courier } from "./courier.ts";
import type { CallOptions } from "./options.ts";
import type { Nature } from "./retry.ts";
import { countOf } from "./wire-value.ts";

const wire = etcdserverpb;

/** What may be done with keys. */
export type PermissionKind = "read" | "write" | "readwrite";

/** What a role may do with which keys. */
export interface Permission {
  readonly kind: PermissionKind;
  readonly key: Uint8Array;
  /** etcd's range_end: absent is the one key, one zero byte is every key from `key` on. */
  readonly rangeEnd?: Uint8Array;
}

/** Roles by their names. */
export interface RolesAnswer extends Answer {
  readonly roles: readonly string[];
}

/** Users by their names. */
export interface UsersAnswer extends Answer {
  readonly users: readonly string[];
}

/** What a role may do. */
export interface PermissionsAnswer extends Answer {
  readonly permissions: readonly Permission[];
}

/** Whether authentication is on, and the revision of its state. */
export interface AuthStatus extends Answer {
  readonly enabled: boolean;
  readonly authRevision: number;
}

const KINDS: readonly PermissionKind[] = ["read", "write", "readwrite"];

interface Encoder<T> {
  encode(message: T): Writer;
}

interface Decoder<T> {
  decode(bytes: Uint8Array): T;
}

/**
 * Users and roles. While auth is on, all but `status`, and one's own `user` and `role`, need the role root.
 *
 * What a call fails with beside the errors of every call, it says; `permission-denied` is for all of them.
 */
export class AccountCalls {
  readonly #courier: Courier;

  /** Is the client's own. */
  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /** Whether auth is on, and its revision; asked without a user. @throws {KvError} those of every call */
  async status(options: CallOptions = {}): Promise<AuthStatus> {
    const path = "/etcdserverpb.Auth/AuthStatus";
    const got = await this.#ask(path, wire.AuthStatusRequest, {}, wire.AuthStatusResponse, options);
    return { ...answerOf(got), enabled: got.enabled, authRevision: countOf(got.authRevision) };
  }

  /** From here on nobody does anything without a user. @throws {KvError} `root-user-missing`, `root-role-missing` */
  enable(options: CallOptions = {}): Promise<Answer> {
    const path = "/etcdserverpb.Auth/AuthEnable";
    return this.#change(path, wire.AuthEnableRequest, {}, wire.AuthEnableResponse, options);
  }

  /** From here on everybody does everything. @throws {KvError} `permission-denied`, and those of every call */
  disable(options: CallOptions = {}): Promise<Answer> {
    const path = "/etcdserverpb.Auth/AuthDisable";
    return this.#change(path, wire.AuthDisableRequest, {}, wire.AuthDisableResponse, options);
  }

  /** Without a password the user can show a certificate only. @throws {KvError} `user-exists`, `user-empty` */
  addUser(
    name: string,
    options: CallOptions & { readonly password?: string } = {},
  ): Promise<Answer> {
    const { password } = options;
    const asked =
      password === undefined ? { name, options: { no_password: true } } : { name, password };
    const path = "/etcdserverpb.Auth/UserAdd";
    return this.#change(path, wire.AuthUserAddRequest, asked, wire.AuthUserAddResponse, options);
  }

  /** @throws {KvError} `user-not-found`, `invalid-auth-management` for root while auth is on */
  deleteUser(name: string, options: CallOptions = {}): Promise<Answer> {
    const { AuthUserDeleteRequest, AuthUserDeleteResponse } = wire;
    const path = "/etcdserverpb.Auth/UserDelete";
    return this.#change(path, AuthUserDeleteRequest, { name }, AuthUserDeleteResponse, options);
  }

  /** Ends the user's tokens and watches. @throws {KvError} `user-not-found` */
  changePassword(name: string, password: string, options: CallOptions = {}): Promise<Answer> {
    const { AuthUserChangePasswordRequest, AuthUserChangePasswordResponse } = wire;
    return this.#change(
      "/etcdserverpb.Auth/UserChangePassword",
      AuthUserChangePasswordRequest,
      { name, password },
      AuthUserChangePasswordResponse,
      options,
    );
  }

  /** @throws {KvError} `user-not-found`, `role-not-found` */
  grantRole(user: string, role: string, options: CallOptions = {}): Promise<Answer> {
    const { AuthUserGrantRoleRequest, AuthUserGrantRoleResponse } = wire;
    const path = "/etcdserverpb.Auth/UserGrantRole";
    const asked = { user, role };
    return this.#change(path, AuthUserGrantRoleRequest, asked, AuthUserGrantRoleResponse, options);
  }

  /** @throws {KvError} `user-not-found`, `role-not-granted`, `invalid-auth-management` */
  revokeRole(user: string, role: string, options: CallOptions = {}): Promise<Answer> {
    const { AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse } = wire;
    const path = "/etcdserverpb.Auth/UserRevokeRole";
    const asked = { name: user, role };
    return this.#change(
      path,
      AuthUserRevokeRoleRequest,
      asked,
      AuthUserRevokeRoleResponse,
      options,
    );
  }

  /** The roles of a user. @throws {KvError} `user-not-found` */
  async user(name: string, options: CallOptions = {}): Promise<RolesAnswer> {
    const { AuthUserGetRequest, AuthUserGetResponse } = wire;
    const path = "/etcdserverpb.Auth/UserGet";
    const got = await this.#ask(path, AuthUserGetRequest, { name }, AuthUserGetResponse, options);
    return { ...answerOf(got), roles: got.roles };
  }

  /** Every user, by name. @throws {KvError} `permission-denied`, and those of every call */
  async users(options: CallOptions = {}): Promise<UsersAnswer> {
    const { AuthUserListRequest, AuthUserListResponse } = wire;
    const path = "/etcdserverpb.Auth/UserList";
    const got = await this.#ask(path, AuthUserListRequest, {}, AuthUserListResponse, options);
    return { ...answerOf(got), users: got.users };
  }

  /** @throws {KvError} `role-exists`, `role-empty` */
  addRole(name: string, options: CallOptions = {}): Promise<Answer> {
    const path = "/etcdserverpb.Auth/RoleAdd";
    return this.#change(path, wire.AuthRoleAddRequest, { name }, wire.AuthRoleAddResponse, options);
  }

  /** Takes it from all users too. @throws {KvError} `role-not-found`, `invalid-auth-management` */
  deleteRole(role: string, options: CallOptions = {}): Promise<Answer> {
    const { AuthRoleDeleteRequest, AuthRoleDeleteResponse } = wire;
    const path = "/etcdserverpb.Auth/RoleDelete";
    return this.#change(path, AuthRoleDeleteRequest, { role }, AuthRoleDeleteResponse, options);
  }

  /** What a role may do. @throws {KvError} `role-not-found` */
  async role(name: string, options: CallOptions = {}): Promise<PermissionsAnswer> {
    const { AuthRoleGetRequest, AuthRoleGetResponse } = wire;
    const path = "/etcdserverpb.Auth/RoleGet";
    const asked = { role: name };
    const got = await this.#ask(path, AuthRoleGetRequest, asked, AuthRoleGetResponse, options);
    return { ...answerOf(got), permissions: got.perm.map(permissionOf) };
  }

  /** Every role, by name. @throws {KvError} `permission-denied`, and those of every call */
  async roles(options: CallOptions = {}): Promise<RolesAnswer> {
    const { AuthRoleListRequest, AuthRoleListResponse } = wire;
    const path = "/etcdserverpb.Auth/RoleList";
    const got = await this.#ask(path, AuthRoleListRequest, {}, AuthRoleListResponse, options);
    return { ...answerOf(got), roles: got.roles };
  }

  /** @throws {KvError} `role-not-found` */
  grantPermission(
    role: string,
    kind: PermissionKind,
    keys: KeySelector,
    options: CallOptions = {},
  ): Promise<Answer> {
    const { AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse } = wire;
    const { key, rangeEnd } = wireRangeOf(keys);
    const perm = { permType: KINDS.indexOf(kind), key, range_end: rangeEnd };
    return this.#change(
      "/etcdserverpb.Auth/RoleGrantPermission",
      AuthRoleGrantPermissionRequest,
      { name: role, perm },
      AuthRoleGrantPermissionResponse,
      options,
    );
  }

  /** Of the very range that was granted. @throws {KvError} `role-not-found`, `permission-not-granted` */
  revokePermission(role: string, keys: KeySelector, options: CallOptions = {}): Promise<Answer> {
    const { AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse } = wire;
    const { key, rangeEnd } = wireRangeOf(keys);
    return this.#change(
      "/etcdserverpb.Auth/RoleRevokePermission",
      AuthRoleRevokePermissionRequest,
      { role, key, range_end: rangeEnd },
      AuthRoleRevokePermissionResponse,
      options,
    );
  }

  #ask<Request, Response>(
    path: MethodPath,
    request: Encoder<Request>,
    asked: Request,
    response: Decoder<Response>,
    options: CallOptions,
  ): Promise<Response> {
    return this.#carry("read", { path, request, response }, asked, options);
  }

  async #change<Request, Response extends Headed>(
    path: MethodPath,
    request: Encoder<Request>,
    asked: Request,
    response: Decoder<Response>,
    options: CallOptions,
  ): Promise<Answer> {
    const method = { path, request, response };
    return answerOf(await this.#carry("plain-write", method, asked, options));
  }

  #carry<Request, Response>(
    nature: Nature,
    method: {
      readonly path: MethodPath;
      readonly request: Encoder<Request>;
      readonly response: Decoder<Response>;
    },
    asked: Request,
    options: CallOptions,
  ): Promise<Response> {
    return this.#courier.carry(
      {
        operation: method.path.slice(method.path.lastIndexOf("/") + 1),
        nature,
        destination: "leader",
        onMiss: "fail",
        attempt: ({ connection, timeoutMs, signal }) =>
          connection.unary(method, asked, timeoutMs, signal),
      },
      options,
    );
  }
}

function permissionOf(permission: authpb.IPermission): Permission {
  const { permType, key, range_end } = permission;
  const rangeEnd = range_end ?? new Uint8Array(0);
  return {
    kind: KINDS[permType ?? 0] ?? "read",
    key: key ?? new Uint8Array(0),
    ...(rangeEnd.length === 0 ? {} : { rangeEnd }),
  };
}
