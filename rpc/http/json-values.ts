// JSON objects one after another, as a body brings them in chunks cut anywhere: each is handed on when it is whole.
// What a string holds is passed over, not looked at; the parser judges it later.
import { invalid } from "../decode.ts";
import { JSON_DEPTH_MAX } from "./json-text.ts";

export interface JsonValuesOptions {
  /** Counts bytes of an object that is not whole; false: too many. */
  readonly hold: (bytes: number) => boolean;
  readonly release: (bytes: number) => void;
  /** Of one object. */
  readonly bytesMax: number;
  readonly onValue: (text: string) => void;
  /** The rest of the chunk is dropped. */
  readonly onTooMuch: (fault: "too-large" | "too-much-held", bytes: number) => void;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([..."{["].map((character) => character.charCodeAt(0)));
const CLOSING: ReadonlySet<number> = new Set([..."}]"].map((character) => character.charCodeAt(0)));
const BLANK: ReadonlySet<number> = new Set([..." \t\r\n"].map((blank) => blank.charCodeAt(0)));

export class JsonValues {
  readonly #options: JsonValuesOptions;
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(options: JsonValuesOptions) {
    this.#options = options;
  }

  /** Only a part of an object has come. */
  get midway(): boolean {
    return this.#depth > 0;
  }

  /** @throws {KvError} invalid-argument on what begins no object. */
  push(chunk: Buffer): void {
    let begin = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#inString) {
        at = this.#passString(chunk, at);
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (this.#depth === 0) {
        begin = at;
        if (!BLANK.has(byte)) this.#begin(byte);
      } else if (byte === QUOTE) this.#inString = true;
      else if (OPENING.has(byte)) this.#deepen();
      else if (CLOSING.has(byte)) this.#depth -= 1;
      at += 1;
      if (CLOSING.has(byte) && this.#depth === 0) {
        if (!this.#keep(chunk.subarray(begin, at))) return;
        this.#handOn();
      }
    }
    if (this.#depth > 0) this.#keep(Buffer.from(chunk.subarray(begin)));
  }

  /** Forgets what has come in part. */
  close(): void {
    this.#options.release(this.#heldBytes);
    this.#heldBytes = 0;
    this.#parts = [];
    this.#depth = 0;
    this.#inString = false;
  }

  #begin(byte: number): void {
    if (byte !== 0x7b) {
      throw invalid(`JSON: ${JSON.stringify(String.fromCharCode(byte))} begins no object`);
    }
    this.#depth = 1;
  }

  #deepen(): void {
    this.#depth += 1;
    if (this.#depth > JSON_DEPTH_MAX) throw invalid(`JSON: deeper than ${JSON_DEPTH_MAX} levels`);
  }

  /** @returns where the string ends, or the chunk. */
  #passString(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      at += 1;
    }
    for (;;) {
      const quote = chunk.indexOf(QUOTE, at);
      const end = quote < 0 ? chunk.length : quote;
      const slash = chunk.subarray(at, end).indexOf(BACKSLASH);
      if (slash < 0) {
        this.#inString = quote < 0;
        return quote < 0 ? end : end + 1;
      }
      at += slash + 2;
      if (at > chunk.length) {
        this.#escaped = true;
        return chunk.length;
      }
    }
  }

  #keep(part: Buffer): boolean {
    const { hold, bytesMax, onTooMuch } = this.#options;
    const bytes = this.#heldBytes + part.length;
    const isTooLarge = bytes > bytesMax;
    if (isTooLarge || !hold(part.length)) {
      this.close();
      onTooMuch(isTooLarge ? "too-large" : "too-much-held", bytes);
      return false;
    }
    this.#heldBytes = bytes;
    this.#parts.push(part);
    return true;
  }

  #handOn(): void {
    const text = Buffer.concat(this.#parts).toString();
    this.close();
    this.#options.onValue(text);
  }
}
