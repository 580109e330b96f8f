// How a command becomes a proposal at a leader that takes any: bounded by what is uncommitted (scenario 33). Whether
// it takes any, and what ordering means, is each protocol's: raft/raft.ts, paxos/paxos.ts.
import type { LogIndex } from "../base/index.ts";
import type { ProposeReject } from "./contract.ts";
import { entryBytes } from "./entry-bytes.ts";
import type { Entry } from "./entry.ts";
import type { ReplicaState } from "./replica-state.ts";

/** One at `index`, put there by `order`, unless too much is uncommitted. */
export function proposeCommand(
  { proposals, epoch, options }: ReplicaState,
  data: Uint8Array,
  index: LogIndex,
  order: (entry: Entry) => void,
): LogIndex | ProposeReject {
  const entry: Entry = { kind: "command", index, epoch, data };
  const bytes = entryBytes(entry);
  const full = proposals.bytes + bytes > options.uncommittedBytesMax;
  if (full && proposals.count > 0) return "uncommitted-full";
  order(entry);
  proposals.add({ entry, bytes });
  return index;
}
