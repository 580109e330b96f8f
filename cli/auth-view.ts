// What `hansa user`, `role` and `auth` print: etcdctl's lines, JSON with the wire's names, tables of lists.
import { prefixEnd, textFrom } from "../client/index.ts";
import type {
  Answer,
  AuthStatus,
  Permission,
  PermissionsAnswer,
  RolesAnswer,
  UsersAnswer,
} from "../client/index.ts";
import { headerFields } from "./output-fields.ts";
import { base64, headerJson, nonZero } from "./output-json.ts";
import type { Field, View } from "./view.ts";

/** Of a change. */
export function doneView(line: string, { header }: Answer): View {
  return {
    simple: [`${line}\n`],
    json: { header: headerJson(header) },
    fields: headerFields(header),
  };
}

export function usersView({ header, users }: UsersAnswer): View {
  return listView(header, "users", "USER", users);
}

export function rolesView({ header, roles }: RolesAnswer): View {
  return listView(header, "roles", "ROLE", roles);
}

function listView(
  header: Answer["header"],
  name: "users" | "roles",
  title: string,
  names: readonly string[],
): View {
  return {
    simple: names.map((each) => `${each}\n`),
    table: { head: [title], rows: names.map((each) => [each]) },
    json: { header: headerJson(header), ...nonZero({ [name]: [...names] }) },
    fields: [
      ...headerFields(header),
      ...names.map((each): Field => [title === "USER" ? "User" : "Role", each]),
    ],
  };
}

export function userView(name: string, { header, roles }: RolesAnswer): View {
  return {
    simple: [`User: ${name}\n`, `Roles:${roles.map((role) => ` ${role}`).join("")}\n`],
    table: { head: ["USER", "ROLES"], rows: [[name, roles.join(", ")]] },
    json: { header: headerJson(header), ...nonZero({ roles: [...roles] }) },
    fields: [...headerFields(header), ...roles.map((role): Field => ["Role", role])],
  };
}

export function roleView(name: string, { header, permissions }: PermissionsAnswer): View {
  const of = (other: Permission["kind"]): string[] =>
    permissions
      .filter(({ kind }) => kind === other || kind === "readwrite")
      .map((permission) => `\t${grantText(permission)}\n`);
  const wire = permissions.map(({ kind, key, rangeEnd }) =>
    nonZero({
      permType: ["read", "write", "readwrite"].indexOf(kind),
      key: base64(key),
      range_end: rangeEnd === undefined ? "" : base64(rangeEnd),
    }),
  );
  return {
    simple: [`Role ${name}\n`, "KV Read:\n", ...of("read"), "KV Write:\n", ...of("write")],
    table: {
      head: ["ROLE", "PERMISSION", "KEYS"],
      rows: permissions.map((permission) => [name, permission.kind, grantText(permission)]),
    },
    json: { header: headerJson(header), ...nonZero({ perm: wire }) },
    fields: [
      ...headerFields(header),
      ...permissions.map((permission): Field => [permission.kind, grantText(permission)]),
    ],
  };
}

export function statusView({ header, enabled, authRevision }: AuthStatus): View {
  return {
    simple: [`Authentication Status: ${String(enabled)}\n`, `AuthRevision: ${authRevision}\n`],
    json: { header: headerJson(header), ...nonZero({ enabled, authRevision }) },
    fields: [...headerFields(header), ["Enabled", enabled], ["AuthRevision", authRevision]],
  };
}

type Keys = Pick<Permission, "key" | "rangeEnd">;

/** With the prefix that it may be. */
function grantText(keys: Keys): string {
  const { key, rangeEnd } = keys;
  const isPrefix = rangeEnd !== undefined && Buffer.compare(prefixEnd(key), rangeEnd) === 0;
  const isOpen = rangeEnd?.length === 1 && rangeEnd[0] === 0;
  return `${rangeText(keys)}${isPrefix && !isOpen ? ` (prefix ${textFrom(key)})` : ""}`;
}

/** As etcdctl writes one: a key, `[a, b)`, or `[a, <open ended>`. */
export function rangeText({ key, rangeEnd }: Keys): string {
  const from = textFrom(key);
  if (rangeEnd === undefined) return from;
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return `[${from}, <open ended>`;
  return `[${from}, ${textFrom(rangeEnd)})`;
}
