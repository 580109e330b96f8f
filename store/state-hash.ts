// The hash of the state as the engine holds it, row by row, so that every member can be compared with every
// other. Of the keys it is etcd's own (3.5.15 and later): CRC-32C over "key" and then, in revision order, each
// version that a read at or above the compact revision and a watch from behind it can still meet, as etcd keeps
// them. How far a sweep has come makes no difference. Of the whole state, the rows of everything else that is
// the same on all members follow.
import { crc32c } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import type { EngineRow } from "./engine.ts";
import type { KeySpace } from "./key-space.ts";
import type { ReadPin } from "./read-pins.ts";
import { refusal } from "./refusal.ts";
import type { Refusal } from "./response.ts";
import { decodeRow, familyOf, keyFieldOf, versionOfRowKey } from "./rows.ts";
import type { RowFamily } from "./rows.ts";
import { isTombstone, versionAt } from "./version.ts";

export interface StateHashRequest {
  /** Versions up to it; 0: all there are. */
  readonly revision: Revision;
  /** As if the store were compacted to it, where that is later than it is; 0: as it is. */
  readonly compactRevision: Revision;
  /** `keys`: what etcd's HashKV covers. `whole`: leases, sessions, alarms and the rest too. */
  readonly scope: "keys" | "whole";
}

export interface StateHash {
  /** Unsigned, 32 bits. */
  readonly hash: number;
  readonly revision: Revision;
  /** 0: never compacted. */
  readonly compactRevision: Revision;
}

/** Each member cuts its batches as it likes: these rows are its own. */
const OWN_FAMILIES: ReadonlySet<RowFamily | undefined> = new Set(["base", "chain"]);

/** etcd's name of the bucket, and its key of a revision: main '_' sub, and 't' for a tombstone. */
const BUCKET = Uint8Array.of(0x6b, 0x65, 0x79);
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;
const REVISION_BYTES = 17;

/** Takes rows of one moment of the engine, all of them in key order; ends by `end` or by `release`. */
export class StateHashing {
  readonly #space: KeySpace;
  readonly #whole: boolean;
  readonly #revision: number;
  readonly #floor: number;
  /** Keeps sweeps from what has not been looked at yet. */
  readonly #pin: ReadPin;
  readonly #revisionKey = new Uint8Array(REVISION_BYTES + 1);
  #hash = crc32c(BUCKET);

  private constructor(space: KeySpace, request: StateHashRequest) {
    this.#space = space;
    this.#whole = request.scope === "whole";
    this.#revision = request.revision === 0 ? space.revision : request.revision;
    this.#floor = Math.max(space.floor, request.compactRevision || space.floor);
    this.#pin = space.pins.take(space.floor);
    this.#revisionKey[8] = UNDERSCORE;
    this.#revisionKey[REVISION_BYTES] = TOMBSTONE_MARK;
  }

  /** The engine must hold everything up to the revision when its rows are read. */
  static begin(space: KeySpace, request: StateHashRequest): StateHashing | Refusal {
    const { revision, compactRevision } = request;
    const last = revision === 0 ? space.revision : revision;
    if (last > space.revision || compactRevision > space.revision)
      return refusal("future-revision");
    if (last < Math.max(space.floor, compactRevision)) return refusal("compacted");
    return new StateHashing(space, request);
  }

  take(rows: readonly EngineRow[]): void {
    for (const row of rows) {
      const family = familyOf(row.key);
      if (family === "version") this.#takeVersion(row);
      else if (this.#whole && !OWN_FAMILIES.has(family)) {
        this.#hash = crc32c(row.value, crc32c(row.key, this.#hash));
      }
    }
  }

  #takeVersion(row: EngineRow): void {
    const { mod, sub } = versionOfRowKey(row.key);
    if (mod > this.#revision) return;
    const { key, count } = decodeRow(row.value);
    const deleted = count === 0;
    if (mod <= this.#floor) {
      if (deleted) return;
      const last = versionAt(this.#space.index.newest(key), this.#floor);
      if (last === undefined || last.mod !== mod || last.sub !== sub || isTombstone(last)) return;
    }
    // etcd's key of a revision: our row key's numbers, with the sub-revision in eight bytes.
    const revisionKey = this.#revisionKey;
    revisionKey.set(row.key.subarray(1, 9), 0);
    revisionKey.set(row.key.subarray(9, 13), 13);
    const keyBytes = deleted ? REVISION_BYTES + 1 : REVISION_BYTES;
    const head = crc32c(revisionKey, this.#hash, 0, keyBytes);
    // Of a deleted key etcd keeps the key alone.
    this.#hash = crc32c(deleted ? keyFieldOf(row.value) : row.value, head);
  }

  /** Refused with `compacted` if a later compaction could wait for it no more. */
  end(): StateHash | Refusal {
    this.release();
    if (this.#pin.expired) return refusal("compacted");
    return {
      hash: this.#hash,
      revision: this.#revision as Revision,
      compactRevision: Math.max(this.#floor, 0) as Revision,
    };
  }

  release(): void {
    this.#space.pins.release(this.#pin);
  }
}
