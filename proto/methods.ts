// Every method of every service of the wire: its full path and which side streams. A test compares it with
// the .proto files.

export type Streaming = "unary" | "server" | "client" | "both";

const METHODS = {
  "/etcdserverpb.KV/Range": "unary",
  "/etcdserverpb.KV/RangeStream": "server",
  "/etcdserverpb.KV/Put": "unary",
  "/etcdserverpb.KV/DeleteRange": "unary",
  "/etcdserverpb.KV/Txn": "unary",
  "/etcdserverpb.KV/Compact": "unary",
  "/etcdserverpb.Watch/Watch": "both",
  "/etcdserverpb.Lease/LeaseGrant": "unary",
  "/etcdserverpb.Lease/LeaseRevoke": "unary",
  "/etcdserverpb.Lease/LeaseKeepAlive": "both",
  "/etcdserverpb.Lease/LeaseTimeToLive": "unary",
  "/etcdserverpb.Lease/LeaseLeases": "unary",
  "/etcdserverpb.Cluster/MemberAdd": "unary",
  "/etcdserverpb.Cluster/MemberRemove": "unary",
  "/etcdserverpb.Cluster/MemberUpdate": "unary",
  "/etcdserverpb.Cluster/MemberList": "unary",
  "/etcdserverpb.Cluster/MemberPromote": "unary",
  "/etcdserverpb.Maintenance/Alarm": "unary",
  "/etcdserverpb.Maintenance/Status": "unary",
  "/etcdserverpb.Maintenance/Defragment": "unary",
  "/etcdserverpb.Maintenance/Hash": "unary",
  "/etcdserverpb.Maintenance/HashKV": "unary",
  "/etcdserverpb.Maintenance/Snapshot": "server",
  "/etcdserverpb.Maintenance/MoveLeader": "unary",
  "/etcdserverpb.Maintenance/Downgrade": "unary",
  "/etcdserverpb.Auth/AuthEnable": "unary",
  "/etcdserverpb.Auth/AuthDisable": "unary",
  "/etcdserverpb.Auth/AuthStatus": "unary",
  "/etcdserverpb.Auth/Authenticate": "unary",
  "/etcdserverpb.Auth/UserAdd": "unary",
  "/etcdserverpb.Auth/UserGet": "unary",
  "/etcdserverpb.Auth/UserList": "unary",
  "/etcdserverpb.Auth/UserDelete": "unary",
  "/etcdserverpb.Auth/UserChangePassword": "unary",
  "/etcdserverpb.Auth/UserGrantRole": "unary",
  "/etcdserverpb.Auth/UserRevokeRole": "unary",
  "/etcdserverpb.Auth/RoleAdd": "unary",
  "/etcdserverpb.Auth/RoleGet": "unary",
  "/etcdserverpb.Auth/RoleList": "unary",
  "/etcdserverpb.Auth/RoleDelete": "unary",
  "/etcdserverpb.Auth/RoleGrantPermission": "unary",
  "/etcdserverpb.Auth/RoleRevokePermission": "unary",
  "/v3lockpb.Lock/Lock": "unary",
  "/v3lockpb.Lock/Unlock": "unary",
  "/v3electionpb.Election/Campaign": "unary",
  "/v3electionpb.Election/Proclaim": "unary",
  "/v3electionpb.Election/Leader": "unary",
  "/v3electionpb.Election/Observe": "server",
  "/v3electionpb.Election/Resign": "unary",
  "/grpc.health.v1.Health/Check": "unary",
  "/grpc.health.v1.Health/Watch": "server",
  "/hansa.peer.v1.Peer/Marks": "unary",
  "/hansa.peer.v1.Peer/HashKeys": "unary",
  "/hansa.v1.Session/Open": "unary",
  "/hansa.v1.Session/Close": "unary",
  "/hansa.v1.Federation/Change": "unary",
  "/hansa.v1.Federation/Status": "unary",
  "/hansa.v1.Pipeline/Exchange": "both",
  "/hansa.peer.v1.Peer/Stream": "both",
  "/hansa.peer.v1.Peer/Snapshots": "both",
  "/hansa.peer.v1.Peer/Forward": "unary",
  "/hansa.peer.v1.Peer/Members": "unary",
  "/hansa.peer.v1.Peer/Publish": "unary",
  "/hansa.region.v1.Exchange/Pull": "both",
} as const satisfies Readonly<Record<string, Streaming>>;

/** A gRPC method's full path. */
export type MethodPath = keyof typeof METHODS;

export const METHOD_PATHS = Object.keys(METHODS) as readonly MethodPath[];

export function streamingOf(path: MethodPath): Streaming {
  return METHODS[path];
}
