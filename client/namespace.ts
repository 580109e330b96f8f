// The calls on keys, in one namespace of the store: what is asked is put under its prefix, what is answered is
// named without it. The client itself is the namespace of the empty prefix.
import {
  answerOf,
  deleteResultOf,
  headerOf,
  putResultOf,
  type Answer,
  type DeleteAnswer,
  type GetAnswer,
  type PutAnswer,
  type RangeAnswer,
} from "./answer.ts";
import { bytesFrom } from "./bytes.ts";
import type { Bytes, KeySelector } from "./bytes.ts";
import type { KvReply } from "./connection.ts";
import type { Courier } from "./courier.ts";
import { Election } from "./election.ts";
import type { KeyCalls } from "./key-calls.ts";
import type { TurnOptions } from "./key-queue.ts";
import { checkOperated } from "./kind-operation.ts";
import type { KindOperation } from "./kind-operation.ts";
import { Kinds } from "./kinds.ts";
import type { OperateOptions } from "./kinds.ts";
import type { KeptLeases } from "./leases.ts";
import { LeaseCalls } from "./leases.ts";
import { Lock } from "./lock.ts";
import type {
  CallOptions,
  DeleteOptions,
  KeyReadOptions,
  PutOptions,
  RangeOptions,
  Settings,
} from "./options.ts";
import type { Reads } from "./reads.ts";
import { checkRead, checkWrite } from "./regions.ts";
import type { RegionWriteOptions } from "./regions.ts";
import {
  deleteRequestOf,
  operateRequestOf,
  putRequestOf,
  rangeRequestOf,
  withRegionRead,
  withRegionWrite,
} from "./request.ts";
import type { Space } from "./space.ts";
import { runStm } from "./stm.ts";
import type { StmAnswer, StmOptions } from "./stm.ts";
import type { StmTransaction } from "./stm-transaction.ts";
import { canWrite, txnAnswerOf, txnRequestOf } from "./txn.ts";
import type { Operations, Transaction, TxnAnswer } from "./txn.ts";
import { Watcher } from "./watch.ts";
import type { WatchOptions } from "./watch.ts";
import type { Writes } from "./writes.ts";
import { answered } from "./wire-value.ts";

/** What all namespaces of one client share. */
export interface ClientParts {
  readonly settings: Settings;
  readonly courier: Courier;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly watchers: Set<Watcher>;
  readonly keptLeases: KeptLeases;
}

/**
 * Keys under a prefix, named without it: in requests, answers, transactions, watches, leases' keys, locks and
 * elections (etcd's namespaces, client/v3/namespace). Ranges without an end stop at the end of the prefix. It has
 * no connections of its own: the client that made it closes them.
 */
export class Namespace implements KeyCalls {
  /** Keys that live as long as somebody says so. Lease ids are of the whole store, not of a namespace. */
  readonly leases: LeaseCalls;
  /** Counters, sets, maps, registers and flags, in federated prefixes of their kind. */
  readonly kinds: Kinds;
  readonly #parts: ClientParts;
  readonly #space: Space;

  /** Made by `Client.namespace`. */
  constructor(parts: ClientParts, space: Space) {
    this.#parts = parts;
    this.#space = space;
    this.leases = new LeaseCalls(parts.courier, parts.keptLeases, space);
    this.kinds = new Kinds({
      operate: (key, asked, options) => this.#operate(key, asked, options),
      get: (key, options) => this.get(key, options),
    });
  }

  /** What every key begins with in the store; empty: the whole store. */
  get prefix(): Uint8Array {
    return this.#space.prefix;
  }

  /** The namespace of keys that begin with `prefix`, within this one. */
  namespace(prefix: Bytes): Namespace {
    return new Namespace(this.#parts, this.#space.within(bytesFrom(prefix)));
  }

  /**
   * One key.
   *
   * @throws {KvError} `compacted`, `future-revision` for an explicit revision; `too-stale`, `not-committed`
   *   for a miss; `regions-not-reached`, `causal-lost`, `federation-refused` for what is asked of other regions;
   *   and those of every call: `unavailable`, `no-leader`, `deadline-exceeded`, `cancelled`, ...
   */
  async get(
    key: Bytes,
    options: KeyReadOptions & Pick<RangeOptions, "revision" | "keysOnly"> = {},
  ): Promise<GetAnswer> {
    const answer = await this.range(key, options);
    const [kv] = answer.kvs;
    const { header, revision, proof, siblings } = answer;
    return {
      header,
      revision,
      ...(proof === undefined ? {} : { proof }),
      ...(kv === undefined ? {} : { kv }),
      ...(siblings === undefined ? {} : { siblings }),
    };
  }

  /** All keys that `keys` names, as `options` orders and bounds them. @throws {KvError} as `get` */
  async range(
    keys: KeySelector,
    options: KeyReadOptions & RangeOptions = {},
  ): Promise<RangeAnswer> {
    const request = this.#space.outer(withRegionRead(rangeRequestOf(keys, options), options));
    const answer = await this.#parts.reads.range(request, options);
    checkRead(options, answer);
    return { ...answer, kvs: answer.kvs.map((kv) => this.#space.innerPair(kv)) };
  }

  /**
   * Sets a key.
   *
   * @throws {KvError} `lease-not-found`; `key-not-found`, `value-provided`, `lease-provided` for the ignore
   *   options; `request-too-large`; `context-stale`, `federation-refused` of a federated key; and those of every
   *   call
   */
  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutAnswer> {
    const request = this.#space.outer(withRegionWrite(putRequestOf(key, value, options), options));
    const reply = await this.#parts.writes.write({ put: request }, options);
    const wire = answered(reply.put, "put result");
    const { prevKv } = putResultOf(wire);
    const before = prevKv === undefined ? {} : { prevKv: this.#space.innerPair(prevKv) };
    return { ...this.#answer(wire, options), ...before };
  }

  /**
   * Deletes the keys that `keys` names; deleting nothing is no error.
   *
   * @throws {KvError} `key-not-provided`, and those of every call
   */
  async delete(keys: KeySelector, options: DeleteOptions = {}): Promise<DeleteAnswer> {
    const request = this.#space.outer(withRegionWrite(deleteRequestOf(keys, options), options));
    const reply = await this.#parts.writes.write({ delete_range: request }, options);
    const wire = answered(reply.delete_range, "delete result");
    const { deleted, prevKvs } = deleteResultOf(wire);
    const before = prevKvs.map((kv) => this.#space.innerPair(kv));
    return { ...this.#answer(wire, options), deleted, prevKvs: before };
  }

  /**
   * A transaction: atomic, at one revision.
   *
   * ```ts
   * const answer = await client.txn({
   *   if: [when.missing("lock")],
   *   then: [op.put("lock", "me")],
   *   else: [op.get("lock")],
   * });
   * if (!answer.succeeded) console.log(answer.results[0]?.text());
   * ```
   *
   * One that cannot write is a linearizable read, or, if all its ranges are `serializable`, a local one.
   *
   * @throws {KvError} `too-many-operations`, `duplicate-key`, `compacted`, `future-revision`, and as `put`
   */
  async txn<const Then extends Operations = [], const Else extends Operations = []>(
    transaction: Transaction<Then, Else>,
    options: CallOptions & RegionWriteOptions = {},
  ): Promise<TxnAnswer<Then, Else>> {
    const request = this.#space.outerTxn(withRegionWrite(txnRequestOf(transaction), options));
    const { reads, writes } = this.#parts;
    const reply = canWrite(request)
      ? await writes.write({ txn: request }, options)
      : await reads.txn(request, options);
    const wire = this.#space.innerTxn(answered(reply.txn, "txn result"));
    const header = headerOf(wire.header);
    reads.onRevision(header.revision);
    checkWrite(options, header);
    return txnAnswerOf(transaction, wire);
  }

  /**
   * Runs `body` as a transaction of reads and writes that is repeated when others have changed what it rests on.
   *
   * ```ts
   * await client.stm(async (tx) => {
   *   const [from, to] = await tx.getAll(["account/a", "account/b"]);
   *   tx.put("account/a", String(Number(textFrom(from ?? ZERO)) - 10));
   *   tx.put("account/b", String(Number(textFrom(to ?? ZERO)) + 10));
   * });
   * ```
   *
   * The body may run several times, and should do nothing else; what it throws ends it, and nothing is written.
   *
   * @throws {KvError} `conflict`, `not-applied`, after `attemptsMax` runs or when the deadline leaves no other;
   *   and as `txn`
   */
  stm<T>(
    body: (tx: StmTransaction) => Promise<T> | T,
    options: StmOptions = {},
  ): Promise<StmAnswer<T>> {
    const { settings, courier } = this.#parts;
    return runStm(this, body, options, {
      backoff: settings.backoff,
      deadlineMs: settings.deadlineMs,
      random: Math.random,
      nowMs: () => courier.nowMs(),
    });
  }

  /**
   * Tells what is written to `keys`, from `startRevision` on or from the moment it is made, in order, each event
   * once, whole revisions at a time, across lost connections and members.
   *
   * ```ts
   * for await (const { events } of client.watch({ prefix: "config/" })) {
   *   for (const { kind, kv } of events) console.log(kind, kv.keyText(), kv.text());
   * }
   * ```
   *
   * To miss nothing after a read, begin at its revision and one.
   *
   * @throws {KvError} `key-not-provided`, `invalid-argument`; while it runs, see `Watcher.next`
   */
  watch(keys: KeySelector, options: WatchOptions = {}): Watcher {
    const { courier, watchers } = this.#parts;
    return new Watcher(courier, keys, options, { open: watchers, space: this.#space });
  }

  /**
   * The lock of that name: one holder at a time.
   *
   * ```ts
   * await client.lock("reports", { ttlS: 10 }).withLock(async (lock, signal) => {
   *   await writeReport({ token: lock.fencingToken, signal });
   * });
   * ```
   *
   * Nothing is asked of the store until it is acquired. `options`: what each acquisition of it begins with.
   */
  lock(name: Bytes, options: TurnOptions = {}): Lock {
    return new Lock(this, name, options);
  }

  /** The election of that name; as `lock`. */
  election(name: Bytes, options: TurnOptions = {}): Election {
    return new Election(this, name, options);
  }

  async #operate(key: Bytes, asked: KindOperation, options: OperateOptions): Promise<PutAnswer> {
    const request = this.#space.outer(withRegionWrite(operateRequestOf(key, asked), options));
    const reply = await this.#parts.writes.write({ put: request }, options);
    const wire = answered(reply.put, "put result");
    checkOperated(wire, "not-applied");
    return this.#answer(wire, options);
  }

  #answer(
    wire: NonNullable<KvReply["put"] | KvReply["delete_range"]>,
    options: RegionWriteOptions,
  ): Answer {
    const answer = answerOf(wire);
    this.#parts.reads.onRevision(answer.revision);
    checkWrite(options, answer.header);
    return answer;
  }
}
