// Reads header blocks (RFC 7541 sections 5 and 6). A connection has one: blocks change its table, so each is
// read to its end even when its list is more than the bound, and then not kept.
import { ConnectionFault, ErrorCode } from "./fault.ts";
import { HeaderTable, headerField, sizeOfField } from "./hpack-table.ts";
import type { HeaderField } from "./hpack-table.ts";
import { decodeHuffman, huffmanBytesMax } from "./huffman.ts";

export interface HeaderList {
  readonly fields: readonly HeaderField[];
  /** The list is above the bound, and `fields` only its beginning. */
  readonly tooLarge: boolean;
}

/** No length or index here needs more: 28 bits. */
const INTEGER_OCTETS_MAX = 4;

export class HpackDecoder {
  readonly #table: HeaderTable;
  readonly #listBytesMax: number;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #until = 0;
  #text = Buffer.alloc(256);

  constructor(tableBytes: number, listBytesMax: number) {
    this.#table = new HeaderTable(tableBytes);
    this.#listBytesMax = listBytesMax;
  }

  /** Of the dynamic table. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** @throws {ConnectionFault} COMPRESSION_ERROR: both sides' tables may differ from here on. */
  decode(bytes: Buffer, from: number, until: number): HeaderList {
    this.#bytes = bytes;
    this.#at = from;
    this.#until = until;
    const fields: HeaderField[] = [];
    let listBytes = 0;
    while (this.#at < until) {
      const field = this.#field(fields.length === 0 && listBytes === 0);
      if (field === undefined) continue;
      listBytes += sizeOfField(field);
      if (listBytes <= this.#listBytesMax) fields.push(field);
    }
    return { fields, tooLarge: listBytes > this.#listBytesMax };
  }

  /** Undefined: a change of the table's size, which comes before the fields only. */
  #field(first: boolean): HeaderField | undefined {
    const octet = this.#bytes[this.#at] ?? 0;
    if (octet >= 0x80) return this.#indexed(this.#integer(7));
    if (octet >= 0x40) {
      const field = this.#literal(this.#integer(6));
      this.#table.add(field);
      return field;
    }
    if (octet < 0x20) return this.#literal(this.#integer(4));
    if (!first) throw malformed("a table size after a field");
    const bytesMax = this.#integer(5);
    if (!this.#table.resize(bytesMax)) throw malformed(`a table of ${bytesMax} bytes`);
    return undefined;
  }

  #indexed(index: number): HeaderField {
    const field = this.#table.at(index);
    if (field === undefined) throw malformed(`no entry ${index}`);
    return field;
  }

  #literal(nameIndex: number): HeaderField {
    const name = nameIndex === 0 ? this.#string() : this.#indexed(nameIndex).name;
    return headerField(name, this.#string());
  }

  /** RFC 7541 section 5.1. */
  #integer(prefixBits: number): number {
    const full = (1 << prefixBits) - 1;
    let value = this.#octet() & full;
    if (value < full) return value;
    for (let octets = 0; octets < INTEGER_OCTETS_MAX; octets += 1) {
      const octet = this.#octet();
      value += (octet & 0x7f) * 128 ** octets;
      if (octet < 0x80) return value;
    }
    throw malformed("an integer of too many octets");
  }

  #octet(): number {
    if (this.#at >= this.#until) throw malformed("a block that ends within a field");
    const octet = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return octet;
  }

  /** RFC 7541 section 5.2; each octet as one unit. */
  #string(): string {
    const huffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const from = this.#at;
    const until = from + length;
    if (until > this.#until) throw malformed("a string beyond its block");
    this.#at = until;
    if (!huffman) return this.#bytes.toString("latin1", from, until);
    const bytesMax = huffmanBytesMax(length);
    if (this.#text.length < bytesMax) this.#text = Buffer.alloc(bytesMax);
    const decoded = decodeHuffman(this.#bytes, from, until, this.#text);
    if (decoded < 0) throw malformed("no Huffman code");
    return this.#text.toString("latin1", 0, decoded);
  }
}

function malformed(what: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.COMPRESSION_ERROR, `header block: ${what}`);
}
