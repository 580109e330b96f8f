// The history as watches see it: changes by revision, with their rows as far as they are in memory.
import type { Key, PlantedAuthBug, PlantedBug, Revision } from "../base/index.ts";
import type { KeySpace } from "./key-space.ts";
import type { ReadPin } from "./read-pins.ts";
import { encodeKeyValue, versionRowKey } from "./rows.ts";
import { isTombstone } from "./version.ts";
import type { Version } from "./version.ts";

const NO_VALUE = new Uint8Array(0);

export class Changes {
  readonly #space: KeySpace;

  constructor(space: KeySpace) {
    this.#space = space;
  }

  get planted(): PlantedBug | PlantedAuthBug | undefined {
    return this.#space.planted;
  }

  /** Of the last change. */
  get revision(): Revision {
    return this.#space.revision as Revision;
  }

  /** Changes below it may be gone. */
  get floor(): Revision {
    return Math.max(this.#space.floor, 0) as Revision;
  }

  /** As History.visit; returns the revision to go on from, at the end the one that is next to come. */
  visit(
    from: number,
    onChange: (key: Key, version: Version) => void,
    wantsMore: () => boolean,
  ): number {
    const { history } = this.#space.index;
    return history.visit(from, onChange, wantsMore) ?? this.#space.revision + 1;
  }

  /** The pair as mvccpb.KeyValue bytes; undefined: its value is not in memory. */
  row(key: Key, version: Version): Uint8Array | undefined {
    if (isTombstone(version)) return encodeKeyValue(key, version, NO_VALUE);
    return this.#space.cache.read(version);
  }

  /** The engine's key for `row`, where that had nothing. */
  rowKey(version: Version): Uint8Array {
    return versionRowKey(version.mod, version.sub);
  }

  /** Keeps a row that the engine gave. */
  keep(version: Version, row: Uint8Array): void {
    this.#space.cache.keep(version, row);
  }

  /** What stood there before, unless nothing did or compaction has taken it. */
  previous(version: Version): Version | undefined {
    const older =
      this.planted === "prev-kv-of-wrong-revision" ? version.older?.older : version.older;
    return older === undefined || isTombstone(older) ? undefined : older;
  }

  /** Holds the sweep off changes from `revision` on, within its patience. */
  pin(revision: number): ReadPin {
    return this.#space.pins.take(revision);
  }

  release(pin: ReadPin): void {
    this.#space.pins.release(pin);
  }
}
