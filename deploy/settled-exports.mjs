// What a compiled module exports, as plain values. By itself swc writes a getter for each name, and for `export *` one
// that looks the name up in another module's getters: every call from folder to folder then costs 90 ns where a plain
// property costs 3, and an idle member, whose code is never optimized, runs little else.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const STAR = /^export \* from "(\.[^"]+)";$/gm;
const VALUE = /^export (?:abstract |async )?(?:class|function\*?|const|enum) (\w+)/gm;
const LIST = /^export \{([^}]*)\} from "/gm;
/** Of a name that may change, or that is not at the beginning of its line: there are none. */
const OTHER = /^export (?:let|var|default|=|const [[{]|\{[^}]*\};)/m;

/** The names of the values that the source exports; types are none. @throws {Error} at what it does not know. */
function valuesOf(path) {
  const text = readFileSync(path, "utf8");
  const other = OTHER.exec(text);
  if (other !== null) throw new Error(`${path}: "${other[0]}" is not among the exports known here`);
  const names = new Set([...text.matchAll(VALUE)].map(([, name]) => name));
  for (const [, list] of text.matchAll(LIST)) {
    for (const each of list.split(",").map((item) => item.trim())) {
      if (each !== "" && !each.startsWith("type ")) names.add(each.split(" as ").pop());
    }
  }
  for (const [, from] of text.matchAll(STAR)) {
    for (const name of valuesOf(join(dirname(path), from))) names.add(name);
  }
  return names;
}

/** The source, with each `export *` as a list of names. */
export function withNamedExports(path) {
  return readFileSync(path, "utf8").replace(STAR, (_, from) => {
    const names = [...valuesOf(join(dirname(path), from))];
    return names.length === 0 ? "" : `export { ${names.join(", ")} } from "${from}";`;
  });
}

/** Whether what is compiled of the source depends on the exports of others. */
export function hasStar(path) {
  return readFileSync(path, "utf8").match(STAR) !== null;
}

const GETTERS = /^_export\(exports, \{\n([^]*?)^\}\);/m;
const GETTER = /^ +get (\w+) \(\) \{\n +return ([\w$.]+);\n +\},?$/gm;
const LONE =
  /^Object\.defineProperty\(exports, "(\w+)", \{\n +enumerable: true,\n +get: function\(\) \{\n +return ([\w$.]+);$/m;

/**
 * What swc compiled, ending with its exports as values. Modules that are in the midst of loading one another, and look
 * before that, go on with the getters. The name in quotes keeps Node's look for names at the list that swc made.
 */
export function withSettledExports(code) {
  const [, getters = ""] = GETTERS.exec(code) ?? [];
  const found = [...getters.matchAll(GETTER)];
  const lone = LONE.exec(code);
  if (lone !== null) found.push(lone);
  if (found.length !== (getters.match(/^ +get /gm) ?? []).length + (lone === null ? 0 : 1)) {
    throw new Error(`swc writes exports otherwise than it did: ${getters}`);
  }
  if (found.length === 0) return code;
  const values = found.map(([, name, value]) => `${name}: ${value}`).join(", ");
  return `${code}module["exports"] = Object.defineProperty({ ${values} }, "__esModule", { value: true });\n`;
}
