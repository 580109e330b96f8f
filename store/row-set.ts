// The rows that one command or one read-only transaction may read, fixed when it is planned: those in
// memory are held until it is done, the others are named, so that the engine can be asked for them at once.
import { assert, keyOf, present } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { versionRowKey } from "./rows.ts";
import type { ValueCache } from "./value-cache.ts";
import type { Version } from "./version.ts";

const NOTHING: readonly Uint8Array[] = [];

interface Other {
  readonly key: Uint8Array;
  loaded: boolean;
  row: Uint8Array | undefined;
}

export class RowSet {
  readonly #cache: ValueCache;
  readonly #rows = new Map<Version, Uint8Array>();
  readonly #absent = new Set<Version>();
  /** Rows that are no version's, by key; most commands have none. */
  #others: Map<Key, Other> | undefined;

  constructor(cache: ValueCache) {
    this.#cache = cache;
  }

  /** Engine keys of what is not in memory, in the order in which `supply` takes the values. */
  get missing(): readonly Uint8Array[] {
    if (this.#absent.size === 0 && this.#others === undefined) return NOTHING;
    const versions = [...this.#absent].map(({ mod, sub }) => versionRowKey(mod, sub));
    return this.#others === undefined
      ? versions
      : [...versions, ...lacking(this.#others).map(({ key }) => key)];
  }

  want(version: Version): void {
    if (this.#rows.has(version)) return;
    const row = this.#cache.read(version);
    if (row === undefined) this.#absent.add(version);
    else this.#rows.set(version, row);
  }

  /** Of a family whose owner knows what the engine has of it. */
  wantOther(key: Uint8Array): void {
    this.#others ??= new Map();
    const name = keyOf(key);
    if (!this.#others.has(name)) this.#others.set(name, { key, loaded: false, row: undefined });
  }

  /** @throws {AssertionError} if a value is missing: the engine has lost a row. */
  supply(loaded: readonly (Uint8Array | undefined)[]): void {
    const others = this.#others === undefined ? [] : lacking(this.#others);
    const count = this.#absent.size + others.length;
    assert(loaded.length === count, "one loaded value for each that was missing");
    let at = 0;
    for (const version of this.#absent) {
      const row = present(loaded[at], "a version's row in the engine");
      this.#rows.set(version, row);
      this.#cache.keep(version, row);
      at += 1;
    }
    this.#absent.clear();
    for (const other of others) {
      other.row = loaded[at];
      other.loaded = true;
      at += 1;
    }
  }

  /** Of a version that was wanted, or that was written since. */
  row(version: Version): Uint8Array {
    return this.#rows.get(version) ?? present(version.row, "a row that was asked for in time");
  }

  /** Of `wantOther`; undefined: the engine has none, or it was not asked for. */
  other(key: Uint8Array): Uint8Array | undefined {
    return this.#others?.get(keyOf(key))?.row;
  }
}

function lacking(others: ReadonlyMap<Key, Other>): readonly Other[] {
  return [...others.values()].filter(({ loaded }) => !loaded);
}
