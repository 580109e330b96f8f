// etcdserverpb.KV: requests are decoded and checked once, answered by the backend, and written as bytes.
// A command's bytes go on to the log as they came.
import { KvError } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { checkRange, checkRequest } from "../store/index.ts";
import type { Refusal, Request, RequestOp, TxnRequest } from "../store/index.ts";
import { commandAnswer, responseBytes } from "./answer.ts";
import type { Backend } from "./backend.ts";
import { decoded } from "./decode.ts";
import { readCompaction, readDeleteRangeCall, readPutCall, readRangeCall } from "./kv-request.ts";
import type { RangeCall } from "./kv-request.ts";
import { writeRangeAnswer } from "./range-answer.ts";
import { unary } from "./service.ts";
import type { Call, Reply, ServiceTable } from "./service.ts";
import { readTxnCall } from "./txn-request.ts";

/**
 * Hands a read to the leader, which answers with its own bytes. False: there is no leader other than this
 * member, and `reply` is not called.
 */
export type ForwardToLeader = (
  method: MethodPath,
  request: Uint8Array,
  call: Call,
  reply: Reply,
) => boolean;

export interface KvServiceOptions {
  readonly backend: Backend;
  readonly forwardToLeader: ForwardToLeader;
  /** etcd's --max-txn-ops. */
  readonly txnOperationsMax: number;
  /** etcd's --max-request-bytes, of a command. */
  readonly requestBytesMax: number;
  /** Runs once, after the inputs that this event-loop turn still holds. */
  readonly endOfTurn: (run: () => void) => void;
}

/** What another member may be able to answer; `on_miss: FORWARD` then asks the leader. */
const MISSES: ReadonlySet<KvErrorCode> = new Set<KvErrorCode>([
  "not-committed",
  "too-stale",
  "lag-too-large",
]);

/** The KV methods that answer once; range-stream.ts has the one that streams. */
export class KvService {
  readonly #options: KvServiceOptions;

  constructor(options: KvServiceOptions) {
    this.#options = options;
  }

  table(): ServiceTable {
    return {
      "/etcdserverpb.KV/Range": unary((request, call, reply) => this.#range(request, call, reply)),
      "/etcdserverpb.KV/Put": unary((request, call, reply) => {
        this.#write({ kind: "put", ...decoded(request, readPutCall) }, request, call, reply);
      }),
      "/etcdserverpb.KV/DeleteRange": unary((request, call, reply) => {
        const parsed = decoded(request, readDeleteRangeCall);
        this.#write({ kind: "delete-range", ...parsed }, request, call, reply);
      }),
      "/etcdserverpb.KV/Txn": unary((request, call, reply) => this.#txn(request, call, reply)),
      "/etcdserverpb.KV/Compact": unary((request, call, reply) => {
        const compaction = decoded(request, readCompaction);
        this.#write({ kind: "compaction", compaction }, request, call, reply);
      }),
    };
  }

  #range(bytes: Uint8Array, call: Call, reply: Reply): void {
    const { range, options } = checkedRangeCall(decoded(bytes, readRangeCall));
    const { backend, forwardToLeader } = this.#options;
    // Only the leader has a lease; a member that knows of none waits for one by itself.
    const isLeased = options.mode === "lease" && !call.forwarded;
    if (isLeased && forwardToLeader("/etcdserverpb.KV/Range", bytes, call, reply)) return;
    // A forwarded read has reached the leader: it waits there, and never goes round.
    const goesRound = call.forwarded && options.onMiss === "forward";
    const asked = goesRound ? { ...options, onMiss: "wait" as const } : options;
    backend.range(range, asked, call, (answer) => {
      if (answer.ok) {
        writeRangeAnswer(answer.header, answer.value, this.#options.endOfTurn, call, reply);
        return;
      }
      const missed = asked.onMiss === "forward" && MISSES.has(answer.error.code);
      if (missed && forwardToLeader("/etcdserverpb.KV/Range", bytes, call, reply)) return;
      reply(answer.error);
    });
  }

  #txn(bytes: Uint8Array, call: Call, reply: Reply): void {
    const { txn, requestId } = decoded(bytes, readTxnCall);
    if (requestId !== undefined || canWrite(txn)) {
      const named = requestId === undefined ? { txn } : { txn, requestId };
      this.#write({ kind: "txn", ...named }, bytes, call, reply);
      return;
    }
    refuse(checkRequest({ kind: "txn", txn }, this.#options.txnOperationsMax));
    this.#options.backend.readTxn(txn, call, (answer) => {
      if (!answer.ok) reply(answer.error);
      else {
        const { header, value } = answer;
        reply(responseBytes(header, { kind: "txn", revision: header.revision, txn: value }));
      }
    });
  }

  #write(request: Request, bytes: Uint8Array, call: Call, reply: Reply): void {
    if (bytes.length > this.#options.requestBytesMax) {
      throw new KvError("request-too-large", "not-applied", `${bytes.length} bytes`);
    }
    refuse(checkRequest(request, this.#options.txnOperationsMax));
    this.#options.backend.write(request, bytes, call, (answer) => {
      if (!answer.ok) reply(answer.error);
      else reply(commandAnswer(answer.header, answer.value));
    });
  }
}

/** @throws {KvError} if the request is not one that may be planned. */
export function checkedRangeCall(parsed: RangeCall): RangeCall {
  refuse(checkRange(parsed.range));
  return parsed;
}

/** @throws {KvError} as the store refuses. */
function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw new KvError(refusal.code, "not-applied", refusal.message);
}

/** A transaction is a read exactly when no branch, at any depth, holds a put or a delete (etcd). */
function canWrite(txn: TxnRequest): boolean {
  return txn.success.some(operationCanWrite) || txn.failure.some(operationCanWrite);
}

function operationCanWrite(operation: RequestOp): boolean {
  if (operation.kind === "txn") return canWrite(operation.txn);
  return operation.kind !== "range";
}
