// A bounded part of the history as one lane's watches are told it: the changes that concern some of them, the
// rows that are not in memory, and for each watch its events. Watches that are told the same share it.
import { present } from "../base/index.ts";
import type { Key, Revision } from "../base/index.ts";
import type { Changes } from "./changes.ts";
import type { Version } from "./version.ts";
import { isTombstone } from "./version.ts";
import type { Watch, WatchEvent, WatchGroup } from "./watch.ts";
import type { WatchIndex } from "./watch-index.ts";

export interface StepBounds {
  /** Changes looked at; a revision is not cut, so a large one is looked at whole. */
  readonly changesMax: number;
  /** Of rows that are in memory, and rows to load. */
  readonly bytesMax: number;
  readonly rowsMax: number;
}

interface Change {
  readonly key: Key;
  readonly version: Version;
  row: Uint8Array | undefined;
  previous: Version | undefined;
  previousRow: Uint8Array | undefined;
}

/** Variants of what a group is told: puts, deletes, the pairs before. */
const PUTS = 1;
const DELETES = 2;
const PREVIOUS = 4;

export class WatchStep {
  /** Revisions `[from, until)`. */
  readonly from: number;
  readonly until: number;
  readonly #changes: Changes;
  readonly #touched = new Map<WatchGroup, Change[]>();
  /** Of what is missing: where the row goes. */
  readonly #lacking = new Map<Version, (row: Uint8Array) => void>();
  readonly #told = new Map<WatchGroup, (readonly WatchEvent[] | undefined)[]>();
  #bytes = 0;

  constructor(index: WatchIndex, changes: Changes, from: number, bounds: StepBounds) {
    this.#changes = changes;
    this.from = from;
    let seen = 0;
    this.until = changes.visit(
      from,
      (key, version) => {
        seen += 1;
        this.#collect(index, key, version);
      },
      () =>
        seen < bounds.changesMax &&
        this.#bytes < bounds.bytesMax &&
        this.#lacking.size < bounds.rowsMax,
    );
  }

  get groups(): Iterable<WatchGroup> {
    return this.#touched.keys();
  }

  /** Engine keys of rows that are not in memory. */
  get missing(): readonly Uint8Array[] {
    return [...this.#lacking.keys()].map((version) => this.#changes.rowKey(version));
  }

  /**
   * `loaded` in the order of `missing`.
   *
   * @returns their bytes
   * @throws {AssertionError} if a row is gone that a pin should have held
   */
  supply(loaded: readonly (Uint8Array | undefined)[]): number {
    let at = 0;
    let bytes = 0;
    for (const [version, put] of this.#lacking) {
      const row = present(loaded[at], "a row of the history in the engine");
      this.#changes.keep(version, row);
      put(row);
      at += 1;
      bytes += row.length;
    }
    this.#lacking.clear();
    return bytes;
  }

  /** What `watch` of `group` is told; undefined: rows for it are missing. */
  eventsFor(watch: Watch, group: WatchGroup): readonly WatchEvent[] | undefined {
    const changes = present(this.#touched.get(group), "a group of the step");
    const { planted } = this.#changes;
    const from = planted === "watch-duplicates-on-resume" ? this.from : watch.cursor;
    if (watch.cursor > this.from) return eventsOf(changes, watch, from);
    const { puts, deletes, prevKv } = watch.request;
    const variant = (puts ? PUTS : 0) + (deletes ? DELETES : 0) + (prevKv ? PREVIOUS : 0);
    let told = this.#told.get(group);
    if (told === undefined) {
      told = [];
      this.#told.set(group, told);
    }
    told[variant] ??= eventsOf(changes, watch, from);
    return told[variant];
  }

  #collect(index: WatchIndex, key: Key, version: Version): void {
    let change: Change | undefined;
    index.match(key, (group) => {
      change ??= this.#changeOf(key, version);
      if (group.prevKvCount > 0) this.#wantPrevious(change);
      const changes = this.#touched.get(group);
      if (changes === undefined) this.#touched.set(group, [change]);
      else changes.push(change);
    });
  }

  #changeOf(key: Key, version: Version): Change {
    const change: Change = {
      key,
      version,
      row: this.#changes.row(key, version),
      previous: undefined,
      previousRow: undefined,
    };
    if (change.row === undefined) {
      this.#lack(version, (row) => {
        change.row = row;
      });
    } else this.#bytes += change.row.length;
    return change;
  }

  #wantPrevious(change: Change): void {
    if (change.previous !== undefined) return;
    const previous = this.#changes.previous(change.version);
    if (previous === undefined) return;
    change.previous = previous;
    change.previousRow = this.#changes.row(change.key, previous);
    if (change.previousRow === undefined) {
      this.#lack(previous, (row) => {
        change.previousRow = row;
      });
    } else this.#bytes += change.previousRow.length;
  }

  /** One version may be a change and what stood before the next. */
  #lack(version: Version, put: (row: Uint8Array) => void): void {
    const other = this.#lacking.get(version);
    this.#lacking.set(version, (row) => {
      other?.(row);
      put(row);
    });
  }
}

/** Of revisions from `from` on. */
function eventsOf(
  changes: readonly Change[],
  watch: Watch,
  from: number,
): readonly WatchEvent[] | undefined {
  const { puts, deletes, prevKv } = watch.request;
  const events: WatchEvent[] = [];
  for (const { version, row, previous, previousRow } of changes) {
    const deletion = isTombstone(version);
    if (version.mod < from || !(deletion ? deletes : puts)) continue;
    if (row === undefined) return undefined;
    const kind = deletion ? "delete" : "put";
    const event = { kind, revision: version.mod as Revision, kv: row } as const;
    if (!prevKv || previous === undefined) events.push(event);
    else if (previousRow === undefined) return undefined;
    else events.push({ ...event, prevKv: previousRow });
  }
  return events;
}
