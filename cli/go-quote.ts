// Go's %q, as etcdctl's "fields" format quotes: printable text as it is, all else by its escape.

const NAMED: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** Bytes that are no UTF-8 become \xff, one by one. */
export function goQuoted(bytes: Uint8Array | string): string {
  const buffer = Buffer.from(bytes);
  let quoted = "";
  for (let at = 0; at < buffer.length;) {
    const length = characterBytes(buffer, at);
    if (length === 0) {
      quoted += `\\x${hex(buffer[at] ?? 0, 2)}`;
      at += 1;
    } else {
      quoted += escaped(buffer.toString("utf8", at, at + length));
      at += length;
    }
  }
  return `"${quoted}"`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const named = NAMED[code];
  if (named !== undefined) return named;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  // Go's IsPrint: letters, marks, numbers, punctuation, symbols, and of all blanks only the ASCII one.
  if (code === 0x20 || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) return character;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

/** How many bytes of valid UTF-8 begin at `at`; 0: none do. */
function characterBytes(buffer: Buffer, at: number): number {
  const first = buffer[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length < 2) return length;
  const slice = buffer.subarray(at, at + length);
  const text = slice.toString("utf8");
  return slice.length === length && Buffer.from(text).equals(slice) ? length : 0;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
