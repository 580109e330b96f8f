// Which versions answer a range, and in what order, by etcd's rules: the index alone decides, unless values
// are what is sorted by. Filters, limit and sort work on what was fetched, `count` on all that matched.
import { compareBytes } from "../base/index.ts";
import type { Key, Revision } from "../base/index.ts";
import type { KeyIndex } from "./key-index.ts";
import { spanOf } from "./key-range.ts";
import type { Span } from "./key-range.ts";
import type { RangeRequest, SortOrder } from "./request.ts";
import type { KeyValue, RangeResponse } from "./response.ts";
import { valueInRow } from "./rows.ts";
import type { Version } from "./version.ts";

export interface Pick {
  readonly key: Key;
  readonly version: Version;
}

const NO_VALUE = new Uint8Array(0);

export class RangeSelection {
  readonly #request: RangeRequest;
  readonly #at: number;
  readonly #order: SortOrder;
  readonly #filtered: boolean;
  readonly #picksMax: number;
  /** 0: none. */
  readonly #limit: number;
  #left: Span | undefined;
  readonly #picks: Pick[] = [];
  #count = 0;
  #more = false;

  /** `at`: the main revision to read. `uncut`: keep what the limit would cut. */
  constructor(request: RangeRequest, at: number, uncut: "uncut" | "cut" = "cut") {
    this.#request = request;
    this.#at = at;
    this.#left = spanOf(request);
    // etcd sorts by another target than the key even if no order is given.
    const { sortOrder, sortTarget, countOnly } = request;
    const limit = uncut === "uncut" ? 0 : Math.max(request.limit, 0);
    this.#limit = limit;
    this.#order = sortOrder === "none" && sortTarget !== "key" ? "ascend" : sortOrder;
    this.#filtered = isFiltered(request);
    // With an order or a filter everything is fetched; else one more than the limit, to know of more.
    const fetchesAll = sortOrder !== "none" || this.#filtered || limit === 0;
    this.#picksMax = countOnly ? 0 : fetchesAll ? Infinity : limit + 1;
  }

  /** In answer order once selected. */
  get picks(): readonly Pick[] {
    return this.#picks;
  }

  get count(): number {
    return this.#count;
  }

  get more(): boolean {
    return this.#more;
  }

  /** Whether rows must be loaded to build the answer. */
  get needsRows(): boolean {
    const { countOnly, keysOnly } = this.#request;
    return !countOnly && (!keysOnly || this.sortsByValue);
  }

  /** Then all picks' rows are needed, and the answer is sorted and cut after they are there. */
  get sortsByValue(): boolean {
    return this.#request.sortTarget === "value";
  }

  /** Looks at up to `keysMax` keys more; true at the end, when the picks are selected. */
  walk(index: KeyIndex, keysMax: number): boolean {
    if (this.#left === undefined) return true;
    const next = index.visit(this.#left, this.#at, keysMax, (key, version) => {
      this.#count += 1;
      if (
        this.#picks.length >= this.#picksMax ||
        (this.#filtered && !passesFilters(this.#request, version))
      )
        return;
      this.#picks.push({ key, version });
    });
    this.#left = next === undefined ? undefined : { ...this.#left, from: next };
    if (this.#left !== undefined) return false;
    if (!this.sortsByValue) this.#select();
    return true;
  }

  /** `rowAt`: the row of the pick at a position; asked only if rows are needed. */
  answer(rowAt: (position: number) => Uint8Array): RangeResponse {
    const { needsRows } = this;
    return this.assemble(
      this.#picks.map((pick, at) => keyValueOf(pick, needsRows ? rowAt(at) : undefined)),
    );
  }

  /** `kvs`: of the picks, in their order. */
  assemble(kvs: readonly KeyValue[]): RangeResponse {
    if (!this.sortsByValue) return { kvs, more: this.#more, count: this.#count };
    const sorted = [...kvs].sort(
      ascendingOrNot(this.#order, (left, right) => compareBytes(left.value, right.value)),
    );
    const limit = this.#limit === 0 ? sorted.length : this.#limit;
    const cut = sorted.slice(0, limit);
    return {
      kvs: this.#request.keysOnly ? cut.map(withoutValue) : cut,
      more: cut.length < sorted.length,
      count: this.#count,
    };
  }

  #select(): void {
    const { sortTarget } = this.#request;
    if (sortTarget !== "key") {
      this.#picks.sort(ascendingOrNot(this.#order, COMPARISONS[sortTarget]));
    } else if (this.#order === "descend") {
      this.#picks.reverse();
    }
    if (this.#limit === 0 || this.#picks.length <= this.#limit) return;
    this.#picks.length = this.#limit;
    this.#more = true;
  }
}

/** `row` undefined: without its value. */
export function keyValueOf({ key, version }: Pick, row: Uint8Array | undefined): KeyValue {
  const createRevision = version.create as Revision;
  const modRevision = version.mod as Revision;
  const { count, lease } = version;
  if (row === undefined) {
    return { key, createRevision, modRevision, version: count, value: NO_VALUE, lease };
  }
  const value = valueInRow(row);
  return { key, createRevision, modRevision, version: count, value, lease, encoded: row };
}

/** By what the index knows; "value" is sorted once the rows are there. */
const COMPARISONS = {
  version: (left: Pick, right: Pick) => left.version.count - right.version.count,
  create: (left: Pick, right: Pick) => left.version.create - right.version.create,
  mod: (left: Pick, right: Pick) => left.version.mod - right.version.mod,
  value: () => 0,
};

/** Ties stay in key order either way: sorting is stable. */
function ascendingOrNot<T>(
  order: SortOrder,
  compare: (left: T, right: T) => number,
): (left: T, right: T) => number {
  return order === "descend" ? (left, right) => compare(right, left) : compare;
}

function isFiltered(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

/** etcd's bounds on mod and create revision; 0 is none. */
export function passesFilters(request: RangeRequest, { mod, create }: Version): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (maxModRevision !== 0 && mod > maxModRevision) return false;
  if (minModRevision !== 0 && mod < minModRevision) return false;
  if (maxCreateRevision !== 0 && create > maxCreateRevision) return false;
  return minCreateRevision === 0 || create >= minCreateRevision;
}

function withoutValue(kv: KeyValue): KeyValue {
  const { key, createRevision, modRevision, version, lease } = kv;
  return { key, createRevision, modRevision, version, lease, value: NO_VALUE };
}
