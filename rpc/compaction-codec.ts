// A compaction that the server proposes by itself, as a client would have sent it.
import type { Revision } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";

export function compactionBytes(revision: Revision): Uint8Array {
  return etcdserverpb.CompactionRequest.encode({ revision }).finish();
}
