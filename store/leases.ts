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
import { leaseOfRowKey, leaseRowKey, putUint64, readUint64 } from "./rows.ts";
import { NO_LEASE } from "./version.ts";

/** A rule of the state machine, like those of sessions: equal on all members of a group. */
const LEASES_MAX = 1_000_000;
const ROW_BYTES = 16;

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
  readonly keys: Set<Key>;
}

export class LeaseTable implements LeaseView {
  readonly #writes: PendingWrites;
  readonly #leases = new Map<LeaseId, Entry>();
  readonly #byDue = new BTree<Entry, undefined>(undefined, compareDue);

  constructor(writes: PendingWrites) {
    this.#writes = writes;
  }

  get size(): number {
    return this.#leases.size;
  }

  get nextDueAtMs(): number | undefined {
    return this.#byDue.minKey()?.dueAtMs;
  }

  get(id: LeaseId): Lease | undefined {
    return this.#leases.get(id);
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  list(): readonly Lease[] {
    return [...this.#byDue.keys()];
  }

  restore(rowKey: Uint8Array, row: Uint8Array): void {
    const id = leaseOfRowKey(rowKey);
    assert(row.length === ROW_BYTES, `lease ${id} has a row of ${row.length} bytes`);
    this.#add({ id, ttlMs: readUint64(row, 0), dueAtMs: readUint64(row, 8), keys: new Set() });
  }

  grant(id: LeaseId, ttlMs: number, now: LogTimeMs): Refusal | undefined {
    assert(id !== NO_LEASE && ttlMs > 0, "the edge has chosen an id and a time to live");
    if (this.#leases.has(id)) return refusal("lease-exists");
    if (this.#leases.size >= LEASES_MAX) return refusal("too-many-requests");
    const lease = { id, ttlMs, dueAtMs: now + ttlMs, keys: new Set<Key>() };
    this.#add(lease);
    this.#write(lease);
    return undefined;
  }

  /** It lives its whole time again. Returns that time; undefined: there is no such lease. */
  renew(id: LeaseId, now: LogTimeMs): number | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined) return undefined;
    this.#byDue.delete(lease);
    lease.dueAtMs = now + lease.ttlMs;
    this.#byDue.set(lease, undefined);
    this.#write(lease);
    return lease.ttlMs;
  }

  /** Takes it away. Returns the keys that hang on it, in order, which go too. */
  remove(id: LeaseId): readonly Key[] {
    const lease = present(this.#leases.get(id), "a lease that is there");
    this.#leases.delete(id);
    this.#byDue.delete(lease);
    this.#writes.delete(leaseRowKey(id));
    return [...lease.keys].sort();
  }

  /** Those that are due at `now`, the earliest first. */
  due(now: LogTimeMs, countMax: number): readonly LeaseId[] {
    const ids: LeaseId[] = [];
    for (const { id, dueAtMs } of this.#byDue.keys()) {
      if (dueAtMs > now || ids.length === countMax) break;
      ids.push(id);
    }
    return ids;
  }

  /** A key hangs on `after` from here on, and no longer on `before`; 0: none. A lease may be gone already. */
  move(key: Key, before: LeaseId, after: LeaseId): void {
    if (before !== NO_LEASE) this.#leases.get(before)?.keys.delete(key);
    if (after !== NO_LEASE) this.#leases.get(after)?.keys.add(key);
  }

  /** Everything that decides a later answer, but for the keys, which say it themselves. */
  addTo(digest: Digest): void {
    digest.count(this.#leases.size);
    for (const { id, ttlMs, dueAtMs } of this.#byDue.keys()) {
      digest.wide(id).count(ttlMs).count(dueAtMs);
    }
  }

  #add(lease: Entry): void {
    this.#leases.set(lease.id, lease);
    this.#byDue.set(lease, undefined);
  }

  #write({ id, ttlMs, dueAtMs }: Lease): void {
    const row = new Uint8Array(ROW_BYTES);
    putUint64(row, 0, ttlMs);
    putUint64(row, 8, dueAtMs);
    this.#writes.put(leaseRowKey(id), row);
  }
}

function compareDue(left: Lease, right: Lease): number {
  if (left.dueAtMs !== right.dueAtMs) return left.dueAtMs - right.dueAtMs;
  if (left.id === right.id) return 0;
  return left.id < right.id ? -1 : 1;
}
