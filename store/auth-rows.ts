// The auth state's rows: 'u' and one of
//   0: whether auth is on, and its revision     1 name: a user     2 name: a role     3 digest: a token
// Names are UTF-8; inside a row every variable part is preceded by its length.
import { assert, bytesOf, keyOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { Permission, PermissionKind, Role, Token, User } from "./auth-change.ts";
import { authRowKey, putUint64, readUint64 } from "./rows.ts";

export interface AuthHead {
  readonly enabled: boolean;
  readonly revision: number;
}

export type AuthRow =
  | { readonly kind: "head"; readonly head: AuthHead }
  | { readonly kind: "user"; readonly user: User }
  | { readonly kind: "role"; readonly role: Role }
  | { readonly kind: "token"; readonly token: Token };

const HEAD = 0;
const USER = 1;
const ROLE = 2;
const TOKEN = 3;

const KINDS: readonly PermissionKind[] = ["read", "write", "readwrite"];

export const AUTH_HEAD_KEY: Uint8Array = authRowKey(HEAD, new Uint8Array(0));

export function userRowKey(name: string): Uint8Array {
  return authRowKey(USER, utf8(name));
}

export function roleRowKey(name: string): Uint8Array {
  return authRowKey(ROLE, utf8(name));
}

export function tokenRowKey(digest: Key): Uint8Array {
  return authRowKey(TOKEN, bytesOf(digest));
}

export function headRow({ enabled, revision }: AuthHead): Uint8Array {
  return new RowWriter()
    .count(enabled ? 1 : 0)
    .count(revision)
    .bytes();
}

export function userRow({ passwordHash, roles, since }: User): Uint8Array {
  const row = new RowWriter().count(since).part(utf8(passwordHash)).count(roles.length);
  for (const role of roles) row.part(utf8(role));
  return row.bytes();
}

export function roleRow({ permissions }: Role): Uint8Array {
  const row = new RowWriter().count(permissions.length);
  for (const { kind, key, end } of permissions) {
    row.count(KINDS.indexOf(kind)).part(bytesOf(key));
    row.count(end === undefined ? 0 : 1).part(bytesOf(end ?? ("" as Key)));
  }
  return row.bytes();
}

export function tokenRow({ user, ttlMs, dueAtMs }: Token): Uint8Array {
  return new RowWriter().count(ttlMs).count(dueAtMs).part(utf8(user)).bytes();
}

/** @throws {AssertionError} if the row is not one of the above: nothing else writes them. */
export function decodeAuthRow(key: Uint8Array, value: Uint8Array): AuthRow {
  const name = key.subarray(2);
  const row = new RowReader(value);
  const read = (): AuthRow => {
    switch (key[1]) {
      case HEAD:
        return { kind: "head", head: { enabled: row.count() === 1, revision: row.count() } };
      case USER: {
        const since = row.count();
        const passwordHash = text(row.part());
        const roles = row.list(() => text(row.part()));
        return { kind: "user", user: { name: text(name), passwordHash, roles, since } };
      }
      case ROLE: {
        const permissions = row.list(() => readPermission(row));
        return { kind: "role", role: { name: text(name), permissions } };
      }
      case TOKEN: {
        const ttlMs = row.count();
        const dueAtMs = row.count();
        const user = text(row.part());
        return { kind: "token", token: { digest: keyOf(name), user, ttlMs, dueAtMs } };
      }
      default:
        assert(false, `an auth row is of kind ${key[1] ?? "none"}, which is none`);
    }
  };
  const decoded = read();
  assert(row.atEnd, `an auth row of ${value.length} bytes holds more than its ${decoded.kind}`);
  return decoded;
}

function readPermission(row: RowReader): Permission {
  const kind = KINDS[row.count()];
  assert(kind !== undefined, "a permission is of a known kind");
  const key = keyOf(row.part());
  const ranged = row.count() === 1;
  const end = keyOf(row.part());
  return ranged ? { kind, key, end } : { kind, key };
}

function utf8(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

class RowWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  count(count: number): this {
    const bytes = new Uint8Array(8);
    putUint64(bytes, 0, count);
    return this.#push(bytes);
  }

  part(bytes: Uint8Array): this {
    return this.count(bytes.length).#push(bytes);
  }

  bytes(): Uint8Array {
    const row = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      row.set(part, at);
      at += part.length;
    }
    return row;
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

class RowReader {
  readonly #row: Uint8Array;
  #at = 0;

  constructor(row: Uint8Array) {
    this.#row = row;
  }

  get atEnd(): boolean {
    return this.#at === this.#row.length;
  }

  count(): number {
    assert(this.#at + 8 <= this.#row.length, "an auth row is cut off");
    this.#at += 8;
    return readUint64(this.#row, this.#at - 8);
  }

  part(): Uint8Array {
    const length = this.count();
    assert(this.#at + length <= this.#row.length, "an auth row is cut off");
    this.#at += length;
    return this.#row.subarray(this.#at - length, this.#at);
  }

  list<T>(read: () => T): readonly T[] {
    const items: T[] = [];
    for (let left = this.count(); left > 0; left -= 1) items.push(read());
    return items;
  }
}
