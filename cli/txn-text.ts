// etcdctl's text of a transaction: three sections (compares, success requests, failure requests), a line each,
// every section ended by an empty line. Conditions are `mod("key") > "0"`, requests are command lines.
import { when } from "../client/index.ts";
import type { Condition, Relation } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";

export interface TxnText {
  readonly compares: readonly string[];
  readonly success: readonly string[];
  readonly failure: readonly string[];
}

/**
 * The lines of each section.
 *
 * @throws {UsageError} when the text ends inside a section: a transaction that was cut off is not run.
 */
export function readTxnText(text: string): TxnText {
  const lines = text.split("\n");
  // What follows the last newline is no line.
  const rest = lines.pop() ?? "";
  const section = (name: string): string[] => {
    const end = lines.findIndex((line) => line.trim() === "");
    if (end < 0) {
      const found = rest.trim() === "" ? "" : ` after "${rest}"`;
      throw new UsageError(`the input ends${found} inside the ${name}; an empty line ends them`);
    }
    return lines.splice(0, end + 1).slice(0, end);
  };
  return {
    compares: section("compares"),
    success: section("success requests"),
    failure: section("failure requests"),
  };
}

const COMPARE =
  /^\s*(\w+)\(\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*\)\s*(\S+)\s+("(?:[^"\\]|\\.)*"|`[^`]*`)\s*$/;
const RELATIONS: readonly Relation[] = ["=", "!=", "<", ">"];

/** One condition. @throws {UsageError} saying what is wrong with the line */
export function parseCompare(line: string): Condition {
  const [, target, quotedKey = "", sign, quotedOperand = ""] = COMPARE.exec(line) ?? [];
  const form = `expected TARGET("key") =|!=|<|> "operand"`;
  if (target === undefined) throw new UsageError(`malformed comparison: ${line} (${form})`);
  const relation = RELATIONS.find((known) => known === sign);
  if (relation === undefined) {
    throw new UsageError(`malformed comparison: ${line} (unknown relation ${sign ?? ""})`);
  }
  const key = unquoted(quotedKey);
  const operand = unquoted(quotedOperand);
  switch (target) {
    case "ver":
    case "version":
      return when.version(key, relation, countOperand(line, operand));
    case "c":
    case "create":
      return when.createRevision(key, relation, countOperand(line, operand));
    case "m":
    case "mod":
      return when.modRevision(key, relation, countOperand(line, operand));
    case "val":
    case "value":
      return when.value(key, relation, operand);
    case "lease":
      return when.lease(key, relation, leaseOperand(line, operand));
    default:
      throw new UsageError(`malformed comparison: ${line} (unknown target ${target})`);
  }
}

function countOperand(line: string, operand: string): number {
  const value = Number(operand);
  if (/^\d+$/.test(operand) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`malformed comparison: ${line} ("${operand}" is no whole number)`);
}

/** Hexadecimal, as leases are shown; etcdctl's `"0x..."` and plain digits too. */
function leaseOperand(line: string, operand: string): bigint {
  if (/^(?:0x)?[0-9a-fA-F]{1,16}$/.test(operand)) {
    return BigInt.asIntN(64, BigInt(`0x${operand.replace(/^0x/, "")}`));
  }
  throw new UsageError(`malformed comparison: ${line} ("${operand}" is no lease id)`);
}

/** The words of a request line: bare, in '...' as they are, or in "..." with escapes. */
export function wordsOf(line: string): string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*/g) ?? [];
  return words.map((word) => (/^['"]/.test(word) ? unquoted(word) : word));
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/**
 * The text within the quotes; in double quotes with Go's escapes.
 *
 * @throws {UsageError} for an escape that is none, and for a byte above 7f: the line is text
 */
function unquoted(word: string): string {
  const inner = word.slice(1, -1);
  if (!word.startsWith('"')) return inner;
  return inner.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/gs,
    (escape: string, byte?: string, unit?: string, letter?: string) => {
      if (byte !== undefined && Number.parseInt(byte, 16) > 0x7f) {
        throw new UsageError(`${escape} in ${word} is a byte that no text has`);
      }
      const hex = byte ?? unit;
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      const meant = ESCAPES[letter ?? ""];
      if (meant === undefined) throw new UsageError(`unknown escape ${escape} in ${word}`);
      return meant;
    },
  );
}
