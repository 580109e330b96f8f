// Where option values come from: flags as Go's flag package reads them, environment variables, a YAML file.
// Collects text and its origin; what the text means is the schema's affair. Reports every mistake it meets.
import { parseDocument } from "yaml";
import {
  FEATURE_GATES,
  NESTED_YAML_KEYS,
  foreignOption,
  isOfOtherProgram,
  isServiceLink,
} from "./config-foreign.ts";
import type { ConfigIssue } from "./config-issue.ts";
import { OPTIONS, environmentName } from "./config-schema.ts";
import { nearestName } from "./suggestion.ts";

/** Values given, by flag, with the words that say where each was given. */
export type GivenValues = Map<string, { readonly text: string; readonly origin: string }>;

export interface Source {
  readonly values: GivenValues;
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly string[];
}

export const CONFIG_FILE_FLAG = "config-file";
const FEATURE_GATES_FLAG = "feature-gates";

const flags: ReadonlySet<string> = new Set([
  ...OPTIONS.map((option) => option.flag),
  CONFIG_FILE_FLAG,
]);
const booleanFlags: ReadonlySet<string> = new Set([
  ...OPTIONS.filter((option) => option.isToggle === true).map((option) => option.flag),
  ...["pre-vote", "strict-reconfig-check"],
]);

class Collector implements Source {
  readonly values: GivenValues = new Map();
  readonly issues: ConfigIssue[] = [];
  readonly warnings: string[] = [];

  take(named: string, text: string, origin: string): void {
    const flag = plainName(named);
    if (flags.has(flag)) {
      this.values.set(flag, { text, origin });
      return;
    }
    const foreign = foreignOption(flag);
    if (flag === FEATURE_GATES_FLAG) this.#takeGates(text, origin);
    else if (foreign === undefined) {
      this.issues.push({ option: origin, given: text, problem: unknown("option", flag, flags) });
    } else if (!foreign.accepts.includes(text)) {
      if (foreign.warns) this.warnings.push(`${origin} is ignored: ${foreign.reason}`);
      else this.issues.push({ option: origin, given: text, problem: refused(foreign) });
    }
  }

  /** NAME=true,... */
  #takeGates(text: string, origin: string): void {
    for (const gate of text.split(",").map((part) => part.trim())) {
      if (gate === "") continue;
      const [name = "", value = "", ...rest] = gate.split("=");
      const known = FEATURE_GATES.has(name) && (value === "true" || value === "false");
      const flag = FEATURE_GATES.get(name);
      if (!known || rest.length > 0) {
        const problem = `expected NAME=true or NAME=false of ${[...FEATURE_GATES.keys()].join(", ")}`;
        this.issues.push({ option: origin, given: gate, problem });
      } else if (flag !== undefined) this.values.set(flag, { text: value, origin });
      else if (value === "true") {
        this.warnings.push(`${origin}: ${name} is ignored: it gates nothing here`);
      }
    }
  }
}

/** Several of etcd's options had a name of their own while they were experiments: the same option. */
function plainName(flag: string): string {
  if (flags.has(flag) || foreignOption(flag) !== undefined) return flag;
  const plain = flag.replace(/^experimental-/, "");
  return flags.has(plain) || foreignOption(plain) !== undefined ? plain : flag;
}

function refused(foreign: {
  readonly reason: string;
  readonly accepts: readonly string[];
}): string {
  const accepted = foreign.accepts.map((value) => (value === "" ? "empty" : value));
  const only = accepted.length === 0 ? "" : `; only ${accepted.join(" or ")} is accepted`;
  return `${foreign.reason}${only}`;
}

function unknown(what: string, name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `unknown ${what}` : `unknown ${what}; did you mean ${nearest}?`;
}

/** `--flag value`, `--flag=value`, one dash or two, `--flag` alone for true; the last one counts. */
export function readFlags(argv: readonly string[]): Source {
  const source = new Collector();
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? "";
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(argument);
    if (match === null) {
      source.issues.push({ option: argument, problem: "not a flag; expected --NAME=VALUE" });
      continue;
    }
    const [, flag = "", inline] = match;
    const next = argv[at + 1];
    if (inline !== undefined) {
      source.take(flag, inline, `--${flag}`);
    } else if (isBoolean(flag) && next !== "true" && next !== "false") {
      source.take(flag, "true", `--${flag}`);
    } else if (next !== undefined && !(isUnknown(flag) && next.startsWith("-"))) {
      at += 1;
      source.take(flag, next, `--${flag}`);
    } else if (isUnknown(flag)) {
      source.take(flag, "", `--${flag}`);
    } else {
      source.issues.push({ option: `--${flag}`, problem: "expected a value" });
    }
  }
  return source;
}

function isUnknown(named: string): boolean {
  const flag = plainName(named);
  return !flags.has(flag) && foreignOption(flag) === undefined && flag !== FEATURE_GATES_FLAG;
}

function isBoolean(named: string): boolean {
  const flag = plainName(named);
  const foreign = foreignOption(flag);
  return (
    booleanFlags.has(flag) ||
    foreign?.accepts.some((value) => /^(true|false)$/.test(value)) === true
  );
}

/** `HANSA_X` before `ETCD_X`; an empty variable counts as absent, as in etcd. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Source {
  const source = new Collector();
  const names = Object.keys(env).sort();
  for (const prefix of ["ETCD_", "HANSA_"] as const) {
    for (const variable of names) {
      const text = env[variable];
      if (!variable.startsWith(prefix) || text === undefined || text === "") continue;
      if (isOfOtherProgram(variable)) continue;
      const flag = variable.slice(prefix.length).toLowerCase().replaceAll("_", "-");
      if (!isUnknown(flag)) {
        source.take(flag, text, variable);
      } else if (prefix === "ETCD_" || isServiceLink(variable)) {
        source.warnings.push(`unrecognized environment variable ${variable} is ignored`);
      } else {
        const known = [...flags].map((name) => environmentName(prefix, name));
        source.issues.push({
          option: variable,
          given: text,
          problem: unknown("variable", variable, known),
        });
      }
    }
  }
  return source;
}

/** A flat map of flag names to scalars or lists of scalars. */
export function readYaml(yaml: string, fileName: string): Source {
  const source = new Collector();
  const document = parseDocument(yaml, { uniqueKeys: true });
  for (const error of document.errors) {
    source.issues.push({
      option: fileName,
      problem: error.message.split("\n")[0] ?? error.message,
    });
  }
  if (source.issues.length > 0) return source;
  const content: unknown = document.toJS({ mapAsMap: true });
  if (content === null) return source;
  if (!(content instanceof Map)) {
    source.issues.push({ option: fileName, problem: "expected a map of option names to values" });
    return source;
  }
  for (const [key, value] of content as ReadonlyMap<unknown, unknown>) {
    takeYaml(source, String(key), value, fileName);
  }
  return source;
}

function takeYaml(source: Collector, key: string, value: unknown, fileName: string): void {
  const origin = `${key} in ${fileName}`;
  const nested = NESTED_YAML_KEYS.get(key);
  const text = yamlText(value);
  if (nested !== undefined) {
    takeNestedYaml(source, nested, value, origin);
  } else if (key === CONFIG_FILE_FLAG) {
    source.issues.push({ option: origin, problem: "a configuration file cannot name another" });
  } else if (isUnknown(key)) {
    source.issues.push({ option: origin, problem: unknown("key", key, flags) });
  } else if (text === undefined) {
    source.issues.push({ option: origin, problem: "expected a scalar or a list of scalars" });
  } else {
    source.take(key, text, origin);
  }
}

function takeNestedYaml(
  source: Collector,
  keys: ReadonlyMap<string, string>,
  value: unknown,
  origin: string,
): void {
  if (value === null) return;
  if (!(value instanceof Map)) {
    source.issues.push({
      option: origin,
      problem: `expected a map of ${[...keys.keys()].join(", ")}`,
    });
    return;
  }
  for (const [key, inner] of value as ReadonlyMap<unknown, unknown>) {
    const flag = keys.get(String(key));
    const text = yamlText(inner);
    const where = `${String(key)} of ${origin}`;
    if (flag === undefined) {
      source.issues.push({ option: where, problem: unknown("key", String(key), keys.keys()) });
    } else if (text === undefined) {
      source.issues.push({ option: where, problem: "expected a scalar or a list of scalars" });
    } else source.take(flag, text, where);
  }
}

function yamlText(value: unknown): string | undefined {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (!Array.isArray(value)) return undefined;
  const items = value.map((item) => (Array.isArray(item) ? undefined : yamlText(item)));
  return items.includes(undefined) ? undefined : items.join(",");
}
