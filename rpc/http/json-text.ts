// JSON (RFC 8259) as text into values that lose nothing: a number keeps its digits, for identities of 64 bits come
// as numbers too and JSON.parse would round them; an object knows a name that is given twice.
import { invalid } from "../decode.ts";

/** A number as it is written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

/** Of values in values. A transaction in a transaction is three levels. */
export const JSON_DEPTH_MAX = 400;

const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** What makes a string more than its characters: an escape, or what must be one. */
const ESCAPED = /[\\\u0000-\u001f]/;
const WORDS: Readonly<Record<string, Json>> = { null: null, true: true, false: false };
const SHOWN_CHARACTERS_MAX = 20;

/**
 * The one value that `text` holds.
 *
 * @throws {KvError} invalid-argument, naming the place, if it holds none, or more.
 */
export function parseJson(text: string): Json {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#unexpected("the end");
  }

  value(depth: number): Json {
    this.#blanks();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(this.#deeper(depth));
      case "[":
        return this.#array(this.#deeper(depth));
      case '"':
        return this.#string();
      case "n":
        return this.#word("null");
      case "t":
        return this.#word("true");
      case "f":
        return this.#word("false");
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    this.#at += 1;
    if (this.#taken("}")) return members;
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] !== '"') throw this.#unexpected("a name in quotes");
      const name = this.#string();
      if (members.has(name)) throw invalid(`JSON: ${shown(name)} is given twice in one object`);
      if (!this.#taken(":")) throw this.#unexpected('":"');
      members.set(name, this.value(depth));
      if (this.#taken("}")) return members;
      if (!this.#taken(",")) throw this.#unexpected('"," or "}"');
    }
  }

  #array(depth: number): readonly Json[] {
    const elements: Json[] = [];
    this.#at += 1;
    if (this.#taken("]")) return elements;
    for (;;) {
      elements.push(this.value(depth));
      if (this.#taken("]")) return elements;
      if (!this.#taken(",")) throw this.#unexpected('"," or "]"');
    }
  }

  /** Values are mostly one long string: its end is looked for, its characters are not looked at one by one. */
  #string(): string {
    const begin = this.#at + 1;
    const end = this.#closingQuote(begin);
    const inner = this.#text.slice(begin, end);
    this.#at = end + 1;
    if (!ESCAPED.test(inner)) return inner;
    try {
      return JSON.parse(`"${inner}"`) as string;
    } catch {
      throw invalid(`JSON: the string ${shown(inner)} holds a character or escape that may not be`);
    }
  }

  #closingQuote(begin: number): number {
    let from = begin;
    for (;;) {
      const quote = this.#text.indexOf('"', from);
      if (quote < 0) throw invalid("JSON: a string has no end");
      let slashes = quote;
      while (slashes > from && this.#text[slashes - 1] === "\\") slashes -= 1;
      if ((quote - slashes) % 2 === 0) return quote;
      from = quote + 1;
    }
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) throw this.#unexpected("a value");
    this.#at += text.length;
    return new JsonNumber(text);
  }

  #word(word: "null" | "true" | "false"): Json {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected("a value");
    this.#at += word.length;
    return WORDS[word] ?? null;
  }

  #blanks(): void {
    BLANKS.lastIndex = this.#at;
    BLANKS.test(this.#text);
    this.#at = BLANKS.lastIndex;
  }

  /** After blanks. */
  #taken(character: string): boolean {
    this.#blanks();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #deeper(depth: number): number {
    if (depth >= JSON_DEPTH_MAX) throw invalid(`JSON: deeper than ${JSON_DEPTH_MAX} levels`);
    return depth + 1;
  }

  #unexpected(expected: string): Error {
    const found = this.#at >= this.#text.length ? "the end" : shown(this.#text.slice(this.#at));
    return invalid(`JSON: ${found} at character ${this.#at}; expected ${expected}`);
  }
}

/** The beginning of it, in quotes. */
export function shown(text: string): string {
  const cut = text.length > SHOWN_CHARACTERS_MAX;
  return JSON.stringify(cut ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text);
}
