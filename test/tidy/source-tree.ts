// The repository as the tidy rules see it: every TypeScript file parsed once, its imports and exports listed.
// A tree is a map from path to text, so that a rule is proved on a tree of three lines.
import { readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";

export interface Import {
  readonly from: string;
  /** Path in the tree, for a relative import. */
  readonly path?: string;
  readonly line: number;
  readonly typeOnly: boolean;
  /** Imported names; "*" when the whole module is taken. */
  readonly names: readonly string[];
  /** `export ... from`: the names pass through. */
  readonly reexport: boolean;
}

export interface Export {
  readonly name: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly ast: ts.SourceFile;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
}

export interface Breach {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Path from the repository's root, with forward slashes, to the file's text. */
export type Tree = ReadonlyMap<string, string>;

const SKIPPED = new Set(["node_modules", "dist", ".git", "generated", "hansa-data", "coverage"]);

/** All text files with one of these endings under `root`. */
export function readTree(root: string, endings: readonly string[]): Tree {
  const tree = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(path);
      } else if (endings.some((ending) => entry.name.endsWith(ending))) {
        tree.set(path, readFileSync(join(root, path), "utf8"));
      }
    }
  };
  visit("");
  return tree;
}

/** Every .ts file of the tree that is not a declaration file. */
export function parseTree(tree: Tree): ReadonlyMap<string, SourceFile> {
  const files = new Map<string, SourceFile>();
  for (const [path, text] of tree) {
    if (path.endsWith(".ts") && !path.endsWith(".d.ts")) files.set(path, parseFile(path, text));
  }
  return files;
}

function parseFile(path: string, text: string): SourceFile {
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true, ts.ScriptKind.TS);
  return { path, text, ast, imports: importsOf(path, ast), exports: exportsOf(ast) };
}

/** The first folder of a path; "" at the root. */
export function folderOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

export function isTest(path: string): boolean {
  return path.startsWith("test/") || path.endsWith(".test.ts");
}

export function lineOf(ast: ts.SourceFile, node: ts.Node): number {
  return ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1;
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => {
    walk(child, visit);
  });
}

/** Every comment once, with the line it starts on. */
export function commentsOf(ast: ts.SourceFile): { line: number; text: string }[] {
  const comments: { line: number; text: string }[] = [];
  const seen = new Set<number>();
  const collect = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue;
      seen.add(pos);
      comments.push({
        line: ast.getLineAndCharacterOfPosition(pos).line + 1,
        text: ast.text.slice(pos, end),
      });
    }
  };
  walk(ast, (node) => {
    collect(ts.getLeadingCommentRanges(ast.text, node.getFullStart()));
    collect(ts.getTrailingCommentRanges(ast.text, node.getEnd()));
  });
  return comments;
}

function importsOf(path: string, ast: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const add = (
    from: string,
    node: ts.Node,
    rest: Pick<Import, "typeOnly" | "names" | "reexport">,
  ): void => {
    const target = from.startsWith(".") ? posix.join(posix.dirname(path), from) : undefined;
    imports.push({
      from,
      line: lineOf(ast, node),
      ...rest,
      ...(target === undefined ? {} : { path: target }),
    });
  };
  walk(ast, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node, {
        ...importedNames(node.importClause),
        reexport: false,
      });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const clause = node.exportClause;
      const names =
        clause && ts.isNamedExports(clause)
          ? clause.elements.map((element) => (element.propertyName ?? element.name).text)
          : ["*"];
      add(node.moduleSpecifier.text, node, { names, typeOnly: node.isTypeOnly, reexport: true });
    } else if (
      ts.isCallExpression(node) &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
        (ts.isIdentifier(node.expression) && node.expression.text === "require"))
    ) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) {
        add(argument.text, node, { names: ["*"], typeOnly: false, reexport: false });
      }
    }
  });
  return imports;
}

function importedNames(clause: ts.ImportClause | undefined): {
  names: string[];
  typeOnly: boolean;
} {
  if (clause === undefined) return { names: [], typeOnly: false };
  const names: string[] = [];
  if (clause.name) names.push("default");
  const bindings = clause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) names.push("*");
  if (bindings && ts.isNamedImports(bindings)) {
    for (const element of bindings.elements)
      names.push((element.propertyName ?? element.name).text);
  }
  return { names, typeOnly: clause.phaseModifier === ts.SyntaxKind.TypeKeyword };
}

function exportsOf(ast: ts.SourceFile): Export[] {
  const exports: Export[] = [];
  for (const statement of ast.statements) {
    if (ts.isExportDeclaration(statement) && !statement.moduleSpecifier && statement.exportClause) {
      if (ts.isNamedExports(statement.exportClause)) {
        for (const element of statement.exportClause.elements) {
          exports.push({
            name: element.name.text,
            line: lineOf(ast, element),
            typeOnly: statement.isTypeOnly,
          });
        }
      }
      continue;
    }
    if (!isExported(statement)) continue;
    const typeOnly = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    for (const name of declaredNames(statement)) {
      exports.push({ name, line: lineOf(ast, statement), typeOnly });
    }
  }
  return exports;
}

export function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(
      (modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword,
    )
  );
}

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap((declaration) =>
      ts.isIdentifier(declaration.name)
        ? [declaration.name.text]
        : declaration.name.elements.flatMap((element) =>
            ts.isBindingElement(element) && ts.isIdentifier(element.name)
              ? [element.name.text]
              : [],
          ),
    );
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  ) {
    return [statement.name?.text ?? "default"];
  }
  return [];
}
