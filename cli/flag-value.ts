// Values of flags: text from the command line made into what the client takes, or refused with the reason.
import { InvalidArgumentError, Option } from "commander";
import type { OnMiss, ReadMode, SortBy } from "../client/index.ts";
import { parseDurationMs } from "../base/index.ts";
import type { Format } from "./output.ts";
import type { ColorChoice } from "./paint.ts";

/** A value that is one of a few words; shell completion offers them. */
export interface WordValue<Word extends string> {
  (text: string): Word;
  readonly words: readonly Word[];
}

/** The word of `words` that `text` is; case does not matter where etcdctl does not mind it either. */
export function oneOf<Word extends string>(words: readonly Word[]): WordValue<Word> {
  const parse = (text: string): Word => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`expected ${words.join(", ")}.`);
    return found;
  };
  return Object.assign(parse, { words });
}

export const readModeValue = oneOf<ReadMode>([
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
]);
export const onMissValue = oneOf<OnMiss>(["wait", "forward", "fail"]);
export const formatValue = oneOf<Format>(["simple", "json", "table", "fields"]);
export const orderValue = oneOf<"ascend" | "descend">(["ascend", "descend"]);

const sortWord = oneOf(["create", "key", "modify", "mod", "value", "version"]);

/** etcdctl says MODIFY for the modification revision. */
export const sortByValue = Object.assign(
  (text: string): SortBy => {
    const word = sortWord(text);
    return word === "modify" ? "mod" : word;
  },
  { words: sortWord.words },
);

const consistencyWord = oneOf(["l", "s"]);

/** etcdctl's --consistency: `l` (linearizable) or `s` (serializable). */
export const consistencyValue = Object.assign(
  (text: string): ReadMode => (consistencyWord(text) === "s" ? "local" : "default"),
  { words: consistencyWord.words },
);

export const colorValue = oneOf<ColorChoice>(["auto", "always", "never"]);
export const onlyValue = oneOf<"puts" | "deletes">(["puts", "deletes"]);
type MemberKind = "leader" | "follower" | "learner" | "any";
export const memberValue = oneOf<MemberKind>(["leader", "follower", "learner", "any"]);

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

/** A span with a default, which is shown as it would be given. */
export function spanOption(flags: string, meaning: string, fallback: string): Option {
  return new Option(flags, meaning).argParser(spanValue).default(spanValue(fallback), fallback);
}

/** A lease id, in hexadecimal as etcdctl shows it; 64 bits. */
export function leaseValue(text: string): bigint {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text)) {
    throw new InvalidArgumentError("expected a lease id: up to 16 hexadecimal digits.");
  }
  return BigInt.asIntN(64, BigInt(`0x${text}`));
}
