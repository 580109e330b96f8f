// The methods that a client calls, each with the codecs of its messages.
import { etcdserverpb, hansa } from "../proto/index.ts";
import type { MethodPath, Writer } from "../proto/index.ts";

/** A method: its path and its messages' codecs. */
export interface Method<Request, Response> {
  readonly path: MethodPath;
  readonly request: { encode(message: Request): Writer };
  readonly response: { decode(bytes: Uint8Array): Response };
}

function method<Request, Response>(
  path: MethodPath,
  request: { encode(message: Request): Writer },
  response: { decode(bytes: Uint8Array): Response },
): Method<Request, Response> {
  return { path, request, response };
}

export const METHODS = {
  range: method("/etcdserverpb.KV/Range", etcdserverpb.RangeRequest, etcdserverpb.RangeResponse),
  put: method("/etcdserverpb.KV/Put", etcdserverpb.PutRequest, etcdserverpb.PutResponse),
  deleteRange: method(
    "/etcdserverpb.KV/DeleteRange",
    etcdserverpb.DeleteRangeRequest,
    etcdserverpb.DeleteRangeResponse,
  ),
  txn: method("/etcdserverpb.KV/Txn", etcdserverpb.TxnRequest, etcdserverpb.TxnResponse),
  compaction: method(
    "/etcdserverpb.KV/Compact",
    etcdserverpb.CompactionRequest,
    etcdserverpb.CompactionResponse,
  ),
  status: method(
    "/etcdserverpb.Maintenance/Status",
    etcdserverpb.StatusRequest,
    etcdserverpb.StatusResponse,
  ),
  alarm: method(
    "/etcdserverpb.Maintenance/Alarm",
    etcdserverpb.AlarmRequest,
    etcdserverpb.AlarmResponse,
  ),
  hash: method(
    "/etcdserverpb.Maintenance/Hash",
    etcdserverpb.HashRequest,
    etcdserverpb.HashResponse,
  ),
  hashKv: method(
    "/etcdserverpb.Maintenance/HashKV",
    etcdserverpb.HashKVRequest,
    etcdserverpb.HashKVResponse,
  ),
  defragment: method(
    "/etcdserverpb.Maintenance/Defragment",
    etcdserverpb.DefragmentRequest,
    etcdserverpb.DefragmentResponse,
  ),
  downgrade: method(
    "/etcdserverpb.Maintenance/Downgrade",
    etcdserverpb.DowngradeRequest,
    etcdserverpb.DowngradeResponse,
  ),
  memberList: method(
    "/etcdserverpb.Cluster/MemberList",
    etcdserverpb.MemberListRequest,
    etcdserverpb.MemberListResponse,
  ),
  memberAdd: method(
    "/etcdserverpb.Cluster/MemberAdd",
    etcdserverpb.MemberAddRequest,
    etcdserverpb.MemberAddResponse,
  ),
  memberRemove: method(
    "/etcdserverpb.Cluster/MemberRemove",
    etcdserverpb.MemberRemoveRequest,
    etcdserverpb.MemberRemoveResponse,
  ),
  memberUpdate: method(
    "/etcdserverpb.Cluster/MemberUpdate",
    etcdserverpb.MemberUpdateRequest,
    etcdserverpb.MemberUpdateResponse,
  ),
  memberPromote: method(
    "/etcdserverpb.Cluster/MemberPromote",
    etcdserverpb.MemberPromoteRequest,
    etcdserverpb.MemberPromoteResponse,
  ),
  moveLeader: method(
    "/etcdserverpb.Maintenance/MoveLeader",
    etcdserverpb.MoveLeaderRequest,
    etcdserverpb.MoveLeaderResponse,
  ),
  leaseGrant: method(
    "/etcdserverpb.Lease/LeaseGrant",
    etcdserverpb.LeaseGrantRequest,
    etcdserverpb.LeaseGrantResponse,
  ),
  leaseRevoke: method(
    "/etcdserverpb.Lease/LeaseRevoke",
    etcdserverpb.LeaseRevokeRequest,
    etcdserverpb.LeaseRevokeResponse,
  ),
  leaseTimeToLive: method(
    "/etcdserverpb.Lease/LeaseTimeToLive",
    etcdserverpb.LeaseTimeToLiveRequest,
    etcdserverpb.LeaseTimeToLiveResponse,
  ),
  leaseLeases: method(
    "/etcdserverpb.Lease/LeaseLeases",
    etcdserverpb.LeaseLeasesRequest,
    etcdserverpb.LeaseLeasesResponse,
  ),
  leaseKeepAlive: method(
    "/etcdserverpb.Lease/LeaseKeepAlive",
    etcdserverpb.LeaseKeepAliveRequest,
    etcdserverpb.LeaseKeepAliveResponse,
  ),
  watch: method("/etcdserverpb.Watch/Watch", etcdserverpb.WatchRequest, etcdserverpb.WatchResponse),
  federationChange: method(
    "/hansa.v1.Federation/Change",
    hansa.v1.FederationChangeRequest,
    hansa.v1.FederationChangeResponse,
  ),
  federationVerify: method(
    "/hansa.v1.Federation/Verify",
    hansa.v1.FederationVerifyRequest,
    hansa.v1.FederationVerifyResponse,
  ),
  federationStatus: method(
    "/hansa.v1.Federation/Status",
    hansa.v1.FederationStatusRequest,
    hansa.v1.FederationStatusResponse,
  ),
  salvageList: method(
    "/hansa.v1.Salvage/List",
    hansa.v1.SalvageListRequest,
    hansa.v1.SalvageListResponse,
  ),
  salvageDiscard: method(
    "/hansa.v1.Salvage/Discard",
    hansa.v1.SalvageDiscardRequest,
    hansa.v1.SalvageDiscardResponse,
  ),
  conflictsOpen: method(
    "/hansa.v1.Conflicts/ListOpen",
    hansa.v1.ListOpenRequest,
    hansa.v1.ListOpenResponse,
  ),
  conflictsSettled: method(
    "/hansa.v1.Conflicts/ListSettled",
    hansa.v1.ListSettledRequest,
    hansa.v1.ListSettledResponse,
  ),
  conflictWatch: method(
    "/hansa.v1.Conflicts/Watch",
    hansa.v1.ConflictWatchRequest,
    hansa.v1.ConflictEvents,
  ),
  idsAllocate: method(
    "/hansa.v1.Ids/Allocate",
    hansa.v1.AllocateIdsRequest,
    hansa.v1.AllocateIdsResponse,
  ),
  sessionOpen: method(
    "/hansa.v1.Session/Open",
    hansa.v1.SessionOpenRequest,
    hansa.v1.SessionOpenResponse,
  ),
  sessionClose: method(
    "/hansa.v1.Session/Close",
    hansa.v1.SessionCloseRequest,
    hansa.v1.SessionCloseResponse,
  ),
} as const;
