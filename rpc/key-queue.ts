// The recipe of etcd's locks and elections: under a prefix everybody has a key of his own, named by his lease;
// whoever made the oldest has the turn, and each other waits for the one key just before his. Nobody is woken in
// vain, and the revisions at which the keys were made grow from turn to turn: they fence.
import { KvError, bytesOf, keyOf } from "../base/index.ts";
import type { Key, KvErrorCode, LeaseId, Revision } from "../base/index.ts";
import type { etcdserverpb } from "../proto/index.ts";
import type { KeyValue, RangeResponse, ResponseOp, TxnResponse } from "../store/index.ts";
import { outliving } from "./backend-calls.ts";
import type { BackendCalls } from "./backend-calls.ts";
import type { CallContext, Header } from "./backend.ts";
import { leaseOf } from "./call-lease.ts";
import type { CallLease, CallLeaseOptions } from "./call-lease.ts";
import type { KeyWaits } from "./key-waits.ts";
import { bestEffort } from "./promised-answer.ts";

/** Somebody's key in the queue. */
export interface Place {
  readonly key: Key;
  readonly createRevision: Revision;
}

/** A place that has just been taken, or was found. */
export interface Entered extends Place {
  readonly header: Header;
  /** Made by this call; else it stood there, with this value. */
  readonly isNew: boolean;
  readonly valueBefore: Uint8Array;
  readonly isFirst: boolean;
}

/** What a call asks for that wants its turn. */
interface Asked {
  readonly name: Uint8Array;
  /** 0: the server makes one. */
  readonly lease: LeaseId;
  readonly value: Uint8Array;
  /** What it is told when its place is gone before its turn. */
  readonly expired: KvErrorCode;
  /** Runs between the place and the wait. */
  readonly onEntered?: (place: Entered) => Promise<void>;
}

interface Turn extends Place {
  readonly header: Header;
  readonly lease: LeaseId;
}

const NO_BYTES = new Uint8Array(0);
/** Compare.CompareResult, Compare.CompareTarget, RangeRequest.SortOrder and SortTarget. */
const EQUAL = 0;
const CREATE = 1;
const ASCEND = 1;
const DESCEND = 2;
const BY_CREATE = 2;

/** What all keys of the queue begin with (etcd). */
export function prefixOf(name: Uint8Array): string {
  return `${keyOf(name)}/`;
}

/** The first key behind all that begin so: "0" comes after "/". */
export function endOf(prefix: string): Key {
  return `${prefix.slice(0, -1)}0` as Key;
}

/** etcd's: the lease in hexadecimal. */
function keyIn(prefix: string, lease: LeaseId): Key {
  return `${prefix}${BigInt.asIntN(64, lease).toString(16)}` as Key;
}

/** That the key is the one that was made then. */
export function madeAt(key: Key, createRevision: Revision | 0): etcdserverpb.ICompare {
  return { result: EQUAL, target: CREATE, key: bytesOf(key), create_revision: createRevision };
}

/** Who has the turn, linearizable. @throws {KvError} as a range */
export async function oldestIn(
  calls: BackendCalls,
  prefix: string,
  call: CallContext,
): Promise<{ readonly header: Header; readonly kv: KeyValue | undefined }> {
  const asked = { success: [{ request_range: oldestOf(prefix) }] };
  const { header, value: txn } = await calls.readTxn(asked, call);
  return { header, kv: rangeAt(txn, 0).kvs[0] };
}

function oldestOf(prefix: string): etcdserverpb.IRangeRequest {
  return {
    key: bytesOf(prefix as Key),
    range_end: bytesOf(endOf(prefix)),
    limit: 1,
    sort_order: ASCEND,
    sort_target: BY_CREATE,
  };
}

export interface KeyQueueOptions extends CallLeaseOptions {
  readonly calls: BackendCalls;
  readonly waits: KeyWaits;
  /** Whether every region of a federation writes the key. */
  readonly isFederated: (key: Key) => boolean;
}

export class KeyQueue {
  readonly #options: KeyQueueOptions;
  readonly #calls: BackendCalls;

  constructor(options: KeyQueueOptions) {
    this.#options = options;
    this.#calls = options.calls;
  }

  /**
   * Takes a place and waits for its turn. When that fails, what the call has made is given up behind its answer:
   * a lease that outlives its client has its end.
   *
   * @throws {KvError} `too-many-requests`, `lease-not-found`, `asked.expired`, `cancelled`, `no-leader`,
   *   `server-stopped`, `federation-refused` where each region would have a turn of its own, and as a put
   */
  take(asked: Asked, call: CallContext): Promise<Turn> {
    return this.#options.waits.admit(async () => {
      if (this.#options.isFederated(prefixOf(asked.name) as Key)) throw federated(asked.name);
      const lease = await leaseOf(asked.lease, call, this.#calls, this.#options);
      try {
        return await this.#takeWith(asked, lease, call);
      } catch (cause) {
        bestEffort(lease.abandon());
        throw cause;
      }
    });
  }

  async #takeWith(asked: Asked, lease: CallLease, call: CallContext): Promise<Turn> {
    const prefix = prefixOf(asked.name);
    const place = await this.#enter(keyIn(prefix, lease.id), prefix, lease.id, asked.value, call);
    try {
      await asked.onEntered?.(place);
      const { expired } = asked;
      const header = place.isFirst ? place.header : await this.#turn(prefix, place, expired, call);
      if (!(await lease.handOver())) throw gone(expired);
      if (call.signal.aborted) throw new KvError("cancelled", "unknown", "the client has gone");
      const { key, createRevision } = place;
      return { key, createRevision, header, lease: lease.id };
    } catch (cause) {
      // One that stood before this call may be what another call of its client rests on.
      if (place.isNew) bestEffort(this.leave(place, outliving(call)));
      throw cause;
    }
  }

  /** Takes a place, or finds the one that the lease has. */
  async #enter(
    key: Key,
    prefix: string,
    lease: LeaseId,
    value: Uint8Array,
    call: CallContext,
  ): Promise<Entered> {
    const oldest = { request_range: { ...oldestOf(prefix), keys_only: true } };
    const { header, value: txn } = await this.#calls.txn(
      {
        compare: [madeAt(key, 0)],
        success: [{ request_put: { key: bytesOf(key), value, lease } }, oldest],
        failure: [{ request_range: { key: bytesOf(key) } }, oldest],
      },
      call,
    );
    const isNew = txn.succeeded;
    const stood = isNew ? undefined : rangeAt(txn, 0).kvs[0];
    const createRevision = stood?.createRevision ?? header.revision;
    const first = rangeAt(txn, 1).kvs[0]?.createRevision ?? createRevision;
    return {
      key,
      createRevision,
      header,
      isNew,
      valueBefore: stood?.value ?? NO_BYTES,
      isFirst: first === createRevision,
    };
  }

  /**
   * Waits until nothing stands before `place`. That nothing does and that the place itself still stands is seen at
   * one revision, so that nobody is told of a turn that has passed (etcd#11456).
   */
  async #turn(
    prefix: string,
    place: Place,
    expired: KvErrorCode,
    call: CallContext,
  ): Promise<Header> {
    for (;;) {
      const before = { ...oldestOf(prefix), sort_order: DESCEND, keys_only: true };
      const { header, value: txn } = await this.#calls.readTxn(
        {
          success: [
            { request_range: { ...before, max_create_revision: place.createRevision - 1 } },
            { request_range: { key: bytesOf(place.key), keys_only: true } },
          ],
        },
        call,
      );
      const own = rangeAt(txn, 1).kvs[0];
      if (own?.createRevision !== place.createRevision) throw gone(expired);
      const [last] = rangeAt(txn, 0).kvs;
      if (last === undefined) return header;
      const from = (header.revision + 1) as Revision;
      const deleted = await this.#options.waits.untilDeleted([last.key, place.key], from, call);
      if (deleted === place.key) throw gone(expired);
    }
  }

  /** Gives the place up, if it is still the one: never that of somebody later. */
  async leave(place: Place, call: CallContext): Promise<Header> {
    const { header } = await this.#calls.txn(
      {
        compare: [madeAt(place.key, place.createRevision)],
        success: [{ request_delete_range: { key: bytesOf(place.key) } }],
      },
      call,
    );
    return header;
  }
}

/** Two regions would each give the turn to somebody (federation 15, trap 14). */
function federated(name: Uint8Array): KvError {
  const text = `"${keyOf(name)}" is of a federated prefix: a lock or an election is a region's own`;
  return new KvError("federation-refused", "not-applied", text);
}

function gone(code: KvErrorCode): KvError {
  return new KvError(
    code,
    "not-applied",
    "the lease ended, or the key was deleted, while it waited",
  );
}

function rangeAt(txn: TxnResponse, at: number): RangeResponse {
  const response: ResponseOp | undefined = txn.responses[at];
  if (response?.kind === "range") return response.range;
  throw new KvError("internal", "unknown", `result ${at} of the transaction is no range`);
}
