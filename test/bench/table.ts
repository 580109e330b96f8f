// A plain table for the terminal and for a README: cells aligned, numbers to the right.

/** `rows[0]` is the head. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** Three significant digits, no exponent. */
export function shortNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
