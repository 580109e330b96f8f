// Makes a checkout runnable: installs packages, generates the codec, compiles TypeScript to dist/.
// Does only what is missing or stale, says what it does, and is silent and quick when nothing is.
// Runs before anything is installed, so it imports nothing outside Node until it has.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { hasStar, withNamedExports, withSettledExports } from "./settled-exports.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const flags = new Set(process.argv.slice(2));
const sourceFolders = [
  "base",
  "consensus",
  "raft",
  "paxos",
  "store",
  "federation",
  "rpc",
  "server",
  "client",
  "cli",
  "proto",
  "test",
  "examples",
];

function say(line) {
  if (!flags.has("--quiet")) console.log(`hansa: ${line}`);
}

function fail(line) {
  console.error(`hansa: ${line}`);
  process.exit(1);
}

function run(command, args) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  } catch {
    fail(`\`${[command, ...args].join(" ")}\` failed; its output is above`);
  }
}

function modifiedAtMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function filesUnder(folder, ending) {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

function installPackages() {
  const lock = join(root, "package-lock.json");
  const marker = join(root, "node_modules", ".hansa-installed");
  const wanted = readFileSync(lock, "utf8");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  say("installing npm packages (npm ci) ...");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(marker, wanted);
}

/** Replaces every match, and fails when there is none: a newer generator writes something else. */
function rewrite(text, pattern, replacement) {
  if (!pattern.test(text))
    fail(
      `the generated codec has nothing like ${pattern}; see generateCodec in deploy/prepare.mjs`,
    );
  return text.replaceAll(pattern, replacement);
}

/**
 * proto/*.proto -> proto/generated/codec.{js,d.ts}: one protobufjs static module that runs on
 * proto/wire.ts, so that 64-bit integers are numbers or bigints and never Long objects; and schema.{js,d.ts}:
 * what the messages are made of, for those who write them in another notation.
 */
function generateCodec() {
  const protos = filesUnder("proto", ".proto").sort();
  if (protos.length === 0) return;
  const folder = join(root, "proto", "generated");
  const codec = join(folder, "codec.js");
  const types = join(folder, "codec.d.ts");
  const schema = join(folder, "schema.js");
  const stale =
    !existsSync(schema) ||
    protos.some((path) => modifiedAtMs(path) > modifiedAtMs(types)) ||
    modifiedAtMs(fileURLToPath(import.meta.url)) > modifiedAtMs(types);
  if (!stale) return;
  say("generating the protobuf codec ...");
  mkdirSync(folder, { recursive: true });
  const bin = join(root, "node_modules", ".bin");
  const draft = join(folder, `draft-${process.pid}.js`);
  const draftTypes = draft.replace(/\.js$/, ".d.ts");
  const options = [
    "--no-create",
    "--no-verify",
    "--no-convert",
    "--no-delimited",
    "--no-typeurl",
    "--no-service",
  ];
  run(join(bin, "pbjs"), [
    "--target",
    "static-module",
    "--wrap",
    "commonjs",
    "--dependency",
    "../wire",
    "--keep-case",
    ...options,
    "--path",
    join(root, "proto"),
    "--dts",
    "--out",
    draft,
    ...protos,
  ]);
  let code = readFileSync(draft, "utf8").replaceAll(/\n\s*\/\*\*[^]*?\*\//g, "");
  code = rewrite(code, /\$util\.Long \? \$util\.Long\.fromBits\(0,0,(?:true|false)\) : 0/g, "0");
  code = rewrite(
    code,
    /typeof message\.(\w+) === "object" \? message\.\1\.low \|\| message\.\1\.high : message\.\1 !== 0/g,
    "message.$1 != 0",
  );
  code = rewrite(
    code,
    /typeof \(value = (reader\.\w+\(\))\) === "object" \? value\.low \|\| value\.high : value !== 0/g,
    "(value = $1) !== 0",
  );
  let declarations = rewrite(readFileSync(draftTypes, "utf8"), /\n\s*\/\*\*[^]*?\*\//g, "");
  declarations = rewrite(declarations, /import Long = require\("long"\);\n/g, "");
  declarations = rewrite(declarations, /from "\.\.\/wire"/g, 'from "../wire.ts"');
  declarations = rewrite(declarations, /number\|Long/g, "$protobuf.Int64");
  rmSync(draft);
  rmSync(draftTypes);
  const paths = ["--keep-case", "--path", join(root, "proto"), "--out", draft];
  run(join(bin, "pbjs"), ["--target", "json", ...paths, ...protos]);
  writeFileSync(schema, `exports.schema = ${readFileSync(draft, "utf8")};\n`);
  rmSync(draft);
  const schemaType =
    'import type { INamespace } from "protobufjs";\nexport const schema: INamespace;\n';
  writeFileSync(schema.replace(/\.js$/, ".d.ts"), schemaType);
  writeFileSync(codec, code);
  writeFileSync(types, declarations);
}

function compile() {
  const require = createRequire(join(root, "package.json"));
  // The stamp holds the recipe: files that another recipe compiled are stale, whatever their times.
  const stamp = join(root, "dist", ".stamp");
  const recipe = ["prepare.mjs", "settled-exports.mjs"]
    .map((name) => readFileSync(join(root, "deploy", name), "utf8"))
    .join("\n");
  const cooked = existsSync(stamp) && readFileSync(stamp, "utf8") === recipe;
  const builtAtMs = cooked ? modifiedAtMs(stamp) : 0;
  const wanted = new Set();
  const stale = [];
  const fresh = [];
  for (const source of sourceFolders.flatMap((folder) => filesUnder(folder, ".ts"))) {
    if (source.endsWith(".d.ts") || /\.(?:test|long)\.ts$/.test(source)) continue;
    const output = join(root, "dist", relative(root, source).replace(/\.ts$/, ".js"));
    wanted.add(output);
    const isStale = modifiedAtMs(source) > Math.min(modifiedAtMs(output), builtAtMs);
    (isStale ? stale : fresh).push({ source, output });
  }
  for (const name of ["codec.js", "codec.d.ts", "schema.js", "schema.d.ts"]) {
    const codec = join(root, "proto", "generated", name);
    const copy = join(root, "dist", "proto", "generated", name);
    if (!existsSync(codec)) continue;
    wanted.add(copy);
    if (modifiedAtMs(codec) <= modifiedAtMs(copy)) continue;
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, readFileSync(codec));
  }
  for (const output of filesUnder("dist", ".js")) {
    if (!wanted.has(output)) {
      rmSync(output, { force: true });
      rmSync(`${output}.map`, { force: true });
    }
  }
  if (stale.length === 0) return;
  say(`compiling ${stale.length} files ...`);
  const { transformSync } = require("@swc/core");
  // Those with stars too: another file may have other names now.
  const affected = fresh.filter(({ source }) => hasStar(source));
  for (const { source, output } of [...stale, ...affected]) {
    const { code: compiled, map } = transformSync(withNamedExports(source), {
      filename: source,
      sourceMaps: true,
      sourceFileName: relative(dirname(output), source),
      jsc: {
        parser: { syntax: "typescript" },
        target: "es2022",
        rewriteRelativeImportExtensions: true,
      },
      // The annotation names the exports for those who import the package from an ES module.
      module: { type: "commonjs", exportInteropAnnotation: true },
      swcrc: false,
    });
    const code = withSettledExports(compiled);
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, `${code}//# sourceMappingURL=${relative(dirname(output), output)}.map\n`);
    // A command: swc keeps its first line, and npm links the file by name.
    if (code.startsWith("#!")) chmodSync(output, 0o755);
    writeFileSync(`${output}.map`, map);
  }
  writeFileSync(stamp, recipe);
}

/** As cli/node-version.ts, by package.json alone. */
function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const numbersIn = (text) => /\d+\.\d+\.\d+/.exec(text)[0].split(".").map(Number);
  const [major, minor] = numbersIn(process.versions.node);
  const isGood = engines.node.split(" || ").some((part) => {
    const [leastMajor, leastMinor] = numbersIn(part);
    if (major !== leastMajor) return major > leastMajor && part.startsWith(">=");
    return minor >= leastMinor;
  });
  if (!isGood) fail(`Node ${engines.node} is needed; this is ${process.versions.node}`);
}

/** So that `npx hansa` runs this checkout: npx would link it by itself, and keeps a link that it made before a build. */
function linkCommand() {
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const folder = join(root, "node_modules", ".bin");
  for (const [name, path] of Object.entries(bin)) {
    const link = join(folder, name);
    if (!existsSync(link)) {
      rmSync(link, { force: true });
      symlinkSync(relative(folder, join(root, path)), link);
    }
  }
}

function declare() {
  say("writing type declarations ...");
  run(join(root, "node_modules", ".bin", "tsc"), [
    "-p",
    join(root, "deploy", "tsconfig.declarations.json"),
  ]);
}

checkNode();
installPackages();
generateCodec();
compile();
linkCommand();
if (flags.has("--declarations")) declare();
