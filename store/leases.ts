// Leases: keys that live as long as somebody says so. When one is due is in log time (R9), in its row, and
// moved on only by log entries: a change of leader or a restart neither extends nor shortens it. Which keys
// hang on which lease the keys themselves say.
import BTree from "sorted-btree";
import { assert, present } from "../base/index.ts";
import type { Key, LeaseId, LogTimeMs } from "../base/index.ts";
import type { Digest } from "./digest.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { refusal } from "./refusal.ts";
import type { Refusal } from "./response.ts";
import { leaseOfRowKey, leaseRow, leaseRowKey, readLeaseRow } from "./rows.ts";
import { NO_LEASE } from "./version.ts";

/** A rule of the state machine, like those of sessions: equal on all members of a group. */
const LEASES_MAX = 1_000_000;

export interface Lease {
  readonly id: LeaseId;
  readonly ttlMs: number;
  /** In log time. At it, and until an entry says so, the lease is still there. */
  readonly dueAtMs: number;
  readonly keys: ReadonlySet<Key>;
}

/** What its owner may look at. */
export interface LeaseView {
  readonly size: number;
  /** In log time; undefined without leases. */
  readonly nextDueAtMs: number | undefined;
  get(id: LeaseId): Lease | undefined;
  /** The next due first. */
  list(): readonly Lease[];
}

interface Entry extends Lease {
  dueAtMs: number;
  /** Its place in the order, at or before `dueAtMs`: a renewal leaves it where it is. */
  placedAtMs: number;
  readonly keys: Set<Key>;
}

export class LeaseTable implements LeaseView {
  readonly #writes: PendingWrites;
  readonly #leases = new Map<LeaseId, Entry>();
  /**
   * By where they are placed. Most leases are renewed long before they are due, so one is placed anew only when
   * its place comes first: once in its time to live, however often it is renewed.
   */
  readonly #places = new BTree<Entry, undefined>(undefined, comparePlace);

  constructor(writes: PendingWrites) {
    this.#writes = writes;
  }

  get size(): number {
    return this.#leases.size;
  }

  get nextDueAtMs(): number | undefined {
    return this.#first()?.dueAtMs;
  }

  get(id: LeaseId): Lease | undefined {
    return this.#leases.get(id);
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  list(): readonly Lease[] {
    return [...this.#leases.values()].sort(compareDue);
  }

  restore(rowKey: Uint8Array, row: Uint8Array): void {
    const id = leaseOfRowKey(rowKey);
    const { ttlMs, dueAtMs } = readLeaseRow(row);
    this.#add(id, ttlMs, dueAtMs);
  }

  grant(id: LeaseId, ttlMs: number, now: LogTimeMs): Refusal | undefined {
    assert(id !== NO_LEASE && ttlMs > 0, "the edge has chosen an id and a time to live");
    if (this.#leases.has(id)) return refusal("lease-exists");
    if (this.#leases.size >= LEASES_MAX) return refusal("too-many-requests");
    this.#write(this.#add(id, ttlMs, now + ttlMs));
    return undefined;
  }

  /** It lives its whole time again. Returns that time; undefined: there is no such lease. */
  renew(id: LeaseId, now: LogTimeMs): number | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined) return undefined;
    // Log time only goes on, so its place stays at or before it.
    lease.dueAtMs = now + lease.ttlMs;
    this.#write(lease);
    return lease.ttlMs;
  }

  /** Takes it away. Returns the keys that hang on it, in order, which go too. */
  remove(id: LeaseId): readonly Key[] {
    const lease = present(this.#leases.get(id), "a lease that is there");
    this.#leases.delete(id);
    this.#places.delete(lease);
    this.#writes.delete(leaseRowKey(id));
    return [...lease.keys].sort();
  }

  /** Those that are due at `now`, the earliest first. */
  due(now: LogTimeMs, countMax: number): readonly LeaseId[] {
    const due: Entry[] = [];
    for (;;) {
      const first = this.#first();
      if (first === undefined || first.dueAtMs > now || due.length === countMax) break;
      this.#places.delete(first);
      due.push(first);
    }
    for (const lease of due) this.#places.set(lease, undefined);
    return due.map(({ id }) => id);
  }

  /** A key hangs on `after` from here on, and no longer on `before`; 0: none. A lease may be gone already. */
  move(key: Key, before: LeaseId, after: LeaseId): void {
    if (before !== NO_LEASE) this.#leases.get(before)?.keys.delete(key);
    if (after !== NO_LEASE) this.#leases.get(after)?.keys.add(key);
  }

  /** Everything that decides a later answer, but for the keys, which say it themselves. */
  addTo(digest: Digest): void {
    digest.count(this.#leases.size);
    for (const { id, ttlMs, dueAtMs } of this.list()) {
      digest.wide(id).count(ttlMs).count(dueAtMs);
    }
  }

  #add(id: LeaseId, ttlMs: number, dueAtMs: number): Lease {
    const lease = { id, ttlMs, dueAtMs, placedAtMs: dueAtMs, keys: new Set<Key>() };
    this.#leases.set(id, lease);
    this.#places.set(lease, undefined);
    return lease;
  }

  /** The next due: whoever comes first and was renewed since takes a place further back. */
  #first(): Entry | undefined {
    for (;;) {
      const first = this.#places.minKey();
      if (first === undefined || first.placedAtMs === first.dueAtMs) return first;
      this.#places.delete(first);
      first.placedAtMs = first.dueAtMs;
      this.#places.set(first, undefined);
    }
  }

  #write({ id, ttlMs, dueAtMs }: Lease): void {
    this.#writes.put(leaseRowKey(id), leaseRow(ttlMs, dueAtMs));
  }
}

function compareDue(left: Lease, right: Lease): number {
  return left.dueAtMs - right.dueAtMs || compareId(left, right);
}

function comparePlace(left: Entry, right: Entry): number {
  return left.placedAtMs - right.placedAtMs || compareId(left, right);
}

function compareId(left: Lease, right: Lease): number {
  if (left.id === right.id) return 0;
  return left.id < right.id ? -1 : 1;
}
