// The numbers of the README stand between markers and are written by the benchmark that measured them, so
// that no table there is older or better than a run.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const README = join(__dirname, "..", "..", "README.md");

/** @throws {Error} when the README has no such section. */
export function writeReadmeSection(name: string, markdown: string): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const text = readFileSync(README, "utf8");
  const from = text.indexOf(begin);
  const until = text.indexOf(end);
  if (from < 0 || until < from)
    throw new Error(`README.md has no section between ${begin} and ${end}`);
  writeFileSync(
    README,
    `${text.slice(0, from + begin.length)}\n\n${markdown}\n\n${text.slice(until)}`,
  );
}

/** `rows[0]` is the head; all columns but the first are numbers. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const rule = line(head.map((_, at) => (at === 0 ? "---" : "---:")));
  return [line(head), rule, ...body.map(line)].join("\n");
}
