// Users, roles and what they may do. None is repeated after a failure that leaves open whether it was made: the lists
// say.
import type { authpb } from "../proto/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import type { MethodPath, Writer } from "../proto/index.ts";
import { countOf } from "./answer.ts";
import { wireRangeOf } from "./bytes.ts";
import type { KeySelector } from "./bytes.ts";
import type { Courier } from "./courier.ts";
import type { CallOptions } from "./options.ts";
import type { Nature } from "./retry.ts";

const wire = etcdserverpb;

export type PermissionKind = "read" | "write" | "readwrite";

export interface Permission {
  readonly kind: PermissionKind;
  readonly key: Uint8Array;
  /** etcd's range_end: absent is the one key, one zero byte is every key from `key` on. */
  readonly rangeEnd?: Uint8Array;
}

export interface AuthStatus {
  readonly enabled: boolean;
  readonly authRevision: number;
}

const KINDS: readonly PermissionKind[] = ["read", "write", "readwrite"];

interface Message<T> {
  encode(message: T): Writer;
}

interface Answer<T> {
  decode(bytes: Uint8Array): T;
}

/**
 * Users and roles. While auth is on, all but `status`, and one's own `user` and `role`, need the role root.
 *
 * What a call fails with beside the errors of every call, it says; `permission-denied` is for all of them.
 */
export class AccountCalls {
  readonly #courier: Courier;

  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /** Whether auth is on, and its revision; asked without a user. */
  async status(options: CallOptions = {}): Promise<AuthStatus> {
    const path = "/etcdserverpb.Auth/AuthStatus";
    const got = await this.#ask(path, wire.AuthStatusRequest, {}, wire.AuthStatusResponse, options);
    return { enabled: got.enabled, authRevision: countOf(got.authRevision) };
  }

  /** From here on nobody does anything without a user. @throws {KvError} `root-user-missing`, `root-role-missing` */
  async enable(options: CallOptions = {}): Promise<void> {
    const path = "/etcdserverpb.Auth/AuthEnable";
    await this.#change(path, wire.AuthEnableRequest, {}, wire.AuthEnableResponse, options);
  }

  async disable(options: CallOptions = {}): Promise<void> {
    const path = "/etcdserverpb.Auth/AuthDisable";
    await this.#change(path, wire.AuthDisableRequest, {}, wire.AuthDisableResponse, options);
  }

  /** Without a password the user can show a certificate only. @throws {KvError} `user-exists`, `user-empty` */
  async addUser(
    name: string,
    options: CallOptions & { readonly password?: string } = {},
  ): Promise<void> {
    const { password } = options;
    const asked =
      password === undefined ? { name, options: { no_password: true } } : { name, password };
    const path = "/etcdserverpb.Auth/UserAdd";
    await this.#change(path, wire.AuthUserAddRequest, asked, wire.AuthUserAddResponse, options);
  }

  /** @throws {KvError} `user-not-found`, `invalid-auth-management` for root while auth is on */
  async deleteUser(name: string, options: CallOptions = {}): Promise<void> {
    const { AuthUserDeleteRequest, AuthUserDeleteResponse } = wire;
    const path = "/etcdserverpb.Auth/UserDelete";
    await this.#change(path, AuthUserDeleteRequest, { name }, AuthUserDeleteResponse, options);
  }

  /** Ends the user's tokens and watches. @throws {KvError} `user-not-found` */
  async changePassword(name: string, password: string, options: CallOptions = {}): Promise<void> {
    const { AuthUserChangePasswordRequest, AuthUserChangePasswordResponse } = wire;
    await this.#change(
      "/etcdserverpb.Auth/UserChangePassword",
      AuthUserChangePasswordRequest,
      { name, password },
      AuthUserChangePasswordResponse,
      options,
    );
  }

  /** @throws {KvError} `user-not-found`, `role-not-found` */
  async grantRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    const { AuthUserGrantRoleRequest, AuthUserGrantRoleResponse } = wire;
    const path = "/etcdserverpb.Auth/UserGrantRole";
    const asked = { user, role };
    await this.#change(path, AuthUserGrantRoleRequest, asked, AuthUserGrantRoleResponse, options);
  }

  /** @throws {KvError} `user-not-found`, `role-not-granted`, `invalid-auth-management` */
  async revokeRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    const { AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse } = wire;
    const path = "/etcdserverpb.Auth/UserRevokeRole";
    const asked = { name: user, role };
    await this.#change(path, AuthUserRevokeRoleRequest, asked, AuthUserRevokeRoleResponse, options);
  }

  /** The roles of a user. @throws {KvError} `user-not-found` */
  async user(name: string, options: CallOptions = {}): Promise<readonly string[]> {
    const { AuthUserGetRequest, AuthUserGetResponse } = wire;
    const path = "/etcdserverpb.Auth/UserGet";
    return (await this.#ask(path, AuthUserGetRequest, { name }, AuthUserGetResponse, options))
      .roles;
  }

  async users(options: CallOptions = {}): Promise<readonly string[]> {
    const { AuthUserListRequest, AuthUserListResponse } = wire;
    const path = "/etcdserverpb.Auth/UserList";
    return (await this.#ask(path, AuthUserListRequest, {}, AuthUserListResponse, options)).users;
  }

  /** @throws {KvError} `role-exists`, `role-empty` */
  async addRole(name: string, options: CallOptions = {}): Promise<void> {
    const path = "/etcdserverpb.Auth/RoleAdd";
    await this.#change(path, wire.AuthRoleAddRequest, { name }, wire.AuthRoleAddResponse, options);
  }

  /** Takes it from all users too. @throws {KvError} `role-not-found`, `invalid-auth-management` */
  async deleteRole(role: string, options: CallOptions = {}): Promise<void> {
    const { AuthRoleDeleteRequest, AuthRoleDeleteResponse } = wire;
    const path = "/etcdserverpb.Auth/RoleDelete";
    await this.#change(path, AuthRoleDeleteRequest, { role }, AuthRoleDeleteResponse, options);
  }

  /** What a role may do. @throws {KvError} `role-not-found` */
  async role(name: string, options: CallOptions = {}): Promise<readonly Permission[]> {
    const { AuthRoleGetRequest, AuthRoleGetResponse } = wire;
    const path = "/etcdserverpb.Auth/RoleGet";
    const asked = { role: name };
    const got = await this.#ask(path, AuthRoleGetRequest, asked, AuthRoleGetResponse, options);
    return got.perm.map(permissionOf);
  }

  async roles(options: CallOptions = {}): Promise<readonly string[]> {
    const { AuthRoleListRequest, AuthRoleListResponse } = wire;
    const path = "/etcdserverpb.Auth/RoleList";
    return (await this.#ask(path, AuthRoleListRequest, {}, AuthRoleListResponse, options)).roles;
  }

  /** @throws {KvError} `role-not-found` */
  async grantPermission(
    role: string,
    kind: PermissionKind,
    keys: KeySelector,
    options: CallOptions = {},
  ): Promise<void> {
    const { AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse } = wire;
    const { key, rangeEnd } = wireRangeOf(keys);
    const perm = { permType: KINDS.indexOf(kind), key, range_end: rangeEnd };
    await this.#change(
      "/etcdserverpb.Auth/RoleGrantPermission",
      AuthRoleGrantPermissionRequest,
      { name: role, perm },
      AuthRoleGrantPermissionResponse,
      options,
    );
  }

  /** Of the very range that was granted. @throws {KvError} `role-not-found`, `permission-not-granted` */
  async revokePermission(
    role: string,
    keys: KeySelector,
    options: CallOptions = {},
  ): Promise<void> {
    const { AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse } = wire;
    const { key, rangeEnd } = wireRangeOf(keys);
    await this.#change(
      "/etcdserverpb.Auth/RoleRevokePermission",
      AuthRoleRevokePermissionRequest,
      { role, key, range_end: rangeEnd },
      AuthRoleRevokePermissionResponse,
      options,
    );
  }

  #ask<Request, Response>(
    path: MethodPath,
    request: Message<Request>,
    asked: Request,
    response: Answer<Response>,
    options: CallOptions,
  ): Promise<Response> {
    return this.#carry("read", { path, request, response }, asked, options);
  }

  #change<Request, Response>(
    path: MethodPath,
    request: Message<Request>,
    asked: Request,
    response: Answer<Response>,
    options: CallOptions,
  ): Promise<Response> {
    return this.#carry("plain-write", { path, request, response }, asked, options);
  }

  #carry<Request, Response>(
    nature: Nature,
    method: {
      readonly path: MethodPath;
      readonly request: Message<Request>;
      readonly response: Answer<Response>;
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
