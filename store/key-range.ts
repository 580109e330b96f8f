// Which keys something is about, and the spans of their order that this is.
import type { Key } from "../base/index.ts";

/** [key, end); `end` absent: the one key; `end` "\0": every key from `key` on (etcd's range_end). */
export interface KeyRange {
  readonly key: Key;
  readonly end?: Key;
}

/** Above every key: keys hold units up to 255 only. */
const ABOVE_ALL = "\u{ffff}" as Key;
const FROM_KEY = "\0";

/** Half-open; of one key when `single`. */
export interface Span {
  readonly from: Key;
  readonly until: Key;
  readonly single: boolean;
}

/** etcd's range_end: absent is the one key, "\0" is every key from `key` on. */
export function spanOf(range: KeyRange): Span {
  const { key, end } = range;
  if (end === undefined) return { from: key, until: key, single: true };
  return { from: key, until: end === FROM_KEY ? ABOVE_ALL : end, single: false };
}

/** All keys that begin with `prefix`, those above `after` only if that is given. */
export function spanUnder(prefix: Key, after?: Key): Span {
  const from = after === undefined ? prefix : (`${after}\0` as Key);
  const last = prefix.replace(/\u00ff+$/, "");
  const next = String.fromCharCode(last.charCodeAt(last.length - 1) + 1);
  const until = last === "" ? ABOVE_ALL : ((last.slice(0, -1) + next) as Key);
  return { from, until, single: false };
}

export function overlap(left: Span, right: Span): boolean {
  if (left.single) return right.single ? left.from === right.from : holds(right, left.from);
  if (right.single) return holds(left, right.from);
  const from = left.from < right.from ? right.from : left.from;
  return from < left.until && from < right.until;
}

function holds(span: Span, key: Key): boolean {
  return span.from <= key && key < span.until;
}
