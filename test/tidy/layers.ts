// Who imports whom: layers, one index a folder, the packages a folder may use, and no cycles.
import { LAYERS, PACKAGES, STORE_FILES_THAT_KNOW_CONSENSUS } from "./rules.ts";
import { folderOf, isTest } from "./source-tree.ts";
import type { Breach, Import, SourceFile } from "./source-tree.ts";

/** Imports go one way, and across folders to index.ts alone; tests may look inside. */
export function checkLayers(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const breaches: Breach[] = [];
  for (const file of files.values()) {
    if (file.path.startsWith("test/")) continue;
    const folder = folderOf(file.path);
    const allowed = LAYERS[folder];
    if (allowed === undefined) {
      breaches.push({
        path: file.path,
        line: 1,
        message: `folder "${folder}" has no place in LAYERS`,
      });
      continue;
    }
    for (const imported of file.imports) {
      const message = layerBreach(file, imported, folder, allowed);
      if (message !== undefined) breaches.push({ path: file.path, line: imported.line, message });
    }
  }
  return breaches;
}

function layerBreach(
  file: SourceFile,
  imported: Import,
  folder: string,
  allowed: readonly string[],
): string | undefined {
  const { path } = imported;
  if (path === undefined) return undefined;
  const target = folderOf(path);
  if (target === "test" && !isTest(file.path)) return `production code imports ${path}`;
  if (isTest(file.path)) return undefined;
  if (target === folder) {
    return path === `${folder}/index.ts` ? "a folder does not import its own index.ts" : undefined;
  }
  if (!allowed.includes(target)) return `${folder}/ may not import ${target}/`;
  const isGenerated = path.startsWith("proto/generated/");
  if (path !== `${target}/index.ts` && !isGenerated)
    return `across folders import ${target}/index.ts, not ${path}`;
  if (folder === "store" && target === "consensus") {
    const mayKnow = STORE_FILES_THAT_KNOW_CONSENSUS.some((pattern) => pattern.test(file.path));
    if (!mayKnow)
      return "of store/, only the log files, the machine and the snapshot stream know consensus/";
    if (!imported.typeOnly && imported.names.some((name) => !STORE_MAY_CALL.has(name))) {
      return "the store takes types of consensus/, not its behaviour";
    }
  }
  return undefined;
}

/** Values of consensus/entry.ts that a log needs to compare positions. */
const STORE_MAY_CALL: ReadonlySet<string> = new Set(["EPOCH_ZERO", "compareEpochs", "sameEpoch"]);

/** Every imported package is declared, allowed in its folder, and every declared one is used. */
export function checkPackages(
  files: ReadonlyMap<string, SourceFile>,
  declared: {
    readonly dependencies: readonly string[];
    readonly devDependencies: readonly string[];
  },
): Breach[] {
  const breaches: Breach[] = [];
  const used = new Set<string>();
  for (const file of files.values()) {
    for (const { from, path, line } of file.imports) {
      if (path !== undefined || from.startsWith("node:")) continue;
      const name = packageName(from);
      used.add(name);
      const test = isTest(file.path);
      const known =
        declared.dependencies.includes(name) || (test && declared.devDependencies.includes(name));
      if (!known) {
        breaches.push({
          path: file.path,
          line,
          message: `package ${name} is not declared for this code`,
        });
      } else if (!test && !allowedPackage(file.path, name)) {
        breaches.push({
          path: file.path,
          line,
          message: `${folderOf(file.path)}/ may not use package ${name}`,
        });
      }
    }
  }
  for (const name of declared.dependencies) {
    if (!used.has(name))
      breaches.push({
        path: "package.json",
        line: 1,
        message: `dependency ${name} is used nowhere`,
      });
  }
  return breaches;
}

function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function allowedPackage(path: string, name: string): boolean {
  const rule = (PACKAGES[folderOf(path)] ?? []).find((candidate) => candidate.name === name);
  return rule !== undefined && (rule.file === undefined || rule.file === path);
}

/** A cycle of files, type imports included: each file can be read after what it imports. */
export function checkCycles(files: ReadonlyMap<string, SourceFile>): Breach[] {
  const breaches: Breach[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      breaches.push({
        path,
        line: 1,
        message: `cycle: ${[...trail.slice(at), path].join(" -> ")}`,
      });
      return;
    }
    if (done.has(path)) return;
    for (const imported of files.get(path)?.imports ?? []) {
      if (imported.path !== undefined) visit(imported.path, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
  return breaches;
}
