// Port: what a federation does with the keys of its prefixes (federation 2 to 7). federation/ implements it; in a
// region without a configuration it holds no key. It runs inside the state machine: deterministic, and all that it
// keeps is in rows of the family "federation", written in the same engine batch as the versions that they describe.
import type { Key, LeaseId, LogIndex, LogTimeMs } from "../base/index.ts";
import type { Digest } from "./digest.ts";
import type { Lease } from "./leases.ts";
import type { PutRequest } from "./request.ts";
import type { FederationAnswer, Refusal } from "./response.ts";
import type { RowSet } from "./row-set.ts";
import type { Version } from "./version.ts";

/** What the store offers to its federation. Row keys begin with `federationRowKey`'s byte. */
export interface FederatedStore {
  /** Main revision of the last committed write. */
  readonly revision: number;
  /** Rows for the next engine batch. Between `begin` and `commit` they go the way of the revision. */
  readonly writes: {
    put(key: Uint8Array, value: Uint8Array): void;
    delete(key: Uint8Array): void;
  };
  /** Opens the next main revision; `commit` ends it, and without a `show` it never was. */
  begin(): void;
  commit(): void;
  /** Takes back everything since `begin`. */
  rollback(): void;
  /**
   * What a read sees of `key` from here on in the open revision: a put, with its event; undefined: absent, which is
   * a delete where something stood, and nothing where nothing did.
   */
  show(key: Key, value: Uint8Array | undefined, lease?: LeaseId): void;
  /** Of the region; which federated keys hang on which of them is the federation's to say. */
  readonly leases: FederatedLeases;
  /** The newest version, the open revision's included; undefined: `key` is absent. */
  visible(key: Key): Version | undefined;
  /** Of a version that was wanted of `rows` in time, or that was written since. */
  valueOf(version: Version, rows: RowSet): Uint8Array;
  /** Up to `countMax` visible keys of the prefix above `after`, in order. */
  keysUnder(prefix: Key, after: Key | undefined, countMax: number): readonly Key[];
  /** The keys as they stand at this call, for who reads them over a while. */
  view(): FederatedView;
}

export interface FederatedLeases {
  get(id: LeaseId): Lease | undefined;
  /** A refusal: there is one of that id, or there are too many. */
  grant(id: LeaseId, ttlMs: number, now: LogTimeMs): Refusal | undefined;
  /** NO_LEASE: none. */
  move(key: Key, before: LeaseId, after: LeaseId): void;
}

/** It holds compaction off within the store's patience. */
export interface FederatedView {
  /** A compaction could wait no longer: what is read from here on may be missing. */
  readonly expired: boolean;
  /** The value that is visible; where it is not in memory, the engine's key of its row. Undefined: there is none. */
  look(key: Key): { readonly value: Uint8Array } | { readonly rowKey: Uint8Array } | undefined;
  /** Of such a row. */
  valueIn(row: Uint8Array): Uint8Array;
  release(): void;
}

/** The entry that is being applied. */
export interface FederationOccasion {
  readonly index: LogIndex;
  /** Log time, this entry's included (R9). */
  readonly now: LogTimeMs;
  readonly rows: RowSet;
}

export interface FederationPort {
  /** Whether the key is of a federated prefix. On the path of every write. */
  holds(key: Key): boolean;

  /** Called before the command of each entry. */
  enter(occasion: FederationOccasion): void;

  /** A local put of a federated key in the open revision; shows what the key is then. */
  put(request: PutRequest, value: Uint8Array): void;
  /** A local delete of a federated key that is visible, or of whose siblings the client has read some. */
  delete(key: Key, siblingContext: Uint8Array | undefined): void;
  /** A lease has ended on which that federated key hangs: in the open revision, what of it ends with it. */
  expire(key: Key, lease: LeaseId): void;
  /** Why the lease that these keys hang on may not end here; undefined: it may. */
  barsExpiry(keys: Iterable<Key>): Refusal | undefined;
  /** Why what was put and deleted in the open revision may not be: it is then rolled back. */
  readonly fault: Refusal | undefined;
  /**
   * The open revision is about to end, whoever opened it: what was put and deleted in it becomes one transaction
   * under one dot (federation 3).
   */
  commit(): void;
  /** The open revision has ended, its versions on their leases. */
  committed(): void;
  /** The open revision is taken back, and its puts and deletes with it: no dot was used. */
  rollback(): void;

  /** Names the rows that `run` may read. */
  need(body: Uint8Array, rows: RowSet): void;
  /** A logged change of the federation; a refusal changes nothing. */
  run(body: Uint8Array): FederationAnswer | Refusal;

  /** Adds to the engine batch what is written once a batch. */
  beforeBatch(): void;
  /** The engine holds every batch up to `upTo`. */
  flushed(upTo: LogIndex): void;

  /** The value bytes are the federation's. @throws {AssertionError} for a row that no federation wrote. */
  restore(key: Uint8Array, value: Uint8Array): void;
  /** After the last row, the versions' included. */
  restored(): void;

  /** The state begins another cluster: what it minted under its origin, it may have minted on without knowing it. */
  disown(): void;

  /** A running hash of all that was ever applied: cheap, for every mark. */
  readonly standing: number;
  /** Everything that decides a later answer. */
  addTo(digest: Digest): void;
}
