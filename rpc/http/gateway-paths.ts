// Where the JSON gateway offers which method: the paths behind /v3 for each method of etcd's services. An empty
// list: the method is not in the gateway.
import type { MethodPath } from "../../proto/index.ts";

/** What stands before each path: of etcd 3.4 and later, 3.3, and 3.2 and earlier. */
export const GATEWAY_PREFIXES = ["/v3", "/v3beta", "/v3alpha"] as const;

/** The methods of etcd's services; Hansa's own and the health service are not in the gateway. */
export type GatewayMethod = Extract<
  MethodPath,
  `/etcdserverpb.${string}` | `/v3lockpb.${string}` | `/v3electionpb.${string}`
>;

/** etcd's; some methods have two (the second is the older). Fails to compile while a method is missing. */
export const GATEWAY_PATHS: Readonly<Record<GatewayMethod, readonly string[]>> = {
  "/etcdserverpb.KV/Range": ["/kv/range"],
  "/etcdserverpb.KV/RangeStream": [],
  "/etcdserverpb.KV/Put": ["/kv/put"],
  "/etcdserverpb.KV/DeleteRange": ["/kv/deleterange"],
  "/etcdserverpb.KV/Txn": ["/kv/txn"],
  "/etcdserverpb.KV/Compact": ["/kv/compaction"],
  "/etcdserverpb.Watch/Watch": ["/watch"],
  "/etcdserverpb.Lease/LeaseGrant": ["/lease/grant"],
  "/etcdserverpb.Lease/LeaseRevoke": ["/lease/revoke", "/kv/lease/revoke"],
  "/etcdserverpb.Lease/LeaseKeepAlive": ["/lease/keepalive"],
  "/etcdserverpb.Lease/LeaseTimeToLive": ["/lease/timetolive", "/kv/lease/timetolive"],
  "/etcdserverpb.Lease/LeaseLeases": ["/lease/leases", "/kv/lease/leases"],
  "/etcdserverpb.Cluster/MemberAdd": ["/cluster/member/add"],
  "/etcdserverpb.Cluster/MemberRemove": ["/cluster/member/remove"],
  "/etcdserverpb.Cluster/MemberUpdate": ["/cluster/member/update"],
  "/etcdserverpb.Cluster/MemberList": ["/cluster/member/list"],
  "/etcdserverpb.Cluster/MemberPromote": ["/cluster/member/promote"],
  "/etcdserverpb.Maintenance/Alarm": ["/maintenance/alarm"],
  "/etcdserverpb.Maintenance/Status": ["/maintenance/status"],
  "/etcdserverpb.Maintenance/Defragment": ["/maintenance/defragment"],
  "/etcdserverpb.Maintenance/Hash": ["/maintenance/hash"],
  "/etcdserverpb.Maintenance/HashKV": ["/maintenance/hashkv"],
  "/etcdserverpb.Maintenance/Snapshot": ["/maintenance/snapshot"],
  "/etcdserverpb.Maintenance/MoveLeader": ["/maintenance/transfer-leadership"],
  "/etcdserverpb.Maintenance/Downgrade": ["/maintenance/downgrade"],
  "/etcdserverpb.Auth/AuthEnable": ["/auth/enable"],
  "/etcdserverpb.Auth/AuthDisable": ["/auth/disable"],
  "/etcdserverpb.Auth/AuthStatus": ["/auth/status"],
  "/etcdserverpb.Auth/Authenticate": ["/auth/authenticate"],
  "/etcdserverpb.Auth/UserAdd": ["/auth/user/add"],
  "/etcdserverpb.Auth/UserGet": ["/auth/user/get"],
  "/etcdserverpb.Auth/UserList": ["/auth/user/list"],
  "/etcdserverpb.Auth/UserDelete": ["/auth/user/delete"],
  "/etcdserverpb.Auth/UserChangePassword": ["/auth/user/changepw"],
  "/etcdserverpb.Auth/UserGrantRole": ["/auth/user/grant"],
  "/etcdserverpb.Auth/UserRevokeRole": ["/auth/user/revoke"],
  "/etcdserverpb.Auth/RoleAdd": ["/auth/role/add"],
  "/etcdserverpb.Auth/RoleGet": ["/auth/role/get"],
  "/etcdserverpb.Auth/RoleList": ["/auth/role/list"],
  "/etcdserverpb.Auth/RoleDelete": ["/auth/role/delete"],
  "/etcdserverpb.Auth/RoleGrantPermission": ["/auth/role/grant"],
  "/etcdserverpb.Auth/RoleRevokePermission": ["/auth/role/revoke"],
  "/v3lockpb.Lock/Lock": ["/lock/lock"],
  "/v3lockpb.Lock/Unlock": ["/lock/unlock"],
  "/v3electionpb.Election/Campaign": ["/election/campaign"],
  "/v3electionpb.Election/Proclaim": ["/election/proclaim"],
  "/v3electionpb.Election/Leader": ["/election/leader"],
  "/v3electionpb.Election/Observe": ["/election/observe"],
  "/v3electionpb.Election/Resign": ["/election/resign"],
};
