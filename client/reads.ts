// Reads: which member a mode is asked of, and whether an answer is what was asked for. A server that knows
// no read modes (etcd) ignores them, so each answer is judged here too.
import { KvError } from "../base/index.ts";
import type { etcdserverpb } from "../proto/index.ts";
import { headerOf, rangeAnswerOf } from "./answer.ts";
import type { RangeAnswer } from "./answer.ts";
import type { KvReply } from "./connection.ts";
import type { Courier } from "./courier.ts";
import type { CallOptions, KeyReadOptions, ReadMode, Settings } from "./options.ts";
import { waitsForRegions } from "./regions.ts";
import { readPlanOf, withReadPlan } from "./request.ts";
import type { ReadPlan } from "./request.ts";
import type { Destination } from "./router.ts";
import { answered } from "./wire-value.ts";

/** Who is asked first. The leader saves the others' question to it. */
const DESTINATION: Readonly<Record<ReadMode, Destination>> = {
  default: "leader",
  quorum: "leader",
  index: "leader",
  lease: "leader",
  follower: "follower",
  learner: "learner",
  local: "any",
};

export class Reads {
  readonly #courier: Courier;
  readonly #settings: Settings;
  #seenRevision = 0;

  constructor(courier: Courier, settings: Settings) {
    this.#courier = courier;
    this.#settings = settings;
  }

  get seenRevision(): number {
    return this.#seenRevision;
  }

  /** The revision of some answer: reads of a monotonic client do not go behind it. */
  onRevision(revision: number): void {
    this.#seenRevision = Math.max(this.#seenRevision, revision);
  }

  /** @throws {KvError} see `Client.get` */
  async range(request: etcdserverpb.IRangeRequest, options: KeyReadOptions): Promise<RangeAnswer> {
    const isPast = (request.revision ?? 0) !== 0;
    const floor = this.#settings.monotonic && !isPast ? this.#seenRevision : 0;
    const plan = readPlanOf(options, this.#settings.read, floor);
    const deadlineMs = options.deadlineMs ?? this.#settings.deadlineMs;
    const startedAtMs = this.#courier.nowMs();
    try {
      return await this.#range({ ...request }, plan, { ...options, deadlineMs });
    } catch (error) {
      const leftMs = deadlineMs - (this.#courier.nowMs() - startedAtMs);
      if (!isMiss(error) || plan.onMiss !== "forward" || leftMs <= 0) throw error;
      return this.#forward(request, plan.minRevision, { ...options, deadlineMs: leftMs }, error);
    }
  }

  /** A transaction that cannot write. @throws {KvError} see `Client.txn` */
  txn(request: etcdserverpb.ITxnRequest, options: CallOptions): Promise<KvReply> {
    const floor = this.#settings.monotonic ? this.#seenRevision : 0;
    return this.#courier.carry(
      {
        operation: "txn",
        nature: "read",
        destination: isSerializable(request) ? "any" : "leader",
        onMiss: "wait",
        attempt: async ({ connection, timeoutMs, signal }) => {
          const reply = await connection.kv({ txn: request }, timeoutMs, signal);
          checkRevision(headerOf(reply.txn?.header).revision, floor);
          return reply;
        },
      },
      options,
    );
  }

  /** The member did not forward the read, or could not: the leader is asked from here. */
  async #forward(
    request: etcdserverpb.IRangeRequest,
    minRevision: number,
    options: CallOptions,
    miss: KvError,
  ): Promise<RangeAnswer> {
    const plan = { mode: "index", onMiss: "fail", maxStalenessMs: undefined, minRevision } as const;
    try {
      return await this.#range({ ...request }, plan, options);
    } catch (error) {
      // With little time left the miss says more than that it has run out.
      throw error instanceof KvError && error.code === "deadline-exceeded" ? miss : error;
    }
  }

  #range(
    request: etcdserverpb.IRangeRequest,
    plan: ReadPlan,
    options: KeyReadOptions,
  ): Promise<RangeAnswer> {
    const range = withReadPlan(request, plan);
    return this.#courier.carry(
      {
        operation: "range",
        nature: "read",
        destination: DESTINATION[plan.mode],
        onMiss: plan.onMiss,
        isPatient: waitsForRegions(options),
        attempt: async ({ connection, timeoutMs, signal }) => {
          const reply = await connection.kv({ range }, timeoutMs, signal);
          const answer = rangeAnswerOf(answered(reply.range, "range result"));
          const { proof, header } = answer;
          if (proof !== undefined) {
            this.#courier.router.onProof(connection.address, proof, header.raftTerm);
          }
          checkRevision(header.revision, plan.minRevision);
          checkStaleness(answer, plan);
          this.onRevision(header.revision);
          return answer;
        },
      },
      options,
    );
  }
}

function isMiss(error: unknown): error is KvError {
  return error instanceof KvError && (error.code === "too-stale" || error.code === "not-committed");
}

/** @throws {KvError} `not-committed` */
function checkRevision(revision: number, minRevision: number): void {
  if (revision >= minRevision) return;
  const message = `the member is at revision ${revision}, and ${minRevision} is asked for`;
  throw new KvError("not-committed", "not-applied", message);
}

/**
 * A `local` answer must prove its age when one is asked for; all other modes are linearizable on a server
 * that proves nothing.
 *
 * @throws {KvError} `too-stale`
 */
function checkStaleness(answer: RangeAnswer, plan: ReadPlan): void {
  const { maxStalenessMs } = plan;
  if (maxStalenessMs === undefined) return;
  const used = answer.proof?.used ?? (plan.mode === "local" ? "local" : "index");
  if (used !== "local" && used !== "learner") return;
  const boundMs = answer.proof?.stalenessBoundMs;
  if (boundMs !== undefined && boundMs <= maxStalenessMs) return;
  const age = boundMs === undefined ? "of unknown age" : `at most ${boundMs} ms old`;
  const message = `the answer is ${age}, and ${maxStalenessMs} ms are allowed`;
  throw new KvError("too-stale", "not-applied", message);
}

/** Whether every range of a read-only transaction, at any depth, is serializable. */
function isSerializable(request: etcdserverpb.ITxnRequest): boolean {
  const operations = [...(request.success ?? []), ...(request.failure ?? [])];
  return operations.every((operation) => {
    const nested = operation.request_txn;
    if (nested !== null && nested !== undefined) return isSerializable(nested);
    return operation.request_range?.serializable === true;
  });
}
