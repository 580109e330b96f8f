// The policy `merge`: values are sets of lines, and the view is their union (federation 7). It cannot remove: a line
// that any sibling has is there.
import { compareBytes } from "../base/index.ts";

const NEWLINE = 0x0a;

/** One value, or several that are equal, is shown as it is. Else each line once, in byte order, each ended. */
export function mergedLines(values: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array(0), ...others] = values;
  if (others.every((other) => compareBytes(first, other) === 0)) return first;
  const lines = values.flatMap(linesOf).sort(compareBytes);
  const union = lines.filter((line, at) => compareBytes(line, lines[at - 1] ?? NO_LINE) !== 0);
  const merged = new Uint8Array(union.reduce((bytes, line) => bytes + line.length + 1, 0));
  let at = 0;
  for (const line of union) {
    merged.set(line, at);
    at += line.length;
    merged[at] = NEWLINE;
    at += 1;
  }
  return merged;
}

/** No line holds a newline, so none equals it. */
const NO_LINE = Uint8Array.of(NEWLINE);

/** What follows the last newline is a line unless it is empty. */
function linesOf(value: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let at = value.indexOf(NEWLINE); at !== -1; at = value.indexOf(NEWLINE, from)) {
    lines.push(value.subarray(from, at));
    from = at + 1;
  }
  if (from < value.length) lines.push(value.subarray(from));
  return lines;
}
