// Files that nothing reaches and exports that nobody takes. A unit test beside a file does not keep it alive.
import ts from "typescript";
import { ENTRY_POINTS, PUBLIC_FILES, USED_BY_GENERATED } from "./rules.ts";
import { isExported, walk } from "./source-tree.ts";
import type { Breach, Export, SourceFile } from "./source-tree.ts";

export function checkDeadFiles(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const imported of files.get(path)?.imports ?? []) {
      if (imported.path !== undefined) visit(imported.path);
    }
  };
  for (const path of files.keys()) {
    if (ENTRY_POINTS.some((pattern) => pattern.test(path))) visit(path);
  }
  return [...files.keys()]
    .filter((path) => !reached.has(path) && !path.endsWith(".test.ts"))
    .map((path) => ({ path, line: 1, message: "dead file: no entry point reaches it" }));
}

export function checkDeadExports(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const taken = takenExports(files);
  const breaches: Breach[] = [];
  for (const file of files.values()) {
    for (const exported of file.exports) {
      if (taken.has(`${file.path}#${exported.name}`)) continue;
      if (exported.typeOnly && namedByAnExport(file, exported)) continue;
      const message = `dead export: ${exported.name} is used by nobody`;
      breaches.push({ path: file.path, line: exported.line, message });
    }
  }
  return breaches;
}

/** `path#name` of each export that some other file takes, followed through index files. */
function takenExports(files: ReadonlyMap<string, SourceFile>): ReadonlySet<string> {
  const taken = new Set<string>();
  const take = (path: string, name: string): void => {
    const file = files.get(path);
    if (file === undefined || taken.has(`${path}#${name}`)) return;
    taken.add(`${path}#${name}`);
    if (name === "*") for (const exported of file.exports) take(path, exported.name);
    for (const passed of file.imports) {
      if (!passed.reexport || passed.path === undefined) continue;
      if (passed.names.includes("*") || passed.names.includes(name) || name === "*")
        take(passed.path, name);
    }
  };
  for (const path of [...PUBLIC_FILES, ...USED_BY_GENERATED]) take(path, "*");
  for (const file of files.values()) {
    for (const imported of file.imports) {
      if (imported.path === undefined || imported.reexport) continue;
      for (const name of imported.names) take(imported.path, name);
    }
  }
  return taken;
}

/** A type that an exported signature of the same file names: callers need it even if they infer it. */
function namedByAnExport(file: SourceFile, exported: Export): boolean {
  let named = false;
  for (const statement of file.ast.statements) {
    if (!isExported(statement)) continue;
    const declaresIt =
      (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) &&
      statement.name.text === exported.name;
    if (declaresIt) continue;
    walk(statement, (node) => {
      if (ts.isIdentifier(node) && node.text === exported.name) named = true;
    });
  }
  return named;
}
