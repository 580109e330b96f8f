// The rows that one command or one read-only transaction may read, fixed when it is planned: those in
// memory are held until it is done, the others are named, so that the engine can be asked for them at once.
import { assert, present } from "../base/index.ts";
import { versionRowKey } from "./rows.ts";
import type { ValueCache } from "./value-cache.ts";
import type { Version } from "./version.ts";

const NOTHING: readonly Uint8Array[] = [];

export class RowSet {
  readonly #cache: ValueCache;
  readonly #rows = new Map<Version, Uint8Array>();
  readonly #absent = new Set<Version>();

  constructor(cache: ValueCache) {
    this.#cache = cache;
  }

  /** Engine keys of what is not in memory, in the order in which `supply` takes the values. */
  get missing(): readonly Uint8Array[] {
    if (this.#absent.size === 0) return NOTHING;
    return [...this.#absent].map(({ mod, sub }) => versionRowKey(mod, sub));
  }

  want(version: Version): void {
    if (this.#rows.has(version)) return;
    const row = this.#cache.read(version);
    if (row === undefined) this.#absent.add(version);
    else this.#rows.set(version, row);
  }

  /** @throws {AssertionError} if a value is missing: the engine has lost a row. */
  supply(loaded: readonly (Uint8Array | undefined)[]): void {
    assert(loaded.length === this.#absent.size, "one loaded value for each that was missing");
    let at = 0;
    for (const version of this.#absent) {
      const row = present(loaded[at], "a version's row in the engine");
      this.#rows.set(version, row);
      this.#cache.keep(version, row);
      at += 1;
    }
    this.#absent.clear();
  }

  /** Of a version that was wanted, or that was written since. */
  row(version: Version): Uint8Array {
    return this.#rows.get(version) ?? present(version.row, "a row that was asked for in time");
  }
}
