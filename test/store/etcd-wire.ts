// Speaks to a real etcd with the store's own request and response types, so that both can be asked the same
// question and their answers compared as they are.
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { bytesOf, keyOf, present } from "../../base/index.ts";
import type { LeaseId, Revision } from "../../base/index.ts";
import { bigintOf, clampedNumberOf, etcdserverpb } from "../../proto/index.ts";
import type { Int64, MethodPath, Writer, mvccpb } from "../../proto/index.ts";
import type {
  Compare,
  DeleteRangeRequest,
  KeyRange,
  KeyValue,
  PutRequest,
  RangeRequest,
  RangeResponse,
  Request,
  RequestOp,
  Response,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "../../store/index.ts";

/** An error as its client sees it. */
export interface WireError {
  readonly error: string;
}

const CALL_MS_MAX = 10_000;

export class EtcdWire {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint.replace("http://", ""), credentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  async run(request: Request): Promise<Response | WireError> {
    switch (request.kind) {
      case "put": {
        const { PutRequest: ask, PutResponse: answer } = etcdserverpb;
        const got = await this.#call(
          "/etcdserverpb.KV/Put",
          ask.encode(putTo(request.put)),
          answer,
        );
        return "error" in got ? got : { kind: "put", revision: revisionOf(got), put: putFrom(got) };
      }
      case "delete-range": {
        const { DeleteRangeRequest: ask, DeleteRangeResponse: answer } = etcdserverpb;
        const sent = ask.encode(deleteTo(request.deleteRange));
        const got = await this.#call("/etcdserverpb.KV/DeleteRange", sent, answer);
        if ("error" in got) return got;
        return { kind: "delete-range", revision: revisionOf(got), deleteRange: deleteFrom(got) };
      }
      case "txn": {
        const { TxnRequest: ask, TxnResponse: answer } = etcdserverpb;
        const got = await this.#call(
          "/etcdserverpb.KV/Txn",
          ask.encode(txnTo(request.txn)),
          answer,
        );
        return "error" in got ? got : { kind: "txn", revision: revisionOf(got), txn: txnFrom(got) };
      }
      case "compaction": {
        const { CompactionRequest: ask, CompactionResponse: answer } = etcdserverpb;
        const sent = ask.encode({ revision: request.compaction.revision });
        const got = await this.#call("/etcdserverpb.KV/Compact", sent, answer);
        return "error" in got ? got : { kind: "compaction", revision: revisionOf(got) };
      }
      default:
        throw new Error(`etcd knows no ${request.kind}`);
    }
  }

  async range(request: RangeRequest): Promise<RangeResponse | WireError> {
    const { RangeRequest: ask, RangeResponse: answer } = etcdserverpb;
    const got = await this.#call("/etcdserverpb.KV/Range", ask.encode(rangeTo(request)), answer);
    return "error" in got ? got : rangeFrom(got);
  }

  #call<Answer extends object>(
    path: MethodPath,
    message: Writer,
    answer: { decode(bytes: Uint8Array): Answer },
  ): Promise<Answer | WireError> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        (sent: Buffer) => sent,
        (bytes: Buffer) => answer.decode(bytes),
        Buffer.from(message.finish()),
        new Metadata(),
        { deadline: Date.now() + CALL_MS_MAX },
        (failure: ServiceError | null, got?: Answer) => {
          resolve(failure ? { error: failure.details } : present(got, "an answer"));
        },
      );
    });
  }
}

type Headed = { readonly header?: etcdserverpb.ResponseHeader.$Properties | null };

function revisionOf({ header }: Headed): Revision {
  return countOf(header?.revision) as Revision;
}

function countOf(value: Int64 | null | undefined): number {
  return clampedNumberOf(value ?? 0);
}

function spanTo({ key, end }: KeyRange): { key: Uint8Array; range_end?: Uint8Array } {
  return { key: bytesOf(key), ...(end === undefined ? {} : { range_end: bytesOf(end) }) };
}

const ORDERS = { none: 0, ascend: 1, descend: 2 } as const;
const TARGETS = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const;
const RESULTS = { equal: 0, greater: 1, less: 2, "not-equal": 3 } as const;
const COMPARED = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const;

function rangeTo(request: RangeRequest): etcdserverpb.RangeRequest.$Properties {
  return {
    ...spanTo(request),
    limit: request.limit,
    revision: request.revision,
    sort_order: ORDERS[request.sortOrder],
    sort_target: TARGETS[request.sortTarget],
    keys_only: request.keysOnly,
    count_only: request.countOnly,
    min_mod_revision: request.minModRevision,
    max_mod_revision: request.maxModRevision,
    min_create_revision: request.minCreateRevision,
    max_create_revision: request.maxCreateRevision,
  };
}

function putTo(request: PutRequest): etcdserverpb.PutRequest.$Properties {
  return {
    key: bytesOf(request.key),
    value: request.value,
    lease: request.lease,
    prev_kv: request.prevKv,
    ignore_value: request.ignoreValue,
    ignore_lease: request.ignoreLease,
  };
}

function deleteTo(request: DeleteRangeRequest): etcdserverpb.DeleteRangeRequest.$Properties {
  return { ...spanTo(request), prev_kv: request.prevKv };
}

function compareTo(compare: Compare): etcdserverpb.Compare.$Properties {
  const { target } = compare;
  const shared = { ...spanTo(compare), result: RESULTS[compare.result], target: COMPARED[target] };
  switch (target) {
    case "version":
      return { ...shared, version: compare.version };
    case "create":
      return { ...shared, create_revision: compare.createRevision };
    case "mod":
      return { ...shared, mod_revision: compare.modRevision };
    case "value":
      return { ...shared, value: compare.value };
    case "lease":
      return { ...shared, lease: compare.lease };
  }
}

function operationTo(operation: RequestOp): etcdserverpb.RequestOp.$Properties {
  switch (operation.kind) {
    case "range":
      return { request_range: rangeTo(operation.range) };
    case "put":
      return { request_put: putTo(operation.put) };
    case "delete-range":
      return { request_delete_range: deleteTo(operation.deleteRange) };
    case "txn":
      return { request_txn: txnTo(operation.txn) };
  }
}

function txnTo(txn: TxnRequest): etcdserverpb.TxnRequest.$Properties {
  return {
    compare: txn.compare.map(compareTo),
    success: txn.success.map(operationTo),
    failure: txn.failure.map(operationTo),
  };
}

function keyValueFrom(kv: mvccpb.KeyValue.$Properties): KeyValue {
  return {
    key: keyOf(kv.key ?? new Uint8Array(0)),
    createRevision: countOf(kv.create_revision) as Revision,
    modRevision: countOf(kv.mod_revision) as Revision,
    version: countOf(kv.version),
    value: new Uint8Array(kv.value ?? []),
    lease: bigintOf(kv.lease ?? 0) as LeaseId,
  };
}

function rangeFrom(answer: etcdserverpb.RangeResponse.$Properties): RangeResponse {
  const kvs = (answer.kvs ?? []).map(keyValueFrom);
  return { kvs, more: answer.more ?? false, count: countOf(answer.count) };
}

function putFrom(answer: etcdserverpb.PutResponse.$Properties): { prevKv?: KeyValue } {
  return answer.prev_kv ? { prevKv: keyValueFrom(answer.prev_kv) } : {};
}

function deleteFrom(answer: etcdserverpb.DeleteRangeResponse.$Properties): {
  deleted: number;
  prevKvs: KeyValue[];
} {
  const prevKvs = (answer.prev_kvs ?? []).map(keyValueFrom);
  return { deleted: countOf(answer.deleted), prevKvs };
}

function txnFrom(answer: etcdserverpb.TxnResponse.$Properties): TxnResponse {
  return {
    succeeded: answer.succeeded ?? false,
    responses: (answer.responses ?? []).map(operationFrom),
  };
}

function operationFrom(answer: etcdserverpb.ResponseOp.$Properties): ResponseOp {
  const { response_range, response_put, response_delete_range, response_txn } = answer;
  if (response_range) return { kind: "range", range: rangeFrom(response_range) };
  if (response_put) return { kind: "put", put: putFrom(response_put) };
  if (response_delete_range) {
    return { kind: "delete-range", deleteRange: deleteFrom(response_delete_range) };
  }
  return { kind: "txn", txn: txnFrom(present(response_txn, "one of the four answers")) };
}
