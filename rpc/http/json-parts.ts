// The JSON of a long answer in parts, so that neither making nor sending it holds up anybody else. Together they are
// the text of `jsonOfMessage`; where one ends says nothing.
import { Reader } from "../../proto/index.ts";
import type { MessageShape } from "../../proto/index.ts";
import { checkDepth, elementsText, fieldsById, valueText } from "./message-to-json.ts";
import type { KnownField } from "./message-to-json.ts";

/** Of a message as protobuf: one that is not longer is no work to be divided. */
export const PART_BYTES = 128 * 1024;

/** Passed over in about the time in which a part is made. */
const TAGS_A_STEP = 4_096;

/**
 * One step of the iterator is the work of about `partBytes`, but for a value that is longer by itself; an empty part
 * is work without a text yet.
 *
 * @throws {Error} as a step, if the bytes are no such message.
 */
export function* jsonParts(
  shape: MessageShape,
  bytes: Uint8Array,
  partBytes = PART_BYTES,
): Generator<string, void> {
  let part = "";
  for (const piece of new Pieces(bytes, partBytes).message(shape, 0)) {
    part += piece;
    if (piece !== "" && part.length < partBytes) continue;
    yield part;
    part = "";
  }
  yield part;
}

/** An empty piece asks for a pause. */
class Pieces {
  readonly #reader: Reader;
  readonly #partBytes: number;

  constructor(bytes: Uint8Array, partBytes: number) {
    this.#reader = new Reader(bytes);
    this.#partBytes = partBytes;
  }

  /** From where the reader stands to its end. */
  *message(shape: MessageShape, depth: number): Generator<string, void> {
    checkDepth(depth);
    const reader = this.#reader;
    const places = yield* this.#places(shape);
    let comma = "";
    yield "{";
    for (const known of fieldsById(shape).values()) {
      const own = places[known.at];
      if (own === undefined) continue;
      const head = comma + known.head;
      if (known.field.repeated) {
        yield `${head}[`;
        yield* this.#elements(known, own, depth);
        yield "]";
      } else {
        // The last one counts.
        reader.pos = own.at(-1) ?? 0;
        reader.tag();
        if (this.#isLong(known)) yield* this.#nested(head, known, depth);
        else {
          const value = valueText(reader, known, depth);
          if (value === undefined) continue;
          yield head + value;
        }
      }
      comma = ",";
    }
    reader.pos = reader.len;
    yield "}";
  }

  /** Where the tags of each field stand: they come in any order, and the JSON has the .proto file's. */
  *#places(shape: MessageShape): Generator<string, readonly (readonly number[])[]> {
    const reader = this.#reader;
    const byId = fieldsById(shape);
    const places: number[][] = [];
    for (let count = 1; reader.pos < reader.len; count += 1) {
      const place = reader.pos;
      const tag = reader.tag();
      const known = byId.get(tag >>> 3);
      if (known !== undefined) (places[known.at] ??= []).push(place);
      reader.pass(tag);
      if (count % TAGS_A_STEP === 0) yield "";
    }
    return places;
  }

  *#elements(known: KnownField, places: readonly number[], depth: number): Generator<string, void> {
    const reader = this.#reader;
    let comma = "";
    for (const place of places) {
      reader.pos = place;
      const tag = reader.tag();
      if (this.#isLong(known)) yield* this.#nested(comma, known, depth);
      else {
        const elements = elementsText(reader, known, tag, depth);
        // None, of those that are packed.
        if (elements === "") continue;
        yield comma + elements;
      }
      comma = ",";
    }
  }

  /** The value that begins here is a message that is divided in turn. */
  #isLong({ field }: KnownField): boolean {
    if (field.type.kind !== "message") return false;
    const reader = this.#reader;
    const begin = reader.pos;
    const bytes = reader.size();
    reader.pos = begin;
    return bytes > this.#partBytes;
  }

  *#nested(head: string, { field }: KnownField, depth: number): Generator<string, void> {
    if (field.type.kind !== "message") return;
    const reader = this.#reader;
    const outer = reader.len;
    const bytes = reader.size();
    if (reader.pos + bytes > outer) throw new RangeError(`a message of ${bytes} bytes has no end`);
    reader.len = reader.pos + bytes;
    // Not empty: it would be a pause.
    if (head !== "") yield head;
    yield* this.message(field.type.shape, depth + 1);
    reader.len = outer;
  }
}
