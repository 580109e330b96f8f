// The numbers of the README and of docs/federation.md stand between markers and are written by the benchmark that
// measured them, so that no table there is older or better than a run.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const DOCUMENTS = ["README.md", "docs/federation.md"].map((path) => join(ROOT, path));
const RESULTS = join(__dirname, "results");

/** A run that was changed for a look is no result: it prints, and writes nothing. */
const IS_LOOK = Object.keys(process.env).some((name) => name.startsWith("HANSA_BENCH_"));

/** Everything that was measured, and on what. */
export function writeResult(name: string, result: unknown): void {
  if (IS_LOOK) return;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** A picture of the documentation, as SVG. */
export function writeChart(name: string, svg: string): void {
  if (!IS_LOOK) writeFileSync(join(ROOT, "docs", `${name}.svg`), svg);
}

/**
 * Prints the section, and writes it where it belongs.
 *
 * @throws {Error} when no document has such a section.
 */
export function writeReadmeSection(name: string, markdown: string): void {
  process.stdout.write(`\n${markdown}\n`);
  if (IS_LOOK) return;
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const written = DOCUMENTS.filter((path) => {
    const text = readFileSync(path, "utf8");
    const from = text.indexOf(begin);
    const until = text.indexOf(end);
    if (from < 0 || until < from) return false;
    const before = text.slice(0, from + begin.length);
    writeFileSync(path, `${before}\n\n${markdown}\n\n${text.slice(until)}`);
    return true;
  });
  if (written.length === 0)
    throw new Error(`no document has a section between ${begin} and ${end}`);
}

/** `rows[0]` is the head; all columns but the first are numbers. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const rule = line(head.map((_, at) => (at === 0 ? "---" : "---:")));
  return [line(head), rule, ...body.map(line)].join("\n");
}
