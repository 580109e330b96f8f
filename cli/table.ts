// Tables as etcdctl draws them: heads centred, cells to the right, every column as wide as its widest cell.
import { PLAIN } from "./paint.ts";
import type { Paint, Tone } from "./paint.ts";

/** The tone of a cell; undefined: plain. */
export type CellTone = (column: string, text: string) => Tone | undefined;

export interface TableLook {
  readonly paint: Paint;
  readonly tone?: CellTone;
}

export function drawTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  look: TableLook = { paint: PLAIN },
): string {
  const { paint, tone } = look;
  const widths = head.map((title, column) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+\n`;
  const heads = widths.map((width, column) => paint("head", centred(head[column] ?? "", width)));
  const cellOf = (text: string, width: number, title: string): string => {
    const shown = toTheRight(text, width);
    const meant = tone?.(title, text);
    return meant === undefined ? shown : paint(meant, shown);
  };
  const body = rows.map((row) => {
    const cells = widths.map((width, at) => cellOf(row[at] ?? "", width, head[at] ?? ""));
    return `| ${cells.join(" | ")} |\n`;
  });
  const end = rows.length === 0 ? "" : rule;
  return `${rule}| ${heads.join(" | ")} |\n${rule}${body.join("")}${end}`;
}

/** Columns of a terminal: East Asian wide characters and emoji take two, combining ones none. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) continue;
    columns += isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
  }
  return columns;
}

/** First and last code points of the blocks that terminals draw two columns wide. */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

function isWide(codePoint: number): boolean {
  return WIDE.some(([first, last]) => codePoint >= first && codePoint <= last);
}

function toTheRight(text: string, width: number): string {
  return " ".repeat(width - widthOf(text)) + text;
}

function centred(text: string, width: number): string {
  const gap = width - widthOf(text);
  const left = Math.floor(gap / 2);
  return " ".repeat(left) + text + " ".repeat(gap - left);
}
