// The flags of `get`, `put` and `del`, once: the commands take them, and so do the lines of a transaction.
import { Option } from "commander";
import type { Command } from "commander";
import type {
  OnMiss,
  PutOptions,
  RangeOptions,
  ReadMode,
  ReadOptions,
  SortBy,
} from "../client/index.ts";
import {
  consistencyValue,
  countValue,
  leaseValue,
  onMissValue,
  orderValue,
  readModeValue,
  sortByValue,
  spanValue,
} from "./flag-value.ts";

export interface RangeFlags {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
  readonly rev?: number;
  readonly order?: "ascend" | "descend";
  readonly sortBy?: SortBy;
  readonly limit?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface ReadFlags {
  readonly read?: ReadMode;
  readonly consistency?: ReadMode;
  readonly maxStaleness?: number;
  readonly minRevision?: number;
  readonly onMiss?: OnMiss;
}

export interface PutFlags {
  readonly lease?: bigint;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface DelFlags {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
  readonly prevKv?: boolean;
}

export function addRangeFlags(command: Command): Command {
  return command
    .argument("<key>")
    .argument("[range_end]", "read [key, range_end)")
    .option("--prefix", "keys that begin with KEY")
    .option("--from-key", "keys at or after KEY, in byte order")
    .option("--rev <revision>", "the store as of this revision", countValue)
    .option("--order <order>", "ASCEND or DESCEND", orderValue)
    .option("--sort-by <target>", "CREATE, KEY, MODIFY, VALUE or VERSION", sortByValue)
    .option("--limit <count>", "at most this many keys", countValue)
    .option("--keys-only", "leave the values out")
    .option("--count-only", "only how many keys there are")
    .option("--min-mod-revision <revision>", "changed at or after it", countValue)
    .option("--max-mod-revision <revision>", "changed at or before it", countValue)
    .option("--min-create-revision <revision>", "created at or after it", countValue)
    .option("--max-create-revision <revision>", "created at or before it", countValue);
}

export function addReadFlags(command: Command): Command {
  return command
    .option("--read <mode>", "quorum, index, lease, follower, learner or local", readModeValue)
    .option("--max-staleness <span>", "refuse an older answer, as 50ms", spanValue)
    .option("--min-revision <revision>", "refuse an answer behind it", countValue)
    .option("--on-miss <policy>", "wait (default), forward or fail", onMissValue)
    .addOption(
      new Option("--consistency <letter>", "etcdctl's: l (linearizable) or s (local)")
        .argParser(consistencyValue)
        .conflicts("read"),
    );
}

export function addPutFlags(command: Command): Command {
  return command
    .option("--lease <id>", "attach this lease, in hexadecimal", leaseValue)
    .option("--prev-kv", "print the pair that stood there before")
    .option("--ignore-value", "keep the value that stands")
    .option("--ignore-lease", "keep the lease that stands");
}

export function addDelFlags(command: Command): Command {
  return command
    .argument("<key>")
    .argument("[range_end]", "delete [key, range_end)")
    .option("--prefix", "keys that begin with KEY")
    .option("--from-key", "keys at or after KEY, in byte order")
    .option("--prev-kv", "print the pairs that are deleted");
}

export function rangeOptionsOf(flags: RangeFlags): RangeOptions {
  return defined({
    revision: flags.rev,
    limit: flags.limit,
    order: flags.order,
    sortBy: flags.sortBy,
    keysOnly: flags.keysOnly,
    countOnly: flags.countOnly,
    minModRevision: flags.minModRevision,
    maxModRevision: flags.maxModRevision,
    minCreateRevision: flags.minCreateRevision,
    maxCreateRevision: flags.maxCreateRevision,
  });
}

export function readOptionsOf(flags: ReadFlags): ReadOptions {
  return defined({
    mode: flags.read ?? flags.consistency,
    maxStalenessMs: flags.maxStaleness,
    minRevision: flags.minRevision,
    onMiss: flags.onMiss,
  });
}

export function putOptionsOf(flags: PutFlags): PutOptions {
  const { lease, prevKv, ignoreValue, ignoreLease } = flags;
  return defined({ lease, prevKv, ignoreValue, ignoreLease });
}

/** Without the fields that are undefined: the client's options are absent or have a value. */
export function defined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}
