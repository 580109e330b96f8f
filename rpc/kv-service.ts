// etcdserverpb.KV: requests are decoded and checked once, answered by the backend, and written as bytes.
// A command's bytes go on to the log as they came.
import { KvError } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { checkRange, checkRequest } from "../store/index.ts";
import type { Refusal, Request, RequestOp, TxnRequest } from "../store/index.ts";
import { commandAnswer, responseBytes } from "./answer.ts";
import type { Backend, Header } from "./backend.ts";
import { decoded, invalid } from "./decode.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { handOnWrite, homeOf } from "./home-writes.ts";
import { readCompaction, readDeleteRangeCall, readPutCall } from "./kv-request.ts";
import type { WriteOptions } from "./kv-request.ts";
import { afterWrite, beforeRead, isWrittenHere } from "./region-quorum.ts";
import { writeRangeAnswer } from "./range-answer.ts";
import { readRangeCall } from "./range-request.ts";
import type { RangeCall } from "./range-request.ts";
import { isFromMember, unary } from "./service.ts";
import type { Call, ForwardToLeader, Reply, ServiceTable } from "./service.ts";
import { readTxnCall } from "./txn-request.ts";

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

const RANGE: ForwardedPath = "/etcdserverpb.KV/Range";
const PUT: ForwardedPath = "/etcdserverpb.KV/Put";
const DELETE_RANGE: ForwardedPath = "/etcdserverpb.KV/DeleteRange";
const TXN: ForwardedPath = "/etcdserverpb.KV/Txn";
const COMPACT: MethodPath = "/etcdserverpb.KV/Compact";

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
      [RANGE]: unary((request, call, reply) => this.#range(request, call, reply)),
      [PUT]: unary((request, call, reply) => {
        this.#write({ kind: "put", ...decoded(request, readPutCall) }, PUT, request, call, reply);
      }),
      [DELETE_RANGE]: unary((request, call, reply) => {
        const parsed = decoded(request, readDeleteRangeCall);
        this.#write({ kind: "delete-range", ...parsed }, DELETE_RANGE, request, call, reply);
      }),
      [TXN]: unary((request, call, reply) => this.#txn(request, call, reply)),
      [COMPACT]: unary((request, call, reply) => this.#compact(request, call, reply)),
    };
  }

  #range(bytes: Uint8Array, call: Call, reply: Reply): void {
    const parsed = checkedRangeCall(decoded(bytes, readRangeCall));
    const { beyond } = parsed;
    if (beyond === undefined) {
      this.#read(parsed, bytes, call, reply, (header) => header);
      return;
    }
    const route = { path: RANGE, bytes, call, reply };
    beforeRead(this.#options, beyond, route, (withToken) => {
      this.#read(parsed, bytes, call, reply, withToken);
    });
  }

  #read(
    { range, options }: RangeCall,
    bytes: Uint8Array,
    call: Call,
    reply: Reply,
    headed: (header: Header) => Header,
  ): void {
    const { backend, forwardToLeader } = this.#options;
    // Only the leader has a lease; a member that knows of none waits for one by itself.
    const isLeased = options.mode === "lease" && !call.forwarded;
    if (isLeased && forwardToLeader(RANGE, bytes, call, reply)) return;
    // A forwarded read has reached the leader: it waits there, and never goes round.
    const goesRound = call.forwarded && options.onMiss === "forward";
    const asked = goesRound ? { ...options, onMiss: "wait" as const } : options;
    backend.range(range, asked, call, (answer) => {
      if (answer.ok) {
        writeRangeAnswer(headed(answer.header), answer.value, this.#options.endOfTurn, call, reply);
        return;
      }
      const missed = asked.onMiss === "forward" && MISSES.has(answer.error.code);
      if (missed && forwardToLeader(RANGE, bytes, call, reply)) return;
      reply(answer.error);
    });
  }

  /** @throws {KvError} if it is none that may be logged. */
  #check(request: Request, bytes: Uint8Array): void {
    if (bytes.length > this.#options.requestBytesMax) {
      throw new KvError("request-too-large", "not-applied", `${bytes.length} bytes`);
    }
    refuse(checkRequest(request, this.#options.txnOperationsMax));
  }

  #compact(bytes: Uint8Array, call: Call, reply: Reply): void {
    const request = { kind: "compaction", compaction: decoded(bytes, readCompaction) } as const;
    this.#check(request, bytes);
    this.#options.backend.write(request, bytes, call, (answer) => {
      reply(answer.ok ? commandAnswer(answer.header, answer.value) : answer.error);
    });
  }

  #txn(bytes: Uint8Array, call: Call, reply: Reply): void {
    const parsed = decoded(bytes, readTxnCall);
    const { txn, requestId, writeRegions } = parsed;
    if (requestId !== undefined || writeRegions !== undefined || canWrite(txn)) {
      this.#write({ kind: "txn", ...parsed }, TXN, bytes, call, reply);
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

  #write(
    request: Request & WriteOptions,
    path: ForwardedPath,
    bytes: Uint8Array,
    call: Call,
    reply: Reply,
  ): void {
    this.#check(request, bytes);
    const { writeRegions } = request;
    const { homes } = this.#options.backend;
    const home = homes === undefined ? undefined : homeOf(homes, request, call);
    if (homes !== undefined && home?.to === "region") {
      const write = { request, path, bytes, call, reply };
      handOnWrite(this.#options.backend, homes, home.region, write);
      return;
    }
    const homesHere = home?.to === "here" ? home.homes : [];
    const isLeased = homesHere.some(({ lease }) => lease !== undefined);
    if (isLeased || writeRegions !== undefined) {
      const asked = { isLeased, ...(writeRegions !== undefined && { writeRegions }) };
      if (!isWrittenHere(this.#options, request, asked, { path, bytes, call, reply })) return;
    } else if (isFromMember(call)) {
      throw invalid("a write is handed on only where the leader alone can take it");
    }
    // While other regions are waited for the home may be lost, as it may before the commit.
    const standing = writeRegions === undefined ? undefined : homes?.standingFor(request);
    this.#options.backend.write(request, bytes, call, (answer) => {
      if (!answer.ok) reply(answer.error);
      else if (writeRegions === undefined || answer.value.kind === "refused") {
        reply(commandAnswer(answer.header, answer.value));
      } else {
        afterWrite(this.#options, request, writeRegions, call, answer.header, (header) => {
          reply(standing?.lateness() ?? commandAnswer(header, answer.value));
        });
      }
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
