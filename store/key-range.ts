// Which keys something is about.
import type { Key } from "../base/index.ts";

/** [key, end); `end` absent: the one key; `end` "\0": every key from `key` on (etcd's range_end). */
export interface KeyRange {
  readonly key: Key;
  readonly end?: Key;
}
