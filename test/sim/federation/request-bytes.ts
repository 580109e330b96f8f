// The requests that clients of a simulated region make, as the bytes that a client library sends: one that is handed on
// to another member crosses the peers' wire, and is read there before it is proposed.
import { assert, bytesOf } from "../../../base/index.ts";
import { etcdserverpb } from "../../../proto/index.ts";
import { leaseGrantBytes, leaseRenewalBytes } from "../../../rpc/lease-codec.ts";
import type { PutRequest, Request, RequestOp } from "../../../store/index.ts";

/** @throws {AssertionError} for what no client here asks for. */
export function requestBytes(request: Request): Uint8Array {
  switch (request.kind) {
    case "put":
      return etcdserverpb.PutRequest.encode(wirePut(request.put)).finish();
    case "delete-range": {
      const { key, end, prevKv } = request.deleteRange;
      const until = end === undefined ? {} : { range_end: bytesOf(end) };
      const wire = { key: bytesOf(key), ...until, prev_kv: prevKv };
      return etcdserverpb.DeleteRangeRequest.encode(wire).finish();
    }
    case "txn": {
      assert(request.txn.compare.length === 0, "transactions here compare nothing");
      const success = request.txn.success.map(wirePutOp);
      return etcdserverpb.TxnRequest.encode({ success }).finish();
    }
    case "lease-grant":
      return leaseGrantBytes({ id: request.id, ttlS: Math.ceil(request.ttlMs / 1000) });
    case "lease-renew":
      return leaseRenewalBytes(request.ids);
    case "lease-expire":
      return new Uint8Array();
    case "federation":
      return request.body;
    default:
      assert(false, `no client here asks for ${request.kind}`);
  }
}

function wirePut({ key, value, lease, siblingContext }: PutRequest): etcdserverpb.IPutRequest {
  const context = siblingContext === undefined ? {} : { sibling_context: siblingContext };
  return { key: bytesOf(key), value, lease, ...context };
}

function wirePutOp(op: RequestOp): etcdserverpb.IRequestOp {
  assert(op.kind === "put", `a transaction here puts, it does not ${op.kind}`);
  return { request_put: wirePut(op.put) };
}
