// The client: one call for each thing that the store can do, on top of the courier that carries them.
import { performance } from "node:perf_hooks";
import { KvError } from "../base/index.ts";
import { answered, deleteResultOf, headerOf, membersAnswerOf, putResultOf } from "./answer.ts";
import type {
  CompactAnswer,
  DeleteAnswer,
  GetAnswer,
  MembersAnswer,
  PutAnswer,
  RangeAnswer,
} from "./answer.ts";
import type { Bytes, KeySelector } from "./bytes.ts";
import { METHODS } from "./connection.ts";
import type { KvReply } from "./connection.ts";
import { Courier } from "./courier.ts";
import { addressOf, settle } from "./options.ts";
import type {
  CallOptions,
  ClientOptions,
  DeleteOptions,
  PutOptions,
  RangeOptions,
  ReadOptions,
  Settings,
} from "./options.ts";
import { Reads } from "./reads.ts";
import { checkedCount, deleteRequestOf, putRequestOf, rangeRequestOf } from "./request.ts";
import { LeaseCalls } from "./leases.ts";
import { MembershipCalls } from "./membership.ts";
import type { MemberView } from "./router.ts";
import { statusAnswerOf } from "./status.ts";
import type { StatusAnswer } from "./status.ts";
import { canWrite, txnAnswerOf, txnRequestOf } from "./txn.ts";
import type { Operations, Transaction, TxnAnswer } from "./txn.ts";
import { Watcher } from "./watch.ts";
import type { WatchOptions } from "./watch.ts";
import { Writes } from "./writes.ts";

/**
 * A client of a Hansa cluster, or of etcd.
 *
 * Every call ends by its deadline (5 s unless said otherwise) with an answer or a `KvError`, whose `code`
 * says what went wrong and whose `outcome` says whether a write may have been applied. Calls may run at
 * once in any number, up to `limits`; `close` ends them.
 *
 * What is repeated after a failure: reads always; writes when the failure proves that nothing was applied,
 * and, with sessions (the default, on Hansa), in every other case too, exactly once.
 */
export class Client {
  readonly #settings: Settings;
  readonly #courier: Courier;
  readonly #reads: Reads;
  readonly #writes: Writes;
  /** Changes of who belongs to the cluster and who leads it. */
  readonly membership: MembershipCalls;
  /** Keys that live as long as somebody says so. */
  readonly leases: LeaseCalls;
  readonly #watchers = new Set<Watcher>();
  #closing: Promise<void> | undefined;

  /** Connects at the first call. @throws {KvError} `invalid-argument` naming every wrong option. */
  constructor(options: ClientOptions) {
    this.#settings = settle(options);
    const surroundings = { nowMs: () => performance.now(), random: Math.random };
    this.#courier = new Courier(this.#settings, surroundings);
    this.#reads = new Reads(this.#courier, this.#settings);
    this.#writes = new Writes(this.#courier, this.#settings);
    this.membership = new MembershipCalls(this.#courier);
    this.leases = new LeaseCalls(this.#courier);
  }

  /**
   * One key.
   *
   * @throws {KvError} `compacted`, `future-revision` for an explicit revision; `too-stale`, `not-committed`
   *   for a miss; and those of every call: `unavailable`, `no-leader`, `deadline-exceeded`, `cancelled`, ...
   */
  async get(
    key: Bytes,
    options: ReadOptions & CallOptions & Pick<RangeOptions, "revision" | "keysOnly"> = {},
  ): Promise<GetAnswer> {
    const answer = await this.#reads.range(rangeRequestOf(key, options), options);
    const [kv] = answer.kvs;
    const { header, revision, proof } = answer;
    return {
      header,
      revision,
      ...(proof === undefined ? {} : { proof }),
      ...(kv === undefined ? {} : { kv }),
    };
  }

  /** All keys that `keys` names, as `options` orders and bounds them. @throws {KvError} as `get`. */
  range(
    keys: KeySelector,
    options: ReadOptions & CallOptions & RangeOptions = {},
  ): Promise<RangeAnswer> {
    return this.#reads.range(rangeRequestOf(keys, options), options);
  }

  /**
   * Sets a key.
   *
   * @throws {KvError} `lease-not-found`; `key-not-found`, `value-provided`, `lease-provided` for the ignore
   *   options; `request-too-large`; and those of every call
   */
  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutAnswer> {
    const request = putRequestOf(key, value, options);
    const reply = await this.#writes.write({ put: request }, options);
    const wire = answered(reply.put, "put result");
    return { ...this.#answer(wire), ...putResultOf(wire) };
  }

  /** Deletes the keys that `keys` names; deleting nothing is no error. @throws {KvError} */
  async delete(keys: KeySelector, options: DeleteOptions = {}): Promise<DeleteAnswer> {
    const request = deleteRequestOf(keys, options);
    const reply = await this.#writes.write({ delete_range: request }, options);
    const wire = answered(reply.delete_range, "delete result");
    return { ...this.#answer(wire), ...deleteResultOf(wire) };
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
    options: CallOptions = {},
  ): Promise<TxnAnswer<Then, Else>> {
    const request = txnRequestOf(transaction);
    const reply = canWrite(request)
      ? await this.#writes.write({ txn: request }, options)
      : await this.#reads.txn(request, options);
    const wire = answered(reply.txn, "txn result");
    this.#reads.onRevision(headerOf(wire.header).revision);
    return txnAnswerOf(transaction, wire);
  }

  /**
   * Drops the history before `revision`; `physical` waits until the disk has let it go.
   *
   * @throws {KvError} `compacted` if that was done before, `future-revision`
   */
  async compact(
    revision: number,
    options: CallOptions & { readonly physical?: boolean } = {},
  ): Promise<CompactAnswer> {
    const physical = options.physical ?? false;
    const request = { revision: checkedCount("revision", revision), physical };
    const reply = await this.#writes.compact(request, options);
    return this.#answer(answered(reply.compaction, "compaction result"));
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
    return new Watcher(this.#courier, keys, options, this.#watchers);
  }

  /** How one member sees itself; `endpoint` absent: whichever is asked first. @throws {KvError} */
  status(endpoint?: string, options: CallOptions = {}): Promise<StatusAnswer> {
    const address = endpoint === undefined ? undefined : addressOf(endpoint);
    if (endpoint !== undefined && address === undefined) {
      const message = `endpoint "${endpoint}" is not [http://]host:port`;
      return Promise.reject(new KvError("invalid-argument", "not-applied", message));
    }
    return this.#courier.carry(
      {
        operation: "status",
        nature: "read",
        destination: "any",
        onMiss: "fail",
        ...(address === undefined ? {} : { only: address }),
        attempt: async ({ connection, timeoutMs, signal }) => {
          const wire = await connection.unary(METHODS.status, {}, timeoutMs, signal);
          return statusAnswerOf(connection.address, wire);
        },
      },
      options,
    );
  }

  /** The cluster's members, as the cluster (linearizable, the default) or one member knows them. */
  members(options: CallOptions & { readonly linearizable?: boolean } = {}): Promise<MembersAnswer> {
    const request = { linearizable: options.linearizable ?? true };
    return this.#courier.carry(
      {
        operation: "members",
        nature: "read",
        destination: "leader",
        onMiss: "fail",
        attempt: async ({ connection, timeoutMs, signal }) =>
          membersAnswerOf(await connection.unary(METHODS.memberList, request, timeoutMs, signal)),
      },
      options,
    );
  }

  /** What the client knows of each member at this moment; for diagnosis. */
  knownMembers(): MemberView[] {
    return this.#courier.router.members();
  }

  /** The highest revision in any answer so far; what a monotonic client's reads are at least. 0: none yet. */
  get seenRevision(): number {
    return this.#reads.seenRevision;
  }

  /**
   * Ends every call with `cancelled`, the session and the connections. Resolves when all is let go; never
   * rejects, and may be called again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const watcher of [...this.#watchers]) watcher.close();
    this.leases.stopAll();
    this.#courier.stopCalls();
    await this.#writes.closeSession();
    this.#courier.closeConnections();
  }

  #answer(wire: NonNullable<KvReply["put"] | KvReply["delete_range"] | KvReply["compaction"]>): {
    header: ReturnType<typeof headerOf>;
    revision: number;
  } {
    const header = headerOf(wire.header);
    this.#reads.onRevision(header.revision);
    return { header, revision: header.revision };
  }
}
