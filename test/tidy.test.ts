// The house rules, checked on the syntax tree of the whole repository. Each rule is first proved on a tree
// of a few lines that breaches it, so that a rule that has gone blind fails here too.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { checkDeadExports, checkDeadFiles } from "./tidy/dead-code.ts";
import {
  SCENARIO_TABLES,
  anchorsOf,
  checkDependencyReasons,
  checkLinks,
  checkMentions,
  checkPaths,
  checkScenarioTable,
  checkScripts,
} from "./tidy/documents.ts";
import { checkCycles, checkLayers, checkPackages } from "./tidy/layers.ts";
import { checkPublicDocs } from "./tidy/public-docs.ts";
import { checkPurity, checkTypes } from "./tidy/purity.ts";
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, IMPURE_FILES, LONG_BY_REASON } from "./tidy/rules.ts";
import {
  checkHeaders,
  checkLengths,
  checkWords,
  fileLengths,
  functionLengths,
} from "./tidy/shape.ts";
import type { Length } from "./tidy/shape.ts";
import { isTest, parseTree, readTree } from "./tidy/source-tree.ts";
import type { Breach, SourceFile, Tree } from "./tidy/source-tree.ts";

const root = join(__dirname, "..");
const tree = readTree(root, [".ts", ".md", ".mjs", ".proto", ".txt"]);
const files = parseTree(tree);
const documents = pick(tree, ".md");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const facts = {
  exists: (path: string): boolean => existsSync(join(root, path)),
  scripts: Object.keys(manifest.scripts),
  dependencies: Object.keys(manifest.dependencies),
};
const declared = {
  dependencies: facts.dependencies,
  devDependencies: Object.keys(manifest.devDependencies),
};
const dependencyDecision = "docs/decisions/0007-dependencies.md";

function pick(from: Tree, ending: string): Tree {
  return new Map([...from].filter(([path]) => path.endsWith(ending)));
}

function fixture(sources: Readonly<Record<string, string>>): ReadonlyMap<string, SourceFile> {
  return parseTree(new Map(Object.entries(sources)));
}

function lines(breaches: readonly Breach[]): string[] {
  return breaches.map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

function longest(lengths: readonly Length[]): string {
  return lengths
    .slice(0, 5)
    .map(({ name, lines: count }) => `  ${String(count).padStart(4)}  ${name}`)
    .join("\n");
}

describe("imports go one way", () => {
  test("a fixture that imports upward, sideways, past an index or its own index is caught", () => {
    const breaches = checkLayers(
      fixture({
        "raft/core.ts": 'import { Machine } from "../store/index.ts";',
        "rpc/service.ts": 'import { assert } from "../base/assert.ts";',
        "base/ids.ts": 'import type { Entry } from "../consensus/index.ts";',
        "client/call.ts": 'import { x } from "../test/fake.ts";\nimport { y } from "./index.ts";',
        "store/range.ts": 'import type { Entry } from "../consensus/index.ts";',
        "store/segment-log.ts": 'import { stalenessBoundMs } from "../consensus/index.ts";',
        "odd/file.ts": "",
      }),
    );
    expect(lines(breaches)).toEqual([
      "raft/core.ts:1: raft/ may not import store/",
      "rpc/service.ts:1: across folders import base/index.ts, not base/assert.ts",
      "base/ids.ts:1: base/ may not import consensus/",
      "client/call.ts:1: production code imports test/fake.ts",
      "client/call.ts:2: a folder does not import its own index.ts",
      "store/range.ts:1: of store/, only the log files, the machine and the snapshot stream know consensus/",
      "store/segment-log.ts:1: the store takes types of consensus/, not its behaviour",
      'odd/file.ts:1: folder "odd" has no place in LAYERS',
    ]);
  });

  test("the tree keeps its layers", () => {
    expect(lines(checkLayers(files))).toEqual([]);
  });

  test("a fixture with an undeclared, a misplaced and an unused package is caught", () => {
    const breaches = checkPackages(
      fixture({
        "cli/main.ts": 'import { Command } from "commander";\nimport { x } from "left-pad/deep";',
        "rpc/service.ts": 'import winston from "winston";',
        "rpc/service.test.ts": 'import fc from "fast-check";',
      }),
      { dependencies: ["commander", "winston", "zod"], devDependencies: ["fast-check"] },
    );
    expect(lines(breaches)).toEqual([
      "cli/main.ts:2: package left-pad is not declared for this code",
      "rpc/service.ts:1: rpc/ may not use package winston",
      "package.json:1: dependency zod is used nowhere",
    ]);
  });

  test("packages are declared, used, and where they belong", () => {
    expect(lines(checkPackages(files, declared))).toEqual([]);
  });

  test("a fixture with a cycle is caught, type imports included", () => {
    const breaches = checkCycles(
      fixture({
        "raft/a.ts": 'import { b } from "./b.ts";',
        "raft/b.ts": 'import type { C } from "./c.ts";',
        "raft/c.ts": 'import { a } from "./a.ts";',
        "raft/d.ts": 'import { a } from "./a.ts";',
      }),
    );
    expect(lines(breaches)).toEqual([
      "raft/a.ts:1: cycle: raft/a.ts -> raft/b.ts -> raft/c.ts -> raft/a.ts",
    ]);
  });

  test("the tree has no cycle", () => {
    expect(lines(checkCycles(files))).toEqual([]);
  });
});

describe("what users of the package read", () => {
  test("a fixture whose exports say too little is caught", () => {
    const breaches = checkPublicDocs(
      fixture({
        "client/index.ts":
          'export { Silent, Told, gone } from "./api.ts";\nexport type { Shape } from "./api.ts";',
        "client/api.ts":
          "export class Silent {}\n" +
          "/** Told. */\nexport class Told {\n  #own = 1;\n  mute(): void {}\n" +
          "  /** Asks. */\n  ask(): Promise<void> { return Promise.resolve(); }\n" +
          "  /** Asks. @throws {KvError} always */\n  say(): Promise<void> { throw new Error(); }\n" +
          "  /** Ends it; never rejects. */\n  end(): Promise<void> { return Promise.resolve(); }\n}\n" +
          "/** Gone. */\nexport function gone(): void { throw new Error(); }\n" +
          "export interface Shape { a: 1 }\nexport const other = 1;",
      }),
      "client/index.ts",
    );
    expect(lines(breaches)).toEqual([
      "client/api.ts:1: Silent has no doc comment",
      "client/api.ts:5: Told.mute has no doc comment",
      'client/api.ts:7: Told.ask can reject, and does not say with what: @throws, or "never rejects"',
      "client/api.ts:14: gone throws, and does not say what: @throws",
      "client/api.ts:15: Shape has no doc comment",
    ]);
  });

  test("the client library documents all that it exports", () => {
    expect(lines(checkPublicDocs(files, "client/index.ts"))).toEqual([]);
  });
});

describe("pure folders stay pure", () => {
  test("a fixture with Node, a clock, a timer, chance and a promise is caught", () => {
    const breaches = checkPurity(
      fixture({
        "raft/core.ts": [
          'import { readFileSync } from "node:fs";',
          "const at = Date.now();",
          "setTimeout(() => undefined, 1);",
          "const luck = Math.random();",
          "export async function f(): Promise<void> { await g(); }",
          "const bytes = Buffer.alloc(1);",
          "const fine = { process: 1 }.process + state.performance;",
        ].join("\n"),
        "raft/core.test.ts": "setTimeout(() => undefined, 1);",
        "server/clock.ts": "export const at = Date.now();",
      }),
    );
    expect(lines(breaches)).toEqual([
      "raft/core.ts:1: imports node:fs",
      "raft/core.ts:2: touches Date",
      "raft/core.ts:3: touches setTimeout",
      "raft/core.ts:4: draws Math.random",
      "raft/core.ts:5: is async",
      "raft/core.ts:5: touches Promise",
      "raft/core.ts:5: awaits",
      "raft/core.ts:6: touches Buffer",
    ]);
  });

  test("the tree's pure folders are pure, and each exception still exists", () => {
    expect(lines(checkPurity(files))).toEqual([]);
    expect(Object.keys(IMPURE_FILES).filter((path) => !files.has(path))).toEqual([]);
  });

  test("a fixture that switches types off is caught", () => {
    const breaches = checkTypes(
      fixture({
        "rpc/a.ts":
          "const a: any = 1;\nconst b = a!;\nconst c = a as unknown as string;\n// eslint-disable-next-line",
      }),
    );
    expect(lines(breaches)).toEqual([
      "rpc/a.ts:1: any",
      "rpc/a.ts:2: non-null assertion: use present() or a check",
      "rpc/a.ts:3: cast through unknown",
      "rpc/a.ts:4: a lint rule is switched off in a line",
    ]);
  });

  test("the tree has no type hole", () => {
    expect(lines(checkTypes(files))).toEqual([]);
  });
});

describe("nothing is dead", () => {
  const sources = {
    "cli/main.ts": 'import { used, type Shape } from "../base/index.ts";',
    "base/index.ts": 'export * from "./words.ts";',
    "base/words.ts": [
      "export const used = (options: Options): void => undefined;",
      "export const unused = 1;",
      "export interface Shape { readonly x: number }",
      "export interface Options { readonly y: number }",
      "export interface Forgotten { readonly z: number }",
    ].join("\n"),
    "base/lost.ts": "export const lost = 1;",
    "base/lost.test.ts": 'import { lost } from "./lost.ts";',
  };

  test("a fixture with a dead file is caught, even when a unit test imports it", () => {
    expect(lines(checkDeadFiles(fixture(sources)))).toEqual([
      "base/lost.ts:1: dead file: no entry point reaches it",
    ]);
  });

  test("a fixture with dead exports is caught", () => {
    expect(lines(checkDeadExports(fixture(sources)))).toEqual([
      "base/words.ts:2: dead export: unused is used by nobody",
      "base/words.ts:5: dead export: Forgotten is used by nobody",
    ]);
  });

  test("the tree has no dead file", () => {
    expect(lines(checkDeadFiles(files))).toEqual([]);
  });

  test("the tree has no dead export", () => {
    expect(lines(checkDeadExports(files))).toEqual([]);
  });
});

describe("files are short, named and headed", () => {
  test("a fixture with a long file, a long function, a bad name and no header is caught", () => {
    const long = fixture({
      "raft/core.ts": `// Header.\nfunction f(): void {\n${"  g();\n".repeat(FUNCTION_LINES_MAX)}}\n`,
      "raft/log.ts": `// Header.\n${"g();\n".repeat(FILE_LINES_MAX)}`,
    });
    expect(lines(checkLengths(long))).toEqual([
      `raft/log.ts:1: raft/log.ts has ${FILE_LINES_MAX + 1} lines, at most ${FILE_LINES_MAX}`,
      `raft/core.ts:2: raft/core.ts:f has ${FUNCTION_LINES_MAX + 2} lines, at most ${FUNCTION_LINES_MAX}`,
    ]);
    const misnamed = fixture({
      "raft/theCore.ts": "// Header.\n",
      "raft/log-utils.ts": "// Header.\n",
      "raft/bare.ts": "const x = 1;\n",
      "raft/chatty.ts": `${"// More.\n".repeat(6)}const x = 1;\n`,
    });
    expect(lines(checkHeaders(misnamed))).toEqual([
      "raft/theCore.ts:1: file names are kebab-case",
      "raft/log-utils.ts:1: name the file for a noun of the domain",
      "raft/bare.ts:1: no header comment",
      "raft/chatty.ts:1: header of 6 lines, at most 5",
    ]);
  });

  test("the tree's files and functions keep their limits", () => {
    const production = functionLengths(files).filter(({ path }) => !isTest(path));
    process.stdout.write(`longest files\n${longest(fileLengths(files))}\n`);
    process.stdout.write(`longest functions\n${longest(production)}\n`);
    expect(lines(checkLengths(files))).toEqual([]);
    const named = new Set([...fileLengths(files), ...production].map(({ name }) => name));
    expect(Object.keys(LONG_BY_REASON).filter((name) => !named.has(name))).toEqual([]);
  });

  test("the tree's files have names and headers", () => {
    expect(lines(checkHeaders(files))).toEqual([]);
  });

  test("a fixture with banned words in comments is caught, in strings it is not", () => {
    const words = fixture({
      "raft/a.ts":
        '// TODO: later\n// TODO(#12) later\nconst x = "TODO"; /* a simplified case */\n',
    });
    expect(lines(checkWords(words, new Map([["README.md", "Blazing fast."]])))).toEqual([
      'raft/a.ts:1: "TODO": finish it, or TODO(#issue)',
      'raft/a.ts:3: "simplified": do the whole, or say what is left out in a fact',
      'README.md:1: "Blazing": a number',
    ]);
  });

  test("the tree has no banned word", () => {
    const outside = new Map([...files].filter(([path]) => !path.startsWith("test/tidy")));
    expect(lines(checkWords(outside, documents))).toEqual([]);
  });
});

describe("documentation resolves", () => {
  test("a fixture with broken links, anchors, mentions and scripts is caught", () => {
    const pages = new Map([
      [
        "README.md",
        "# One\n[a](docs/a.md#two) [b](docs/b.md) [c](#one) [d](#none) [e](https://x.y)\nnpm run fly",
      ],
      ["docs/a.md", "# First\n## Two\n"],
    ]);
    const known = { exists: (path: string): boolean => pages.has(path) };
    expect(lines(checkLinks(pages, known))).toEqual([
      "README.md:2: link to docs/b.md: no such file",
      "README.md:2: link to #none: no such heading",
    ]);
    expect(lines(checkScripts(pages, { scripts: ["sim"] }))).toEqual([
      "README.md:3: npm run fly: package.json has no such script",
    ]);
    const paths = new Map([["README.md", "`raft/a.ts`, `raft/gone.ts` and `a.b`"]]);
    expect(lines(checkPaths(paths, { exists: (path) => path === "raft/a.ts" }))).toEqual([
      "README.md:1: names raft/gone.ts, which does not exist",
    ]);
    const source = new Map([["raft/a.ts", "// See docs/a.md#two, docs/a.md#three and docs/c.md."]]);
    expect(lines(checkMentions(source, pages, known))).toEqual([
      "raft/a.ts:1: mentions docs/a.md#three: no such heading",
      "raft/a.ts:1: mentions docs/c.md, which does not exist",
    ]);
    expect(
      lines(checkDependencyReasons("| `a` | why |\n| `b` | why |", { dependencies: ["a", "c"] })),
    ).toEqual([
      "docs/decisions:1: dependency c has no line of reason",
      "docs/decisions:1: b has a reason but is no dependency",
    ]);
  });

  test("a fixture with a scenario that a file does not name, and one without a row, is caught", () => {
    const table =
      "| 1 | a | [x](../test/01-x.txt), [y](../test/y.ts) |\n| 3 | c | [y](../test/y.ts) |\n" +
      "| 3 | c | [y](../test/y.ts) |\n| 4 | d |  |\n| 5 | e | cannot occur: no e |";
    const named = new Map([
      ["test/y.ts", "// Scenarios 2, 3 and 13; scenarios 20 to 22."],
      ["test/scenario/both/05-e.txt", ""],
      ["test/scenario/both/00-a.txt", ""],
    ]);
    const five = { mark: "", word: "scenario", count: 5, excuses: ["cannot occur: "] } as const;
    expect(lines(checkScenarioTable("docs/t.md", table, five, named))).toEqual([
      "docs/t.md:1: test/y.ts does not name scenario 1",
      "docs/t.md:3: scenario 3 has two rows",
      'docs/t.md:4: scenario 4 links to no check, and is not said to be one that "cannot occur: "',
      "docs/t.md:1: scenario 2 has no row",
      "docs/t.md:1: test/scenario/both/05-e.txt is not in the row of scenario 5",
    ]);
  });

  test("a fixture with a trap that a file does not name, or that nothing checks, is caught", () => {
    const table =
      "| T1 | a | [y](../test/y.ts), [said](a.md#b) |\n| T2 | b | [said](a.md#b) |\n| 3 | c | |";
    const named = new Map([["test/y.ts", "// Scenario 1, traps 2 and 3."]]);
    const traps = { mark: "T", word: "trap", count: 3, excuses: ["not yet: "] } as const;
    expect(lines(checkScenarioTable("docs/t.md", table, traps, named))).toEqual([
      "docs/t.md:1: test/y.ts does not name trap 1",
      'docs/t.md:2: trap T2 links to no check, and is not said to be one that "not yet: "',
      "docs/t.md:1: trap T3 has no row",
    ]);
  });

  test.each(SCENARIO_TABLES)(
    "the $count rows of $word $mark name checks that name them",
    (table) => {
      const text = documents.get("docs/testing.md") ?? "";
      expect(lines(checkScenarioTable("docs/testing.md", text, table, tree))).toEqual([]);
    },
  );

  test("anchors are GitHub's", () => {
    expect([...anchorsOf("# Life of a `write`\n## A, b & c\n## A, b & c\n```\n# no\n```")]).toEqual(
      ["life-of-a-write", "a-b--c", "a-b--c-1"],
    );
  });

  test("links and anchors in the documents resolve", () => {
    expect(lines(checkLinks(documents, facts))).toEqual([]);
  });

  test("documents that the source mentions exist", () => {
    const outside = new Map([...tree].filter(([path]) => !path.startsWith("test/tidy")));
    expect(lines(checkMentions(outside, documents, facts))).toEqual([]);
  });

  test("source files that the documents name exist", () => {
    expect(lines(checkPaths(documents, facts))).toEqual([]);
  });

  test("scripts that the documents name exist", () => {
    expect(lines(checkScripts(documents, facts))).toEqual([]);
  });

  test("every dependency has its reason", () => {
    expect(lines(checkDependencyReasons(documents.get(dependencyDecision) ?? "", facts))).toEqual(
      [],
    );
  });
});
