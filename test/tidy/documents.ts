// Documentation that cannot rot unseen: links and anchors resolve, named files and npm scripts exist,
// every dependency has its line of reason.
import { posix } from "node:path";
import type { Breach, Tree } from "./source-tree.ts";

/** `exists` answers for any path of the repository, not only for text files. */
export interface DocumentFacts {
  readonly exists: (path: string) => boolean;
  readonly scripts: readonly string[];
  readonly dependencies: readonly string[];
}

/** Relative links of Markdown, their anchors included, lead somewhere. */
export function checkLinks(documents: Tree, facts: Pick<DocumentFacts, "exists">): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, text] of documents) {
    for (const { line, target } of linksOf(text)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const resolved = file === "" ? path : posix.join(posix.dirname(path), file);
      if (!facts.exists(resolved)) {
        breaches.push({ path, line, message: `link to ${target}: no such file` });
      } else if (anchor !== undefined && anchor !== "") {
        const body = documents.get(resolved);
        if (body !== undefined && !anchorsOf(body).has(anchor)) {
          breaches.push({ path, line, message: `link to ${target}: no such heading` });
        }
      }
    }
  }
  return breaches;
}

/** Paths of documents that source and documents mention, such as docs/rules.md#reads. */
export function checkMentions(
  texts: Tree,
  documents: Tree,
  facts: Pick<DocumentFacts, "exists">,
): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, text] of texts) {
    for (const [at, line] of text.split("\n").entries()) {
      for (const match of line.matchAll(
        /(?<![\w/.-])(docs\/[\w/.-]+\.(?:md|svg))(?:#([\w-]+))?/g,
      )) {
        const [, file = "", anchor] = match;
        const body = documents.get(file);
        if (!facts.exists(file)) {
          breaches.push({ path, line: at + 1, message: `mentions ${file}, which does not exist` });
        } else if (anchor !== undefined && body !== undefined && !anchorsOf(body).has(anchor)) {
          breaches.push({
            path,
            line: at + 1,
            message: `mentions ${file}#${anchor}: no such heading`,
          });
        }
      }
    }
  }
  return breaches;
}

/** A path of source in backquotes, such as `server/replica.ts`, exists. */
export function checkPaths(documents: Tree, facts: Pick<DocumentFacts, "exists">): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, text] of documents) {
    for (const [at, line] of text.split("\n").entries()) {
      for (const [, file = ""] of line.matchAll(
        /`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|proto|svg))`/g,
      )) {
        if (!facts.exists(file)) {
          breaches.push({ path, line: at + 1, message: `names ${file}, which does not exist` });
        }
      }
    }
  }
  return breaches;
}

/** `npm run NAME` in a document names a script of package.json. */
export function checkScripts(documents: Tree, facts: Pick<DocumentFacts, "scripts">): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, text] of documents) {
    for (const [at, line] of text.split("\n").entries()) {
      for (const [, name = ""] of line.matchAll(/\bnpm run ([\w:-]+)/g)) {
        if (!facts.scripts.includes(name)) {
          breaches.push({
            path,
            line: at + 1,
            message: `npm run ${name}: package.json has no such script`,
          });
        }
      }
    }
  }
  return breaches;
}

/** Each dependency stands in the table of the decision on dependencies, and the table in package.json. */
export function checkDependencyReasons(
  decision: string,
  facts: Pick<DocumentFacts, "dependencies">,
): Breach[] {
  const path = "docs/decisions";
  const listed = [...decision.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = ""]) => name);
  return [
    ...facts.dependencies
      .filter((name) => !listed.includes(name))
      .map((name) => ({ path, line: 1, message: `dependency ${name} has no line of reason` })),
    ...listed
      .filter((name) => !facts.dependencies.includes(name))
      .map((name) => ({ path, line: 1, message: `${name} has a reason but is no dependency` })),
  ];
}

/** A table of situations in a document, and what checks each. */
export interface CheckTable {
  /** Before the number of each row. */
  readonly mark: "" | "F" | "T";
  readonly word: "scenario" | "trap";
  /** Numbered from 1. */
  readonly count: number;
  /** What a row may begin its last cell with in the place of a check. */
  readonly excuses: readonly string[];
}

export const SCENARIO_TABLES: readonly CheckTable[] = [
  { mark: "", word: "scenario", count: 100, excuses: ["cannot occur: "] },
  { mark: "F", word: "scenario", count: 44, excuses: ["not yet: "] },
  { mark: "T", word: "trap", count: 32, excuses: ["cannot occur: "] },
];

/**
 * Each number has one row, which links to a check or says why there is none; and each file that a row names says so
 * itself, by its name (`NN-...txt`) or by the words "scenario NN"; and each transcript so named stands in its row.
 */
export function checkScenarioTable(
  path: string,
  text: string,
  table: CheckTable,
  tree: Tree,
): Breach[] {
  const { mark, word, count, excuses } = table;
  const breaches: Breach[] = [];
  const rows = new Set<number>();
  const linked = new Set<string>();
  for (const [at, line] of text.split("\n").entries()) {
    const number = new RegExp(`^\\| ${mark}(\\d+) \\|`).exec(line)?.[1];
    if (number === undefined) continue;
    const tell = (message: string): void => void breaches.push({ path, line: at + 1, message });
    if (rows.has(Number(number))) tell(`${word} ${mark}${number} has two rows`);
    rows.add(Number(number));
    const targets = checksIn(line);
    if (targets.length === 0 && !excuses.some((excuse) => line.includes(`| ${excuse}`))) {
      const expected = excuses.map((excuse) => `"${excuse}"`).join(" or ");
      tell(
        `${word} ${mark}${number} links to no check, and is not said to be one that ${expected}`,
      );
    }
    for (const target of targets) {
      const file = posix.join(posix.dirname(path), target);
      linked.add(`${Number(number)} ${file}`);
      const named = posix.basename(file).startsWith(`${number.padStart(2, "0")}-`);
      if (!named && !isNamed(tree.get(file) ?? "", word, Number(number))) {
        tell(`${file} does not name ${word} ${number}`);
      }
    }
  }
  for (let number = 1; number <= count; number += 1) {
    if (!rows.has(number))
      breaches.push({ path, line: 1, message: `${word} ${mark}${number} has no row` });
  }
  return mark === "" ? [...breaches, ...strayTranscripts(path, linked, tree)] : breaches;
}

/** What a row links to that is no document. */
function checksIn(line: string): readonly string[] {
  const targets = [...line.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/\.md(?:#|$)/.test(target));
}

function strayTranscripts(path: string, linked: ReadonlySet<string>, tree: Tree): Breach[] {
  return [...tree.keys()].flatMap((file) => {
    const number = Number(/^test\/scenario\/\w+\/(\d+)-/.exec(file)?.[1] ?? 0);
    if (number === 0 || linked.has(`${number} ${file}`)) return [];
    return [{ path, line: 1, message: `${file} is not in the row of scenario ${number}` }];
  });
}

/** As "scenario 7", or in a list, over lines of a comment too: "scenarios 3, 5 and 7", "scenarios 5 to 8". */
function isNamed(text: string, word: CheckTable["word"], number: number): boolean {
  const prose = text.replace(/\n\s*(?:\/\/|\*|#)?\s*/g, " ");
  const lists = new RegExp(`${word}s? (\\d+(?:(?:,? and |, | to )\\d+)*)`, "gi");
  for (const [, list = ""] of prose.matchAll(lists)) {
    for (const part of list.split(/,? and |, /)) {
      const [first = 0, last = first] = part.split(" to ").map(Number);
      if (first <= number && number <= last) return true;
    }
  }
  return false;
}

function linksOf(text: string): { line: number; target: string }[] {
  const links: { line: number; target: string }[] = [];
  let fenced = false;
  for (const [at, line] of text.split("\n").entries()) {
    if (/^\s*```/.test(line)) fenced = !fenced;
    if (fenced) continue;
    for (const [, target = ""] of line.replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)) {
      links.push({ line: at + 1, target });
    }
  }
  return links;
}

/** Heading anchors as GitHub makes them, and explicit ids. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  let fenced = false;
  for (const line of text.split("\n")) {
    if (/^\s*```/.test(line)) fenced = !fenced;
    if (fenced) continue;
    for (const [, id = ""] of line.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let unique = slug;
    for (let count = 1; anchors.has(unique); count += 1) unique = `${slug}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}
