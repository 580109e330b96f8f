// A range read of one key, the commonest read by far: the same answer as a range's, without its machinery.
import { assert, present } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import type { KeySpace } from "./key-space.ts";
import type { RangePlan } from "./plan.ts";
import { keyValueOf, passesFilters } from "./range-selection.ts";
import type { ReadPin } from "./read-pins.ts";
import { refusal } from "./refusal.ts";
import type { RangeRequest } from "./request.ts";
import type { RangeResponse, Refusal } from "./response.ts";
import { versionRowKey } from "./rows.ts";
import type { Version } from "./version.ts";

const NOTHING: readonly Uint8Array[] = [];
const NOT_FOUND: RangeResponse = { kvs: [], more: false, count: 0 };
const FOUND_UNSHOWN: RangeResponse = { kvs: [], more: false, count: 1 };

export class PointReading implements RangePlan {
  readonly revision: Revision;
  readonly missing: readonly Uint8Array[];
  readonly #space: KeySpace;
  readonly #request: RangeRequest;
  readonly #version: Version | undefined;
  readonly #row: Uint8Array | undefined;
  readonly #pin: ReadPin | undefined;

  /** The request names one key, and its revision was checked. */
  constructor(space: KeySpace, request: RangeRequest) {
    const at = request.revision > 0 ? request.revision : space.revision;
    const version = space.index.visible(request.key, at);
    const wanted = version !== undefined && isShown(request, version) && !request.keysOnly;
    this.revision = space.revision as Revision;
    this.#space = space;
    this.#request = request;
    this.#version = version;
    this.#row = wanted ? space.cache.read(version) : undefined;
    const lacks = wanted && this.#row === undefined;
    this.missing = lacks ? [versionRowKey(version.mod, version.sub)] : NOTHING;
    this.#pin = lacks ? space.pins.take(at) : undefined;
  }

  answer(loaded: readonly (Uint8Array | undefined)[]): RangeResponse | Refusal {
    assert(loaded.length === this.missing.length, "one loaded value for each that was missing");
    this.release();
    const version = this.#version;
    if (version === undefined) return NOT_FOUND;
    if (!isShown(this.#request, version)) return FOUND_UNSHOWN;
    const kv = { key: this.#request.key, version };
    if (this.#request.keysOnly) return { kvs: [keyValueOf(kv, undefined)], more: false, count: 1 };
    if (this.#row !== undefined) {
      return { kvs: [keyValueOf(kv, this.#row)], more: false, count: 1 };
    }
    if (this.#pin?.expired === true) return refusal("compacted");
    const row = present(loaded[0], "a version's row in the engine");
    this.#space.cache.keep(version, row);
    return { kvs: [keyValueOf(kv, row)], more: false, count: 1 };
  }

  release(): void {
    if (this.#pin !== undefined) this.#space.pins.release(this.#pin);
  }
}

function isShown(request: RangeRequest, version: Version): boolean {
  return !request.countOnly && passesFilters(request, version);
}
