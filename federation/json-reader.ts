// Reads parsed JSON field by field, strictly: a field that is missing, of another type, out of bounds or unknown is
// a ConfigError that names its place. A document is small and comes from peers, so nothing is passed over.
import { ConfigError } from "./config-error.ts";

export class JsonReader {
  private readonly fields: ReadonlyMap<string, unknown>;
  private readonly path: string;
  private readonly read = new Set<string>();

  /** @throws {ConfigError} unless `value` is an object. */
  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw fault(path, "must be an object");
    }
    this.fields = new Map(Object.entries(value));
    this.path = path;
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  text(name: string, lengthMax: number): string {
    return textOf(this.take(name), this.at(name), lengthMax);
  }

  flag(name: string): boolean {
    const value = this.take(name);
    if (typeof value !== "boolean") throw fault(this.at(name), "must be true or false");
    return value;
  }

  integer(name: string, min: number, max: number): number {
    return integerOf(this.take(name), this.at(name), min, max);
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const value = this.take(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw fault(this.at(name), `must be one of ${choices.join(", ")}`);
    return found;
  }

  list<Item>(
    name: string,
    lengthMax: number,
    item: (value: unknown, path: string) => Item,
  ): readonly Item[] {
    return listOf(this.take(name), this.at(name), lengthMax, item);
  }

  object<Result>(name: string, decode: (reader: JsonReader) => Result): Result {
    return objectOf(this.take(name), this.at(name), decode);
  }

  /** @throws {ConfigError} if a field was not asked for. */
  end(): void {
    for (const name of this.fields.keys()) {
      if (!this.read.has(name)) throw fault(this.at(name), "is not a field of this format");
    }
  }

  private take(name: string): unknown {
    this.read.add(name);
    const value = this.fields.get(name);
    if (value === undefined) throw fault(this.at(name), "is missing");
    return value;
  }

  private at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

/** An object whose every field `decode` has read. */
export function objectOf<Result>(
  value: unknown,
  path: string,
  decode: (reader: JsonReader) => Result,
): Result {
  const reader = new JsonReader(value, path);
  const result = decode(reader);
  reader.end();
  return result;
}

export function textOf(value: unknown, path: string, lengthMax: number): string {
  if (typeof value !== "string") throw fault(path, "must be text");
  if (value.length > lengthMax) {
    throw fault(path, `has ${value.length} characters, more than ${lengthMax}`);
  }
  return value;
}

export function integerOf(value: unknown, path: string, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    throw fault(path, `must be an integer from ${min} to ${max}`);
  }
  return value;
}

export function listOf<Item>(
  value: unknown,
  path: string,
  lengthMax: number,
  item: (value: unknown, path: string) => Item,
): readonly Item[] {
  if (!Array.isArray(value)) throw fault(path, "must be a list");
  if (value.length > lengthMax) {
    throw fault(path, `has ${value.length} entries, more than ${lengthMax}`);
  }
  return value.map((entry: unknown, at) => item(entry, `${path}[${at}]`));
}

export function fault(path: string, rule: string): ConfigError {
  return new ConfigError([{ path, rule }]);
}
