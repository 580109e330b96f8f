// A namespace on the wire: every key of a request gets the prefix, every key of an answer loses it, and what has no
// end ends with the prefix (etcd's client/v3/namespace). Pure; the empty prefix changes nothing.
import type { etcdserverpb, mvccpb } from "../proto/index.ts";
import { KeyValue } from "./answer.ts";
import { ZERO_BYTE, prefixEnd } from "./bytes.ts";

/** A request or condition about one key or a range of them. */
interface Keyed {
  key?: Uint8Array | null;
  range_end?: Uint8Array | null;
}

/** Its end is a range's, or, if it is "\0", the end of all keys. */
function isOpen(end: Uint8Array): boolean {
  return end.length === 1 && end[0] === 0;
}

export class Space {
  readonly prefix: Uint8Array;
  readonly #end: Uint8Array;

  constructor(prefix: Uint8Array) {
    this.prefix = prefix;
    this.#end = prefix.length === 0 ? ZERO_BYTE : prefixEnd(prefix);
  }

  /** The namespace `prefix` within this one. */
  within(prefix: Uint8Array): Space {
    return new Space(this.outerKey(prefix));
  }

  /** As the store has it. */
  outerKey(key: Uint8Array): Uint8Array {
    if (this.prefix.length === 0) return key;
    const outer = new Uint8Array(this.prefix.length + key.length);
    outer.set(this.prefix);
    outer.set(key, this.prefix.length);
    return outer;
  }

  /** As it is named here. */
  innerKey(key: Uint8Array): Uint8Array {
    return key.subarray(this.prefix.length);
  }

  /** Whether the store's key is one of this namespace. */
  has(key: Uint8Array): boolean {
    return this.prefix.every((byte, at) => key[at] === byte);
  }

  /** A request, with its own keys alone put here. */
  outer<Request extends Keyed>(request: Request): Request {
    if (this.prefix.length === 0) return request;
    const end = request.range_end ?? NO_BYTES;
    const moved = { ...request, key: this.outerKey(request.key ?? NO_BYTES) };
    if (end.length > 0) moved.range_end = isOpen(end) ? this.#end : this.outerKey(end);
    return moved;
  }

  /** A transaction, at every depth. */
  outerTxn(request: etcdserverpb.ITxnRequest): etcdserverpb.ITxnRequest {
    if (this.prefix.length === 0) return request;
    return {
      ...request,
      compare: (request.compare ?? []).map((compare) => this.outer(compare)),
      success: (request.success ?? []).map((operation) => this.#outerOp(operation)),
      failure: (request.failure ?? []).map((operation) => this.#outerOp(operation)),
    };
  }

  /** The pair as it is named here; it shares its value. */
  innerPair(kv: KeyValue): KeyValue {
    if (this.prefix.length === 0) return kv;
    return new KeyValue({
      key: this.innerKey(kv.key),
      value: kv.value,
      create_revision: kv.createRevision,
      mod_revision: kv.modRevision,
      version: kv.version,
      lease: kv.lease,
    });
  }

  /** The answer to a transaction, changed where it stands: it has just been decoded, and is nobody else's. */
  innerTxn(answer: etcdserverpb.ITxnResponse): etcdserverpb.ITxnResponse {
    if (this.prefix.length === 0) return answer;
    for (const {
      response_range,
      response_put,
      response_delete_range,
      response_txn,
    } of answer.responses ?? []) {
      for (const kv of response_range?.kvs ?? []) this.#strip(kv);
      this.#strip(response_put?.prev_kv);
      for (const kv of response_delete_range?.prev_kvs ?? []) this.#strip(kv);
      if (response_txn !== null && response_txn !== undefined) this.innerTxn(response_txn);
    }
    return answer;
  }

  #outerOp(operation: etcdserverpb.IRequestOp): etcdserverpb.IRequestOp {
    const { request_range, request_put, request_delete_range, request_txn } = operation;
    if (isGiven(request_range)) return { request_range: this.outer(request_range) };
    if (isGiven(request_put)) return { request_put: this.outer(request_put) };
    if (isGiven(request_delete_range)) {
      return { request_delete_range: this.outer(request_delete_range) };
    }
    return isGiven(request_txn) ? { request_txn: this.outerTxn(request_txn) } : operation;
  }

  #strip(kv: mvccpb.IKeyValue | null | undefined): void {
    if (isGiven(kv)) kv.key = this.innerKey(kv.key ?? NO_BYTES);
  }
}

const NO_BYTES = new Uint8Array(0);

function isGiven<T>(part: T | null | undefined): part is T {
  return part !== null && part !== undefined;
}
