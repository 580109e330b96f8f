// The keys and their history: etcd's multi-version store. Writes of one main revision are staged and then
// committed or rolled back as a whole; compaction takes effect at once and is swept in bounded steps.
import { assert, present } from "../base/index.ts";
import type { Key, LeaseId, LogIndex, PlantedAuthBug, PlantedBug } from "../base/index.ts";
import { Digest } from "./digest.ts";
import type { FederatedStore, FederatedView, FederationPort } from "./federation-port.ts";
import { KeyIndex } from "./key-index.ts";
import { spanUnder } from "./key-range.ts";
import { LeaseTable } from "./leases.ts";
import { PendingWrites } from "./pending-writes.ts";
import type { Mark } from "./pending-writes.ts";
import { ReadPins } from "./read-pins.ts";
import { refusal } from "./refusal.ts";
import type { Refusal } from "./response.ts";
import type { RowSet } from "./row-set.ts";
import { decodeRow, encodeKeyValue, valueInRow, versionOfRowKey, versionRowKey } from "./rows.ts";
import { ValueCache } from "./value-cache.ts";
import { NO_LEASE, Version, isTombstone, versionAt } from "./version.ts";

/** An empty store's revision, as in etcd: the first write makes 2. */
const REVISION_FIRST = 1;
/** No compaction yet: below every revision, so that even 0 can be compacted to once, as in etcd. */
const FLOOR_NONE = -1;
/** Versions forgotten in one drain. */
const SWEEP_VERSIONS_MAX = 1000;
/** Log entries for which a sweep waits for reads below its floor. */
const SWEEP_WAIT_ENTRIES_MAX = 10_000;

const EMPTY = new Uint8Array(0);

export class KeySpace implements FederatedStore {
  readonly index = new KeyIndex();
  readonly pins = new ReadPins();
  readonly cache: ValueCache;
  readonly writes: PendingWrites;
  readonly leases: LeaseTable;
  /** Only the simulator plants one. */
  readonly planted: PlantedBug | PlantedAuthBug | undefined;
  /** Whose writes are more than this region's own; undefined in a lone region. Set once, by the machine. */
  federation: FederationPort | undefined;
  #revision = REVISION_FIRST;
  #floor = FLOOR_NONE;
  /** The applied index at which the floor was last raised: since when a sweep may have waited. */
  #floorRaisedAt = 0;
  #writeDigest = 0;
  /** The open main revision's, 0 when none is open; the rest is reused, to spare the put path. */
  #main = 0;
  #mark: Mark | undefined;
  readonly #digest = new Digest();
  readonly #keys: Key[] = [];
  readonly #versions: Version[] = [];
  #restoredAt = { mod: 0, sub: -1 };

  constructor(valueCacheBytesMax: number, planted?: PlantedBug | PlantedAuthBug) {
    this.planted = planted;
    this.cache = new ValueCache(valueCacheBytesMax);
    this.writes = new PendingWrites(this.cache);
    this.leases = new LeaseTable(this.writes);
  }

  /** Main revision of the last committed write. */
  get revision(): number {
    return this.#revision;
  }

  /** Reads below it are refused; -1 before the first compaction. */
  get floor(): number {
    return this.#floor;
  }

  /** A running hash over every version ever written, in order. */
  get writeDigest(): number {
    return this.#writeDigest;
  }

  /**
   * Takes one row of the engine; rows come in key order, hence in revision order, and behind those of leases.
   * Values stay where they are until somebody reads them.
   */
  restoreVersion(rowKey: Uint8Array, row: Uint8Array): void {
    const { mod, sub } = versionOfRowKey(rowKey);
    const last = this.#restoredAt;
    assert(mod > last.mod || (mod === last.mod && sub > last.sub), "rows come in revision order");
    this.#restoredAt = { mod, sub };
    const { key, create, count, lease, mod: modInRow } = decodeRow(row);
    assert(mod === modInRow, `row of revision ${mod} holds revision ${modInRow}`);
    const older = this.index.newest(key);
    const before = older?.lease ?? NO_LEASE;
    if (lease !== before) this.leases.move(key, before, lease);
    this.index.push(key, new Version(mod, sub, create, count, lease, older));
  }

  /** Ends the restore: the marker that the last batch carried. */
  restoreMarker(revision: number, floor: number, writeDigest: number): void {
    assert(this.#restoredAt.mod <= revision, "no version is newer than the marker");
    this.#revision = Math.max(revision, REVISION_FIRST);
    this.#floor = floor;
    this.#writeDigest = writeDigest;
    this.index.skipSettled(floor);
  }

  /** Whether a read at `revision` may be served; 0 is the current one. */
  checkRevision(revision: number): Refusal | undefined {
    if (revision > this.#revision) return refusal("future-revision");
    if (revision > 0 && revision < this.#floor) return refusal("compacted");
    return undefined;
  }

  /** Opens the next main revision. Its writes are visible at once to reads at it, and only to those. */
  begin(): void {
    assert(this.#main === 0, "one main revision is written at a time");
    this.#main = this.#revision + 1;
    this.#mark = this.writes.mark();
    this.#digest.restart(this.#writeDigest);
  }

  put(key: Key, value: Uint8Array, lease: LeaseId): void {
    const main = this.#main;
    const older = this.index.newest(key);
    const born = older === undefined || isTombstone(older);
    const create = born ? main : older.create;
    const count = born ? 1 : older.count + 1;
    this.#write(key, new Version(main, this.#keys.length, create, count, lease, older), value);
  }

  /** `key` is visible. */
  delete(key: Key, siblingContext?: Uint8Array): void {
    if (this.federation?.holds(key) === true) this.federation.delete(key, siblingContext);
    else this.#delete(key);
  }

  /** The lease has ended on which `key` hangs. */
  expire(key: Key, lease: LeaseId): void {
    if (this.federation?.holds(key) === true) this.federation.expire(key, lease);
    else this.#delete(key);
  }

  show(key: Key, value: Uint8Array | undefined, lease: LeaseId = NO_LEASE): void {
    if (value !== undefined) this.put(key, value, lease);
    else if (this.visible(key) !== undefined) this.#delete(key);
  }

  visible(key: Key): Version | undefined {
    return this.index.visible(key, Infinity);
  }

  valueOf(version: Version, rows: RowSet): Uint8Array {
    return valueInRow(rows.row(version));
  }

  keysUnder(prefix: Key, after: Key | undefined, countMax: number): readonly Key[] {
    const keys: Key[] = [];
    const span = spanUnder(prefix, after);
    let next: Key | undefined = span.from;
    while (next !== undefined && keys.length < countMax) {
      const rest = { ...span, from: next };
      next = this.index.visit(rest, Infinity, countMax - keys.length, (key) => keys.push(key));
    }
    return keys;
  }

  view(): FederatedView {
    const { revision, pins, index, cache } = this;
    const pin = pins.take(revision);
    return {
      get expired() {
        return pin.expired;
      },
      look: (key) => {
        const version = index.visible(key, revision);
        if (version === undefined) return undefined;
        const row = cache.read(version);
        if (row === undefined) return { rowKey: versionRowKey(version.mod, version.sub) };
        return { value: valueInRow(row) };
      },
      valueIn: valueInRow,
      release: () => pins.release(pin),
    };
  }

  #delete(key: Key): void {
    const older = this.index.newest(key);
    assert(older !== undefined && !isTombstone(older), "only what is there can be deleted");
    this.#write(key, new Version(this.#main, this.#keys.length, 0, 0, NO_LEASE, older), EMPTY);
  }

  #write(key: Key, version: Version, value: Uint8Array): void {
    assert(this.#main !== 0, "writes belong to an open main revision");
    const row = encodeKeyValue(key, version, value);
    this.index.push(key, version);
    this.writes.putVersion(versionRowKey(version.mod, version.sub), row, version);
    this.#digest.word(version.sub).bytes(row);
    this.#keys.push(key);
    this.#versions.push(version);
  }

  /** Ends the main revision; without a write it never was. */
  commit(): void {
    assert(this.#main !== 0, "what is committed was begun");
    this.federation?.commit();
    if (this.#keys.length > 0) {
      this.#revision = this.#main;
      this.#writeDigest = this.#digest.value();
    }
    this.#moveLeases();
    this.#close();
    this.federation?.committed();
  }

  /** Each key hangs on the lease of its last write; a tombstone has none. */
  #moveLeases(): void {
    for (let at = 0; at < this.#versions.length; at += 1) {
      const { lease, older } = present(this.#versions[at], "a staged version");
      const before = older?.lease ?? NO_LEASE;
      if (lease === before) continue;
      this.leases.move(present(this.#keys[at], "a staged key"), before, lease);
    }
  }

  /** Takes back every write since `begin`. */
  rollback(): void {
    const mark = present(this.#mark, "an open main revision");
    this.federation?.rollback();
    for (let at = this.#keys.length - 1; at >= 0; at -= 1) {
      const key = present(this.#keys[at], "a staged key");
      this.index.undo(key, present(this.#versions[at], "a staged version"));
    }
    this.writes.rollback(mark);
    this.#close();
  }

  #close(): void {
    this.#main = 0;
    this.#mark = undefined;
    this.#keys.length = 0;
    this.#versions.length = 0;
  }

  /** etcd's rules: forward only, and not beyond the present. Takes effect for reads at once. */
  compact(revision: number, applied: LogIndex): Refusal | undefined {
    if (revision <= this.#floor) return refusal("compacted");
    if (revision > this.#revision) return refusal("future-revision");
    this.#floor = revision;
    this.#floorRaisedAt = applied;
    return undefined;
  }

  /** Leaves revisions out: the present moves on, and nothing before it can be read any more. */
  skip(revisions: number): void {
    assert(this.#main === 0, "no main revision is open");
    this.#revision += revisions;
    this.#floor = this.#revision;
  }

  /** Whether rows below the floor are still to be deleted, and nothing stands in the way. */
  canSweep(applied: LogIndex): boolean {
    if (!this.isSweeping) return false;
    return !this.pins.blocks(this.#floor) || this.#waitedEnough(applied);
  }

  /** One bounded step of deleting what no read at or above the floor sees. */
  sweep(applied: LogIndex): void {
    if (this.#waitedEnough(applied)) this.pins.expire(this.#floor);
    this.index.sweep(this.#sweepFloor, SWEEP_VERSIONS_MAX, (version) => {
      this.writes.delete(versionRowKey(version.mod, version.sub));
      this.cache.drop(version);
    });
  }

  /** Whether rows below the floor remain, whoever is waited for. */
  get isSweeping(): boolean {
    return this.index.sweepable(this.#sweepFloor);
  }

  get #sweepFloor(): number {
    return this.planted === "dropped-delete-at-compaction" ? this.#floor + 1 : this.#floor;
  }

  /**
   * Everything that decides a later answer, but for the values, which the running hash stands for. How
   * far a sweep has come makes no difference.
   */
  addTo(digest: Digest): void {
    digest.count(this.#revision).count(this.#floor).count(this.#writeDigest);
    this.leases.addTo(digest);
    this.index.each((key, newest) => {
      const last = versionAt(newest, this.#floor);
      for (let version: Version | undefined = newest; version; version = version.older) {
        const swept = version === last && isTombstone(version);
        if (!swept) addVersion(digest, key, version);
        if (version === last) return;
      }
    });
  }

  #waitedEnough(applied: LogIndex): boolean {
    return applied - this.#floorRaisedAt > SWEEP_WAIT_ENTRIES_MAX;
  }
}

function addVersion(digest: Digest, key: Key, version: Version): void {
  const { mod, sub, create, count, lease } = version;
  digest.text(key).count(mod).word(sub).count(create).count(count).wide(lease);
}
