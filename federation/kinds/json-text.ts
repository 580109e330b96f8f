// Sets and maps as an etcd client reads them: JSON, made of bytes that are UTF-8 and stay as they are. The same bytes in
// every region.
import { bytesOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";

const FIRST_PRINTABLE = 0x20;

export function jsonArray(items: readonly Key[]): Uint8Array {
  return bytesOf(`[${items.map(quoted).join(",")}]` as Key);
}

export function jsonObject(entries: readonly (readonly [Key, Key])[]): Uint8Array {
  const members = entries.map(([field, value]) => `${quoted(field)}:${quoted(value)}`);
  return bytesOf(`{${members.join(",")}}` as Key);
}

function quoted(text: Key): string {
  return `"${text.replace(ESCAPED, escaped)}"`;
}

/** Control characters, and two more. */
const ESCAPED = /["\\\u0000-\u001f]/g;

function escaped(unit: string): string {
  const code = unit.charCodeAt(0);
  if (code >= FIRST_PRINTABLE) return `\\${unit}`;
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
