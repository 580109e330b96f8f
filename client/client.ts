// The client: the calls on keys of its namespace, and the others that the store can do, on top of the courier that
// carries them.
import { performance } from "node:perf_hooks";
import { KvError } from "../base/index.ts";
import { AccountCalls } from "./accounts.ts";
import { answerOf, membersAnswerOf } from "./answer.ts";
import type { CompactAnswer, MembersAnswer } from "./answer.ts";
import { ConflictCalls } from "./conflicts.ts";
import { Courier } from "./courier.ts";
import { FederationCalls } from "./federation.ts";
import { IdCalls } from "./ids.ts";
import { SalvageCalls } from "./salvage.ts";
import { MaintenanceCalls } from "./maintenance.ts";
import { MembershipCalls } from "./membership.ts";
import { Namespace } from "./namespace.ts";
import type { ClientParts } from "./namespace.ts";
import { addressOf } from "./endpoint.ts";
import { noEndpoint, settle } from "./options.ts";
import type { CallOptions, ClientOptions } from "./options.ts";
import { Reads } from "./reads.ts";
import { checkedCount } from "./request.ts";
import type { MemberView } from "./router.ts";
import { Space } from "./space.ts";
import { statusAnswerOf } from "./status.ts";
import type { StatusAnswer } from "./status.ts";
import { Writes } from "./writes.ts";
import { answered } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

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
export class Client extends Namespace {
  readonly #parts: ClientParts;
  /** Changes of who belongs to the cluster and who leads it. */
  readonly membership: MembershipCalls;
  /** Users, roles and what they may do. */
  readonly auth: AccountCalls;
  /** Alarms, hashes, defragmentation. */
  readonly maintenance: MaintenanceCalls;
  /** The federation of regions that this one belongs to. */
  readonly federation: FederationCalls;
  /** What is in conflict in this region's part of a federation, and what was settled. */
  readonly conflicts: ConflictCalls;
  /** Numbers that no two regions give out twice. */
  readonly ids: IdCalls;
  /** What a region keeps beyond the cuts of closed origins. */
  readonly salvage: SalvageCalls;
  #closing: Promise<void> | undefined;

  /** Connects at the first call. @throws {KvError} `invalid-argument` naming every wrong option. */
  constructor(options: ClientOptions) {
    const settings = settle(options);
    const surroundings = { nowMs: () => performance.now(), random: Math.random };
    const courier = new Courier(settings, surroundings);
    const parts: ClientParts = {
      settings,
      courier,
      reads: new Reads(courier, settings),
      writes: new Writes(courier, settings),
      watchers: new Set(),
      keptLeases: new Set(),
    };
    super(parts, new Space(new Uint8Array(0)));
    this.#parts = parts;
    this.membership = new MembershipCalls(courier);
    this.auth = new AccountCalls(courier);
    this.federation = new FederationCalls(courier);
    this.conflicts = new ConflictCalls(courier);
    this.ids = new IdCalls(courier);
    this.salvage = new SalvageCalls(courier);
    this.maintenance = new MaintenanceCalls(courier, (endpoint) => this.#addressOf(endpoint));
  }

  /**
   * Drops the history before `revision`; `physical` waits until the disk has let it go. Each member drops it when it
   * applies this: a watch, or a read that asks for no freshness, may find it for a while on one that is behind.
   *
   * @throws {KvError} `compacted` if that was done before, `future-revision`
   */
  async compact(
    revision: number,
    options: CallOptions & { readonly physical?: boolean } = {},
  ): Promise<CompactAnswer> {
    const physical = options.physical ?? false;
    const request = { revision: checkedCount("revision", revision), physical };
    const reply = await this.#parts.writes.compact(request, options);
    const answer = answerOf(answered(reply.compaction, "compaction result"));
    this.#parts.reads.onRevision(answer.revision);
    return answer;
  }

  /**
   * How one member sees itself; `endpoint` absent: whichever is asked first.
   *
   * @throws {KvError} `invalid-argument` for what is no endpoint, and those of every call
   */
  status(endpoint?: string, options: CallOptions = {}): Promise<StatusAnswer> {
    const address = endpoint === undefined ? undefined : this.#addressOf(endpoint);
    if (typeof address === "object") return Promise.reject(address);
    return this.#parts.courier.carry(
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

  #addressOf(endpoint: string): string | KvError {
    const address = addressOf(endpoint, this.#parts.settings.secureByDefault);
    return address ?? new KvError("invalid-argument", "not-applied", noEndpoint(endpoint));
  }

  /**
   * The cluster's members, as the cluster (linearizable, the default) or one member knows them.
   *
   * @throws {KvError} those of every call
   */
  members(options: CallOptions & { readonly linearizable?: boolean } = {}): Promise<MembersAnswer> {
    const request = { linearizable: options.linearizable ?? true };
    return this.#parts.courier.carry(
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
    return this.#parts.courier.router.members();
  }

  /** The highest revision in any answer so far; what a monotonic client's reads are at least. 0: none yet. */
  get seenRevision(): number {
    return this.#parts.reads.seenRevision;
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
    const { courier, writes, watchers, keptLeases } = this.#parts;
    for (const watcher of [...watchers]) watcher.close();
    for (const kept of [...keptLeases]) kept.stop();
    courier.stopCalls();
    await writes.closeSession();
    courier.closeConnections();
  }
}
