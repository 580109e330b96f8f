// What a member may hand on to another one of its cluster, to be answered there.
import type { MethodPath } from "../proto/index.ts";

/**
 * Reads, and changes of membership, which are compare-and-set: a forwarded write of data needs the asker's own
 * apply to answer it (peer-message.ts). One that waits for other regions is forwarded, for the leader alone knows
 * them, and its answer waits for that apply (region-quorum.ts). So is the comparison with them.
 */
const FORWARDED = [
  "/etcdserverpb.KV/Range",
  "/etcdserverpb.KV/Put",
  "/etcdserverpb.KV/DeleteRange",
  "/etcdserverpb.KV/Txn",
  "/etcdserverpb.Cluster/MemberAdd",
  "/etcdserverpb.Cluster/MemberRemove",
  "/etcdserverpb.Cluster/MemberUpdate",
  "/etcdserverpb.Cluster/MemberList",
  "/etcdserverpb.Cluster/MemberPromote",
  "/hansa.v1.Federation/Verify",
  "/hansa.peer.v1.Peer/Marks",
  "/hansa.peer.v1.Peer/HashKeys",
] as const satisfies readonly MethodPath[];

export type ForwardedPath = (typeof FORWARDED)[number];

const PATHS: ReadonlySet<string> = new Set(FORWARDED);

export function isForwarded(method: string): method is ForwardedPath {
  return PATHS.has(method);
}
