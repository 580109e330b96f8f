// A replica's twin, for a search that tries every input, and the text that is equal for replicas which will
// answer equal inputs alike. One walk over the state does both: what it copies it can note, so that nothing
// is in the one and not in the other.
import { AssertionError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";

/** A class with private fields lists them here; everything else is copied field by field. */
interface Copyable {
  copied(by: Copier): object;
}

/** Instants by the names of their fields; other times are spans. */
const INSTANT = /(?:^at|At|From|Floor|until)Ms$|^now$/;

/** How a text is noted: instants relative to `now`, and what is longer ago than `horizonMs` as just old. */
interface Noting {
  readonly now: MonotonicMs;
  readonly horizonMs: number;
}

export class Copier {
  readonly #twins: Map<object, object>;
  readonly #noting: Noting | undefined;
  #text = "";

  /** `twins`: what the copy has in place of these objects, which are not noted. */
  constructor(twins: ReadonlyMap<object, object>, noting?: Noting) {
    this.#twins = new Map(twins);
    this.#noting = noting;
  }

  /** Everything noted so far. */
  get text(): string {
    return this.#text;
  }

  /** The copy of plain data, maps, sets, class instances; what is met twice is copied once. */
  of<T>(value: T): T {
    if (typeof value !== "object" || value === null) {
      this.#note(value);
      return value;
    }
    const known = this.#twins.get(value);
    if (known !== undefined) return known as T;
    const twin = this.#twinOf(value);
    // A text says all of an object wherever it is met: two equal objects are as good as one.
    if (this.#noting === undefined) this.#twins.set(value, twin);
    return twin as T;
  }

  /** The same point in time. */
  instant<T extends number | undefined>(ms: T): T {
    const { now, horizonMs } = this.#noting ?? { now: 0, horizonMs: 0 };
    this.#note(ms === undefined ? ms : Math.min(now - ms, horizonMs));
    return ms;
  }

  /** One of consecutive numbers, of which only the distance behind `base` means anything. */
  counted<T extends number>(value: T, base: number): T {
    this.#note(Math.max(value - base, 0));
    return value;
  }

  #twinOf(value: object): object {
    if (isCopyable(value)) return value.copied(this);
    if (Array.isArray(value)) {
      this.#note(value.length);
      return value.map((item: unknown) => this.of(item));
    }
    if (value instanceof Uint8Array) {
      this.#note(value.join(" "));
      return value;
    }
    if (value instanceof Set) {
      // Of ids: the order in which they came is forgotten.
      const ids = [...value].map(String).sort((left, right) => (left < right ? -1 : 1));
      this.#note(ids.join(" "));
      return new Set(value);
    }
    if (value instanceof Map) {
      this.#note(value.size);
      return new Map([...value].map(([key, item]) => [this.of(key), this.of(item)]));
    }
    return this.#fieldsOf(value);
  }

  #fieldsOf(value: object): object {
    const prototype: unknown = Object.getPrototypeOf(value);
    const isPlain = prototype === Object.prototype;
    const twin = Object.create(isPlain ? Object.prototype : (prototype as object)) as object;
    for (const [name, field] of Object.entries(value) as [string, unknown][]) {
      // The fields of a class are always all there; those of plain data may be absent.
      if (isPlain) this.#note(name);
      const isInstant = INSTANT.test(name) && typeof field === "number";
      Reflect.set(twin, name, isInstant ? this.instant(field) : this.of(field));
    }
    return twin;
  }

  #note(value: unknown): void {
    if (typeof value === "function" || typeof value === "symbol") {
      throw new AssertionError("a replica's state is data, which a function is not");
    }
    if (this.#noting !== undefined) this.#text += `${String(value)},`;
  }
}

function isCopyable(value: object): value is Copyable {
  return typeof (value as Partial<Copyable>).copied === "function";
}
