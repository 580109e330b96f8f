// The numbers of the README stand between markers and are written by the benchmark that measured them, so
// that no table there is older or better than a run.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const README = join(__dirname, "..", "..", "README.md");
const RESULTS = join(__dirname, "results");

/** A run that was shortened for a look is no result: it prints, and writes nothing. */
const IS_LOOK = ["HANSA_BENCH_SECONDS", "HANSA_BENCH_KEYS"].some(
  (variable) => process.env[variable] !== undefined,
);

/** Everything that was measured, and on what. */
export function writeResult(name: string, result: unknown): void {
  if (IS_LOOK) return;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/**
 * Prints the section, and writes it.
 *
 * @throws {Error} when the README has no such section.
 */
export function writeReadmeSection(name: string, markdown: string): void {
  process.stdout.write(`\n${markdown}\n`);
  if (IS_LOOK) return;
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
