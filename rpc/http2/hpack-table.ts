// HPACK's two tables (RFC 7541 sections 2.3 and 4): the static one, and the dynamic one, bounded in bytes.
// A field is judged once, when it is made: each request that names it by index then costs a comparison.

/** What a request's checks need to know of a field's name. */
export type FieldRole =
  | "regular"
  | "method"
  | "scheme"
  | "authority"
  | "path"
  | "te"
  | "content-type"
  | "content-length"
  | "grpc-timeout"
  | "grpc-encoding"
  /** Must not come in a request: RFC 9113 sections 8.2 and 8.3. */
  | "forbidden";

export interface HeaderField {
  readonly name: string;
  readonly value: string;
  readonly role: FieldRole;
}

/** What an entry counts beyond its octets: RFC 7541 section 4.1. */
const ENTRY_OVERHEAD_BYTES = 32;

const ROLES: ReadonlyMap<string, FieldRole> = new Map<string, FieldRole>([
  [":method", "method"],
  [":scheme", "scheme"],
  [":authority", "authority"],
  [":path", "path"],
  ["te", "te"],
  ["content-type", "content-type"],
  ["content-length", "content-length"],
  ["grpc-timeout", "grpc-timeout"],
  ["grpc-encoding", "grpc-encoding"],
  ["connection", "forbidden"],
  ["keep-alive", "forbidden"],
  ["proxy-connection", "forbidden"],
  ["transfer-encoding", "forbidden"],
  ["upgrade", "forbidden"],
]);

/** A token of RFC 9110, without upper case. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const BAD_VALUE = /[\0\r\n]|^[ \t]|[ \t]$/;

export function headerField(name: string, value: string): HeaderField {
  let role = ROLES.get(name) ?? (NAME.test(name) ? "regular" : "forbidden");
  if (BAD_VALUE.test(value) || (role === "te" && value !== "trailers")) role = "forbidden";
  return { name, value, role };
}

/** RFC 7541 section 4.1. */
export function sizeOfField(field: HeaderField): number {
  return field.name.length + field.value.length + ENTRY_OVERHEAD_BYTES;
}

/** RFC 7541 appendix A; index 1 is first. */
const STATIC: readonly HeaderField[] = [
  ...[":authority", ":method=GET", ":method=POST", ":path=/", ":path=/index.html"],
  ...[":scheme=http", ":scheme=https", ":status=200", ":status=204", ":status=206"],
  ...[":status=304", ":status=400", ":status=404", ":status=500", "accept-charset"],
  ...["accept-encoding=gzip, deflate", "accept-language", "accept-ranges", "accept"],
  ...["access-control-allow-origin", "age", "allow", "authorization", "cache-control"],
  ...["content-disposition", "content-encoding", "content-language", "content-length"],
  ...["content-location", "content-range", "content-type", "cookie", "date", "etag"],
  ...["expect", "expires", "from", "host", "if-match", "if-modified-since"],
  ...["if-none-match", "if-range", "if-unmodified-since", "last-modified", "link"],
  ...["location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range"],
  ...["referer", "refresh", "retry-after", "server", "set-cookie"],
  ...["strict-transport-security", "transfer-encoding", "user-agent", "vary", "via"],
  "www-authenticate",
].map((entry) => {
  const [name = "", value = ""] = entry.split("=");
  return headerField(name, value);
});

/** The static table, and behind it the dynamic one: the newest entry has the lowest index. */
export class HeaderTable {
  readonly #limitBytes: number;
  /** A ring: the newest is at `#newest`, older ones before it. */
  readonly #ring: (HeaderField | undefined)[];
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #bytesMax: number;

  /** `limitBytes`: SETTINGS_HEADER_TABLE_SIZE as advertised. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#bytesMax = limitBytes;
    const entriesMax = Math.floor(limitBytes / ENTRY_OVERHEAD_BYTES) + 1;
    this.#ring = new Array<HeaderField | undefined>(entriesMax).fill(undefined);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** 1-based, as on the wire; undefined: there is no such entry. */
  at(index: number): HeaderField | undefined {
    if (index <= STATIC.length) return STATIC[index - 1];
    const age = index - STATIC.length - 1;
    if (age >= this.#count) return undefined;
    const { length } = this.#ring;
    return this.#ring[(this.#newest - age + length) % length];
  }

  /** An entry above the table's size empties it: RFC 7541 section 4.4. */
  add(field: HeaderField): void {
    const bytes = sizeOfField(field);
    this.#evictUntil(this.#bytesMax - bytes);
    if (bytes > this.#bytesMax) return;
    this.#newest = (this.#newest + 1) % this.#ring.length;
    this.#ring[this.#newest] = field;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** False: above what was advertised (RFC 7541 section 6.3). */
  resize(bytesMax: number): boolean {
    if (bytesMax > this.#limitBytes) return false;
    this.#bytesMax = bytesMax;
    this.#evictUntil(bytesMax);
    return true;
  }

  #evictUntil(bytesMax: number): void {
    const { length } = this.#ring;
    while (this.#count > 0 && this.#bytes > bytesMax) {
      const oldest = (this.#newest - this.#count + 1 + length) % length;
      const field = this.#ring[oldest];
      this.#ring[oldest] = undefined;
      this.#count -= 1;
      if (field !== undefined) this.#bytes -= sizeOfField(field);
    }
  }
}
