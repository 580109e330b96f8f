// The shape of files: length, header, name, words. Prints what is longest, so that growth is seen early.
import ts from "typescript";
import {
  BANNED_FILE_WORDS,
  BANNED_WORDS,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  HEADER_LINES_MAX,
  LONG_BY_REASON,
} from "./rules.ts";
import { commentsOf, isTest, lineOf, walk } from "./source-tree.ts";
import type { Breach, SourceFile, Tree } from "./source-tree.ts";

export interface Length {
  /** `path` or `path:function`. */
  readonly name: string;
  readonly path: string;
  readonly line: number;
  readonly lines: number;
}

/** Lines of each file, longest first. */
export function fileLengths(files: ReadonlyMap<string, SourceFile>): Length[] {
  return [...files.values()]
    .map(({ path, text }) => ({
      name: path,
      path,
      line: 1,
      lines: text.trimEnd().split("\n").length,
    }))
    .sort((left, right) => right.lines - left.lines);
}

/** Lines of each function with a body, longest first; a function inside another counts in both. */
export function functionLengths(files: ReadonlyMap<string, SourceFile>): Length[] {
  const lengths: Length[] = [];
  for (const { path, ast } of files.values()) {
    walk(ast, (node) => {
      if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return;
      const line = lineOf(ast, node);
      const last = ast.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
      lengths.push({ name: `${path}:${functionName(node)}`, path, line, lines: last - line + 1 });
    });
  }
  return lengths.sort((left, right) => right.lines - left.lines);
}

function functionName(node: ts.SignatureDeclaration): string {
  if (node.name) return node.name.getText();
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent))
    return parent.name.getText();
  return ts.isConstructorDeclaration(node) ? "constructor" : "(callback)";
}

/** Production files and functions keep the limits; test files keep the file limit unless they are suites. */
export function checkLengths(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const tooLong = (length: Length, max: number): boolean =>
    length.lines > max && LONG_BY_REASON[length.name] === undefined;
  const long = [
    ...fileLengths(files)
      .filter((length) => !length.path.endsWith(".test.ts") && tooLong(length, FILE_LINES_MAX))
      .map((length) => ({ ...length, max: FILE_LINES_MAX })),
    ...functionLengths(files)
      .filter((length) => !isTest(length.path) && tooLong(length, FUNCTION_LINES_MAX))
      .map((length) => ({ ...length, max: FUNCTION_LINES_MAX })),
  ];
  return long.map(({ path, line, name, lines, max }) => ({
    path,
    line,
    message: `${name} has ${lines} lines, at most ${max}`,
  }));
}

/** A kebab-case noun for a name, and a header that says what the file decides. */
export function checkHeaders(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const breaches: Breach[] = [];
  for (const { path, text } of files.values()) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)?\.ts$/.test(name)) {
      breaches.push({ path, line: 1, message: "file names are kebab-case" });
    }
    if (BANNED_FILE_WORDS.test(path)) {
      breaches.push({ path, line: 1, message: "name the file for a noun of the domain" });
    }
    // A unit test beside a file says in its names what it is about.
    if (name === "index.ts" || (name.endsWith(".test.ts") && !path.startsWith("test/"))) continue;
    const lines = text.split("\n").filter((line) => !line.startsWith("#!"));
    const body = lines.findIndex((line) => !/^(?:\/\/|\/\*\*|\s\*)/.test(line));
    if (body < 1) breaches.push({ path, line: 1, message: "no header comment" });
    if (
      body > HEADER_LINES_MAX &&
      lines.slice(0, body).every((line) => line !== "//") &&
      !/^\/\*\*/.test(text)
    ) {
      breaches.push({
        path,
        line: 1,
        message: `header of ${body} lines, at most ${HEADER_LINES_MAX}`,
      });
    }
  }
  return breaches;
}

/** Banned words in comments of source and in documentation. */
export function checkWords(files: ReadonlyMap<string, SourceFile>, documents: Tree): Breach[] {
  const breaches: Breach[] = [];
  const judge = (path: string, firstLine: number, text: string): void => {
    for (const [at, line] of text.split("\n").entries()) {
      for (const { pattern, instead } of BANNED_WORDS) {
        const word = pattern.exec(line)?.[0];
        if (word !== undefined) {
          breaches.push({ path, line: firstLine + at, message: `"${word}": ${instead}` });
        }
      }
    }
  };
  for (const file of files.values()) {
    for (const { line, text } of commentsOf(file.ast)) judge(file.path, line, text);
  }
  for (const [path, text] of documents) judge(path, 1, text);
  return breaches;
}
