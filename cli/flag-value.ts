// Values of flags: text from the command line made into what the client takes, or refused with the reason.
import { InvalidArgumentError } from "commander";
import type { OnMiss, ReadMode, SortBy } from "../client/index.ts";
import { parseDurationMs } from "../base/index.ts";
import type { Format } from "./output.ts";

/** The word of `words` that `text` is; case does not matter where etcdctl does not mind it either. */
function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`expected ${words.join(", ")}.`);
    return found;
  };
}

export const readModeValue: (text: string) => ReadMode = oneOf<ReadMode>([
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
]);
export const onMissValue: (text: string) => OnMiss = oneOf<OnMiss>(["wait", "forward", "fail"]);
export const formatValue: (text: string) => Format = oneOf<Format>(["simple", "json", "table"]);
export const orderValue: (text: string) => "ascend" | "descend" = oneOf(["ascend", "descend"]);

const sortWord = oneOf(["create", "key", "modify", "mod", "value", "version"]);

/** etcdctl says MODIFY for the modification revision. */
export function sortByValue(text: string): SortBy {
  const word = sortWord(text);
  return word === "modify" ? "mod" : word;
}

/** etcdctl's --consistency: `l` (linearizable) or `s` (serializable). */
export function consistencyValue(text: string): ReadMode {
  return oneOf(["l", "s"])(text) === "s" ? "local" : "default";
}

export const onlyValue: (text: string) => "puts" | "deletes" = oneOf(["puts", "deletes"]);
export const memberValue: (text: string) => "leader" | "follower" | "learner" | "any" = oneOf([
  "leader",
  "follower",
  "learner",
  "any",
]);

export function countValue(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("expected a whole number, at least 0.");
}

/** A whole number within bounds, for counts of members and the like. */
export function countBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = countValue(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected ${least} to ${most}.`);
  };
}

export function spanValue(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("expected a span of whole milliseconds, as 50ms, 5s or 1m30s.");
}

/** A lease id, in hexadecimal as etcdctl shows it; 64 bits. */
export function leaseValue(text: string): bigint {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text)) {
    throw new InvalidArgumentError("expected a lease id: up to 16 hexadecimal digits.");
  }
  return BigInt.asIntN(64, BigInt(`0x${text}`));
}
