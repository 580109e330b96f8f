// What a pure folder may not touch: Node, clocks, timers, chance, promises. And types nobody may switch off.
import ts from "typescript";
import { CASTS_BY_REASON, IMPURE_FILES, IMPURE_GLOBALS, PURE_FOLDERS } from "./rules.ts";
import { commentsOf, folderOf, isTest, lineOf, walk } from "./source-tree.ts";
import type { Breach, SourceFile } from "./source-tree.ts";

export function checkPurity(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const breaches: Breach[] = [];
  for (const file of files.values()) {
    if (isTest(file.path) || !PURE_FOLDERS.includes(folderOf(file.path))) continue;
    if (IMPURE_FILES[file.path] !== undefined) continue;
    for (const { from, line } of file.imports) {
      if (from.startsWith("node:"))
        breaches.push({ path: file.path, line, message: `imports ${from}` });
    }
    walk(file.ast, (node) => {
      const message = impurity(node);
      if (message !== undefined)
        breaches.push({ path: file.path, line: lineOf(file.ast, node), message });
    });
  }
  return breaches;
}

function impurity(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node)) return "awaits";
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return "is async";
  if (ts.isPropertyAccessExpression(node) && node.getText() === "Math.random")
    return "draws Math.random";
  if (ts.isPropertyAccessExpression(node) && node.getText() === "import.meta")
    return "reads import.meta";
  if (ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && !isName(node)) {
    return `touches ${node.text}`;
  }
  return undefined;
}

/** Whether an identifier is the name of a property or declaration rather than a use of a global. */
function isName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isMethodDeclaration(parent)) &&
    parent.name === node
  );
}

const CAST = "cast through unknown";

/** `any`, `x!` and casts through unknown: nowhere, tests included. */
export function checkTypes(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const breaches: Breach[] = [];
  for (const file of files.values()) {
    walk(file.ast, (node) => {
      const message = typeHole(node);
      if (message === CAST && CASTS_BY_REASON[file.path] !== undefined) return;
      if (message !== undefined)
        breaches.push({ path: file.path, line: lineOf(file.ast, node), message });
    });
    for (const { line, text } of commentsOf(file.ast)) {
      if (/^\/[/*]\s*eslint-disable/.test(text)) {
        breaches.push({ path: file.path, line, message: "a lint rule is switched off in a line" });
      }
    }
  }
  return breaches;
}

function typeHole(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "any";
  if (ts.isNonNullExpression(node)) return "non-null assertion: use present() or a check";
  if (
    ts.isAsExpression(node) &&
    ts.isAsExpression(node.expression) &&
    node.expression.type.kind === ts.SyntaxKind.UnknownKeyword
  ) {
    return CAST;
  }
  return undefined;
}
