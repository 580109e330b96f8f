// etcdserverpb.Auth. Every change is a command that holds hashes and no password; every question is linearizable, and
// judged by the state that answers it.
import { KvError } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import type { Writer } from "../proto/index.ts";
import type { MethodPath, Reader } from "../proto/index.ts";
import { NAME_BYTES_MAX } from "../store/index.ts";
import type { AuthChange, AuthView } from "../store/index.ts";
import type { Accounts } from "./accounts.ts";
import { commandAnswer } from "./answer.ts";
import { authChangeBytes, permissionFrom, permissionTo, rangeFrom } from "./auth-change-codec.ts";
import type { Backend } from "./backend.ts";
import { decoded, invalid } from "./decode.ts";
import { headed } from "./header.ts";
import { unary } from "./service.ts";
import type { Call, Method, Reply, ServiceTable } from "./service.ts";

const wire = etcdserverpb;

export interface AuthServiceOptions {
  readonly backend: Pick<Backend, "write" | "authority">;
  readonly accounts: Accounts;
}

/** A change as a client asks for it: at once, or once its password is hashed. */
type Asked =
  AuthChange | { readonly password: string; readonly change: (hash: string) => AuthChange };

const CHANGES: Readonly<Partial<Record<MethodPath, (reader: Reader) => Asked>>> = {
  "/etcdserverpb.Auth/AuthEnable": (reader) => {
    wire.AuthEnableRequest.decode(reader);
    return { kind: "enable" };
  },
  "/etcdserverpb.Auth/AuthDisable": (reader) => {
    wire.AuthDisableRequest.decode(reader);
    return { kind: "disable" };
  },
  "/etcdserverpb.Auth/UserAdd": (reader) => {
    const asked = wire.AuthUserAddRequest.decode(reader);
    const user = checkedUser(asked.name);
    const hasNone = asked.options?.no_password === true;
    const change = (passwordHash: string): AuthChange => ({ kind: "user-add", user, passwordHash });
    return hasNone ? change("") : hashed(asked, change);
  },
  "/etcdserverpb.Auth/UserDelete": (reader) => {
    return { kind: "user-delete", user: wire.AuthUserDeleteRequest.decode(reader).name };
  },
  "/etcdserverpb.Auth/UserChangePassword": (reader) => {
    const asked = wire.AuthUserChangePasswordRequest.decode(reader);
    const user = asked.name;
    return hashed(asked, (passwordHash) => ({ kind: "user-password", user, passwordHash }));
  },
  "/etcdserverpb.Auth/UserGrantRole": (reader) => {
    const { user, role } = wire.AuthUserGrantRoleRequest.decode(reader);
    return { kind: "user-grant", user, role };
  },
  "/etcdserverpb.Auth/UserRevokeRole": (reader) => {
    const { name, role } = wire.AuthUserRevokeRoleRequest.decode(reader);
    return { kind: "user-revoke", user: name, role };
  },
  "/etcdserverpb.Auth/RoleAdd": (reader) => {
    return { kind: "role-add", role: checkedRole(wire.AuthRoleAddRequest.decode(reader).name) };
  },
  "/etcdserverpb.Auth/RoleDelete": (reader) => {
    return { kind: "role-delete", role: wire.AuthRoleDeleteRequest.decode(reader).role };
  },
  "/etcdserverpb.Auth/RoleGrantPermission": (reader) => {
    const { name, perm } = wire.AuthRoleGrantPermissionRequest.decode(reader);
    if (!perm) throw refused("permission-not-given", "etcdserver: permission not given");
    return { kind: "role-grant", role: name, permission: permissionFrom(perm) };
  },
  "/etcdserverpb.Auth/RoleRevokePermission": (reader) => {
    const asked = wire.AuthRoleRevokePermissionRequest.decode(reader);
    return { kind: "role-revoke", role: asked.role, range: rangeFrom(asked) };
  },
};

interface Question {
  readonly path: MethodPath;
  /** @throws {KvError} when `call` may not know, or there is nothing to know. */
  readonly answer: (view: AuthView, request: Uint8Array, writer: Writer, call: Call) => Writer;
}

export function authTable({ backend, accounts }: AuthServiceOptions): ServiceTable {
  const changes = Object.entries(CHANGES).map(([path, read]) => [
    path,
    unary((bytes, call, reply) => {
      submit({ backend, accounts }, decoded(bytes, read), call, reply);
    }),
  ]);
  const questions = questionsTo(backend).map(({ path, answer }) => [
    path,
    unary((bytes, call, reply) => {
      accounts.look(call, (looked) => {
        if (!looked.ok) reply(looked.error);
        else reply(attempted(() => answer(looked.value, bytes, headed(looked.header), call)));
      });
    }),
  ]);
  return {
    ...(Object.fromEntries([...changes, ...questions]) as ServiceTable),
    "/etcdserverpb.Auth/Authenticate": authentication(accounts),
  };
}

function authentication(accounts: Accounts): Method {
  return unary((bytes, call, reply) => {
    const { name, password } = decoded(bytes, (reader) => wire.AuthenticateRequest.decode(reader));
    accounts.authenticate(name, password, call, (answer) => {
      if (!answer.ok) reply(answer.error);
      else {
        const message = { token: answer.value };
        reply(wire.AuthenticateResponse.encode(message, headed(answer.header)).finish(true));
      }
    });
  });
}

function submit(
  { backend, accounts }: AuthServiceOptions,
  asked: Asked,
  call: Call,
  reply: Reply,
): void {
  const write = (change: AuthChange): void => {
    backend.write({ kind: "auth", change }, authChangeBytes(change), call, (answer) => {
      reply(answer.ok ? commandAnswer(answer.header, answer.value) : answer.error);
    });
  };
  if ("kind" in asked) {
    write(asked);
    return;
  }
  accounts.hash(asked.password, (hash) => {
    if (hash instanceof KvError) reply(hash);
    else write(asked.change(hash));
  });
}

/** Users may know their own roles, and the permissions of roles that they have; root knows everything (etcd). */
function questionsTo({ authority }: Pick<Backend, "authority">): readonly Question[] {
  const demandRoot = ({ caller }: Call): void => {
    const why = authority.refusesRoot(caller);
    if (why !== undefined) throw why;
  };
  return [
    {
      path: "/etcdserverpb.Auth/AuthStatus",
      answer: ({ enabled, revision }, _, writer) =>
        wire.AuthStatusResponse.encode({ enabled, authRevision: revision }, writer),
    },
    {
      path: "/etcdserverpb.Auth/UserGet",
      answer: (view, bytes, writer, call) => {
        const { name } = decoded(bytes, (reader) => wire.AuthUserGetRequest.decode(reader));
        if (nameOf(call) !== name) demandRoot(call);
        const user = view.user(name);
        if (user === undefined) throw refused("user-not-found", "etcdserver: user name not found");
        return wire.AuthUserGetResponse.encode({ roles: [...user.roles] }, writer);
      },
    },
    {
      path: "/etcdserverpb.Auth/UserList",
      answer: (view, _, writer, call) => {
        demandRoot(call);
        return wire.AuthUserListResponse.encode({ users: [...view.userNames()] }, writer);
      },
    },
    {
      path: "/etcdserverpb.Auth/RoleGet",
      answer: (view, bytes, writer, call) => {
        const { role: name } = decoded(bytes, (reader) => wire.AuthRoleGetRequest.decode(reader));
        if (view.user(nameOf(call) ?? "")?.roles.includes(name) !== true) demandRoot(call);
        const role = view.role(name);
        if (role === undefined) throw refused("role-not-found", "etcdserver: role name not found");
        return wire.AuthRoleGetResponse.encode(
          { perm: role.permissions.map(permissionTo) },
          writer,
        );
      },
    },
    {
      path: "/etcdserverpb.Auth/RoleList",
      answer: (view, _, writer, call) => {
        demandRoot(call);
        return wire.AuthRoleListResponse.encode({ roles: [...view.roleNames()] }, writer);
      },
    },
  ];
}

function nameOf({ caller }: Call): string | undefined {
  return caller.kind === "user" ? caller.name : undefined;
}

function attempted(answer: () => Writer): Uint8Array | KvError {
  try {
    return answer().finish(true);
  } catch (cause) {
    if (cause instanceof KvError) return cause;
    throw cause;
  }
}

/** @throws {KvError} if what is given is no hash, or there is a password beside it. */
function hashed(
  { password, hashedPassword }: { readonly password: string; readonly hashedPassword: string },
  change: (hash: string) => AuthChange,
): Asked {
  if (hashedPassword === "") return { password, change };
  if (password !== "") throw invalid("both password and hashedPassword are given; expected one");
  return change(checkedHash(hashedPassword));
}

/** bcrypt's: its version, a cost that a server can bear, 22 characters of salt and 31 of hash. */
const BCRYPT = /^\$2[aby]\$(?:0[4-9]|1[0-8])\$[./A-Za-z0-9]{53}$/;

/** As it is, or in base64, as etcd's members write it to each other. */
function checkedHash(given: string): string {
  const text = given.startsWith("$") ? given : Buffer.from(given, "base64").toString("latin1");
  if (BCRYPT.test(text)) return text;
  throw invalid("hashedPassword is no bcrypt hash with a cost of 4 to 18, plain or in base64");
}

function checkedUser(name: string): string {
  if (name === "") throw refused("user-empty", "etcdserver: user name is empty");
  return checkedName(name, "a user's name");
}

function checkedRole(name: string): string {
  if (name === "") throw refused("role-empty", "etcdserver: role name is empty");
  return checkedName(name, "a role's name");
}

function checkedName(name: string, whose: string): string {
  const bytes = Buffer.byteLength(name);
  if (bytes <= NAME_BYTES_MAX) return name;
  throw invalid(`${whose} has ${bytes} bytes; expected at most ${NAME_BYTES_MAX}`);
}

function refused(
  code: "user-empty" | "role-empty" | "permission-not-given" | "user-not-found" | "role-not-found",
  text: string,
): KvError {
  return new KvError(code, "not-applied", text);
}
