// The backend's calls as promises, for services whose one call is several of them in a row. Each has the server's
// own limit of time and acts for the client of the call that it is part of.
import { KvError, bytesOf } from "../base/index.ts";
import type { Key, LeaseId, MonotonicMs } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { checkRequest } from "../store/index.ts";
import type { Request, Response, TxnResponse } from "../store/index.ts";
import type { Answer, Backend, CallContext, Done, Header } from "./backend.ts";
import { decoded } from "./decode.ts";
import { leaseGrantBytes } from "./lease-codec.ts";
import { readTxnCall } from "./txn-request.ts";

export interface BackendCallsOptions {
  readonly backend: Backend;
  readonly monotonicMs: () => MonotonicMs;
  /** The server's own limit of a call. */
  readonly callTimeoutMs: number;
  /** etcd's --max-txn-ops and --max-request-bytes. */
  readonly txnOperationsMax: number;
  readonly requestBytesMax: number;
}

export interface Answered<T> {
  readonly header: Header;
  readonly value: T;
}

export class BackendCalls {
  readonly #options: BackendCallsOptions;

  constructor(options: BackendCallsOptions) {
    this.#options = options;
  }

  /** A transaction that can write. @throws {KvError} as etcdserverpb.KV/Txn */
  async txn(wire: etcdserverpb.ITxnRequest, call: CallContext): Promise<Answered<TxnResponse>> {
    const body = etcdserverpb.TxnRequest.encode(wire).finish();
    const { txn } = decoded(body, readTxnCall);
    const { header, value } = await this.#write({ kind: "txn", txn }, body, call);
    if (value.kind !== "txn") throw misanswered("txn", value);
    return { header, value: value.txn };
  }

  /** One that cannot: linearizable, at one revision. @throws {KvError} as etcdserverpb.KV/Txn */
  readTxn(wire: etcdserverpb.ITxnRequest, call: CallContext): Promise<Answered<TxnResponse>> {
    const { txn } = decoded(etcdserverpb.TxnRequest.encode(wire).finish(), readTxnCall);
    return promised((done) => {
      this.#options.backend.readTxn(txn, this.#within(call), done);
    });
  }

  /** @throws {KvError} as etcdserverpb.KV/DeleteRange */
  async deleteKey(key: Key, call: CallContext): Promise<Header> {
    const body = etcdserverpb.DeleteRangeRequest.encode({ key: bytesOf(key) }).finish();
    const request = { kind: "delete-range", deleteRange: { key, prevKv: false } } as const;
    return (await this.#write(request, body, call)).header;
  }

  /** @throws {KvError} as etcdserverpb.Lease/LeaseGrant */
  async grantLease(id: LeaseId, ttlS: number, call: CallContext): Promise<void> {
    const request = { kind: "lease-grant", id, ttlMs: ttlS * 1000 } as const;
    await this.#write(request, leaseGrantBytes({ id, ttlS }), call);
  }

  /** @throws {KvError} as etcdserverpb.Lease/LeaseRevoke */
  async revokeLease(id: LeaseId, call: CallContext): Promise<void> {
    const body = etcdserverpb.LeaseRevokeRequest.encode({ ID: id }).finish();
    await this.#write({ kind: "lease-revoke", id }, body, call);
  }

  /** Seconds that it has from here on; 0: it is gone. @throws {KvError} when nobody can say */
  async renewLease(id: LeaseId, call: CallContext): Promise<number> {
    const renewed = await promised<number>((done) => {
      this.#options.backend.leases.renew(id, this.#within(call), done);
    });
    return renewed.value;
  }

  async #write(request: Request, body: Uint8Array, call: CallContext): Promise<Answered<Response>> {
    const { backend, txnOperationsMax, requestBytesMax } = this.#options;
    if (body.length > requestBytesMax) {
      throw new KvError("request-too-large", "not-applied", `${body.length} bytes`);
    }
    const refused = checkRequest(request, txnOperationsMax);
    if (refused !== undefined) throw new KvError(refused.code, "not-applied", refused.message);
    const answer = await promised<Response>((done) => {
      backend.write(request, body, this.#within(call), done);
    });
    const { value } = answer;
    if (value.kind === "refused") throw new KvError(value.code, "not-applied", value.message);
    return answer;
  }

  #within(call: CallContext): CallContext {
    const { monotonicMs, callTimeoutMs } = this.#options;
    return {
      deadlineAtMs: (monotonicMs() + callTimeoutMs) as MonotonicMs,
      get signal() {
        return call.signal;
      },
      get caller() {
        return call.caller;
      },
    };
  }
}

/** The same call, for what is to be cleaned up once its client has gone. */
export function outliving(call: CallContext): CallContext {
  return {
    deadlineAtMs: call.deadlineAtMs,
    signal: NEVER,
    get caller() {
      return call.caller;
    },
  };
}

const NEVER = new AbortController().signal;

function promised<T>(ask: (done: Done<T>) => void): Promise<Answered<T>> {
  return new Promise((resolve, reject) => {
    ask((answer: Answer<T>) => {
      if (answer.ok) resolve(answer);
      else reject(answer.error);
    });
  });
}

function misanswered(asked: string, { kind }: Response): KvError {
  return new KvError("internal", "unknown", `a ${asked} was answered as a ${kind}`);
}
