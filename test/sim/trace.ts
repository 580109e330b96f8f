// The trace: a running hash over every event, message and answer, and on demand the readable lines.
// Two runs of a seed with equal hashes did the same things in the same order.
import { assert } from "../../base/index.ts";

const floatView = new Float64Array(1);
const wordView = new Uint32Array(floatView.buffer);
const LINES_KEPT_MAX = 400;

export class Trace {
  #low = 0x811c9dc5;
  #high = 0x9747b28c;
  readonly #lines: string[] = [];
  readonly #print: ((line: string) => void) | undefined;
  readonly #keeps: boolean;

  /** `keep` holds the last lines for a report; `print` sees each at once. Without them lines are not made. */
  constructor(options: { readonly keep: boolean; readonly print?: (line: string) => void }) {
    this.#keeps = options.keep;
    this.#print = options.print;
  }

  /** Whether a readable line has a reader: callers build it only then. */
  get readable(): boolean {
    return this.#keeps || this.#print !== undefined;
  }

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  line(text: string): void {
    this.#print?.(text);
    if (!this.#keeps) return;
    this.#lines.push(text);
    if (this.#lines.length > 2 * LINES_KEPT_MAX) this.#lines.splice(0, LINES_KEPT_MAX);
  }

  /** 16 hexadecimal digits over everything noted so far. */
  get hash(): string {
    const high = (this.#high >>> 0).toString(16).padStart(8, "0");
    return high + (this.#low >>> 0).toString(16).padStart(8, "0");
  }

  word(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#low ^= this.#low >>> 15;
    this.#high = Math.imul(this.#high ^ this.#low, 0x85ebca6b);
    this.#high ^= this.#high >>> 13;
  }

  /** Notes any plain value: numbers, bigints, strings, bytes, arrays and objects of these. */
  note(value: unknown): void {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return this.#number(value);
      case "bigint":
        this.word(Number(BigInt.asIntN(32, value)));
        return this.word(Number(BigInt.asIntN(32, value >> 32n)));
      case "boolean":
        return this.word(value ? 3 : 5);
      case "object":
        return this.#object(value);
      case "undefined":
        return this.word(7);
      default:
        assert(false, `a trace cannot note a ${typeof value}`);
    }
  }

  #number(value: number): void {
    if ((value | 0) === value) return this.word(value);
    floatView[0] = value;
    this.word(wordView[0] ?? 0);
    this.word(wordView[1] ?? 0);
  }

  #text(value: string): void {
    this.word(value.length);
    for (let at = 0; at < value.length; at += 1) this.word(value.charCodeAt(at));
  }

  #object(value: object | null): void {
    if (value === null) return this.word(11);
    if (value instanceof Uint8Array) {
      this.word(value.length);
      for (const byte of value) this.word(byte);
    } else if (Array.isArray(value)) {
      this.word(value.length);
      for (const item of value) this.note(item);
    } else {
      for (const [name, field] of Object.entries(value)) {
        this.#text(name);
        this.note(field);
      }
    }
  }
}

/** The hash of one value, whatever order its fields were written in: for comparing two replicas. */
export function fingerprint(value: unknown): string {
  const trace = new Trace({ keep: false });
  trace.note(ordered(value));
  return trace.hash;
}

function ordered(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(ordered);
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, field]) => [name, ordered(field)]);
}
