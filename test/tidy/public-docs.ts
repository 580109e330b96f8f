// What a package's users read in their editor: every export of its index has a doc comment, and so has every
// public member of a class; whatever can throw or reject says with what.
import ts from "typescript";
import { lineOf } from "./source-tree.ts";
import type { Breach, SourceFile } from "./source-tree.ts";

/** `index`: the path of the index whose exports are judged. */
export function checkPublicDocs(files: ReadonlyMap<string, SourceFile>, index: string): Breach[] {
  const breaches: Breach[] = [];
  for (const { path, names } of files.get(index)?.imports ?? []) {
    const file = path === undefined ? undefined : files.get(path);
    if (file === undefined) continue;
    for (const name of names) breaches.push(...judge(file, name));
  }
  return breaches;
}

function judge({ path, ast }: SourceFile, name: string): Breach[] {
  const breaches: Breach[] = [];
  const tell = (node: ts.Node, message: string): void => {
    breaches.push({ path, line: lineOf(ast, node), message });
  };
  for (const statement of ast.statements) {
    if (!declares(statement, name)) continue;
    if (docOf(statement) === "") tell(statement, `${name} has no doc comment`);
    if (ts.isFunctionDeclaration(statement)) judgeThrows(statement, name, tell);
    if (!ts.isClassDeclaration(statement)) continue;
    for (const member of statement.members) {
      const title = `${name}.${titleOf(member)}`;
      if (!isPublic(member)) continue;
      if (docOf(member) === "") tell(member, `${title} has no doc comment`);
      else judgeThrows(member, title, tell);
    }
  }
  return breaches;
}

function declares(statement: ts.Statement, name: string): boolean {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.some((one) => one.name.getText() === name);
  }
  const isNamed =
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed && statement.name?.text === name;
}

function isPublic(member: ts.ClassElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return false;
  const flags = ts.getCombinedModifierFlags(member);
  if ((flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Override)) !== 0) return false;
  // What an interface of the language asks for is documented there.
  return !ts.isComputedPropertyName(member.name ?? member) && titleOf(member) !== "return";
}

function titleOf(member: ts.ClassElement): string {
  return ts.isConstructorDeclaration(member) ? "constructor" : (member.name?.getText() ?? "");
}

/** The doc comment just before it, or "". */
function docOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .map((doc) => doc.getText())
    .join("\n");
}

function judgeThrows(
  node: ts.Node,
  title: string,
  tell: (node: ts.Node, message: string) => void,
): void {
  const doc = docOf(node);
  if (/@throws|never[\s*]+rejects|Nothing is thrown/.test(doc)) return;
  if (!ts.isFunctionLike(node)) return;
  const type = node.type?.getText() ?? "";
  if (/^(?:Promise|AsyncGenerator|AsyncIterable)</.test(type)) {
    tell(node, `${title} can reject, and does not say with what: @throws, or "never rejects"`);
    return;
  }
  if ("body" in node && throwsItself(node.body))
    tell(node, `${title} throws, and does not say what: @throws`);
}

/** What a function within throws is thrown where that is called. */
function throwsItself(node: ts.Node | undefined): boolean {
  if (node === undefined || ts.isFunctionLike(node)) return false;
  if (ts.isThrowStatement(node)) return true;
  return ts.forEachChild(node, (inner) => throwsItself(inner) || undefined) === true;
}
