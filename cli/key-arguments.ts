// Which keys `get` and `del` are about, from etcdctl's arguments: KEY [RANGE_END], --prefix, --from-key.
import type { KeySelector } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";

export interface KeyOptions {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
}

/** @throws {UsageError} for what etcdctl refuses, and for an empty key that names no range. */
export function keysOf(
  key: string,
  rangeEnd: string | undefined,
  options: KeyOptions,
): KeySelector {
  if (options.prefix === true && options.fromKey === true) {
    throw new UsageError("`--prefix` and `--from-key` cannot be set at the same time, choose one");
  }
  if ((options.prefix === true || options.fromKey === true) && rangeEnd !== undefined) {
    throw new UsageError(
      "too many arguments, only accept one argument when `--prefix` or `--from-key` is set",
    );
  }
  if (options.prefix === true) return { prefix: key };
  if (options.fromKey === true) return { from: key };
  if (rangeEnd !== undefined) return { from: key, until: rangeEnd };
  if (key === "") throw new UsageError("an empty key names all keys only with `--prefix`");
  return key;
}
