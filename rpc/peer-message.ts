// What members of a group say to each other: the core's messages, and proposals handed to the leader.
import type { LogIndex, NodeId } from "../base/index.ts";
import type {
  Entry,
  Envelope,
  Epoch,
  ProposeReject,
  SnapshotMeta,
  WireId,
} from "../consensus/index.ts";
import type { PaxosMessage } from "../paxos/index.ts";
import type { RaftMessage } from "../raft/index.ts";
import type { Caller, RequestKind } from "../store/index.ts";

export type ConsensusMessage = RaftMessage | PaxosMessage;

/**
 * `propose` carries a request's bytes to the leader of `epoch`, which stamps and proposes them, or says
 * `refused`; in any other epoch it proposes nothing. The asker answers its client from its own apply of
 * the entry, which it knows by `id`. So once the asker has applied an entry of a later epoch, a command
 * that it has not met is lost for good and may be sent again, whatever the network did to the messages. Where a
 * later epoch may complete what an earlier one proposed (Paxos), the leader says where it `placed` the command,
 * and what is chosen there tells.
 */
export type PeerMessage =
  | { readonly kind: "consensus"; readonly envelope: Envelope<ConsensusMessage> }
  | {
      readonly kind: "propose";
      readonly from: NodeId;
      readonly id: WireId;
      readonly epoch: Epoch;
      readonly request: RequestKind;
      readonly caller: Caller;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: "refused";
      readonly from: NodeId;
      readonly id: WireId;
      readonly reason: ProposeReject;
      readonly leader?: NodeId;
    }
  | {
      readonly kind: "placed";
      readonly from: NodeId;
      readonly id: WireId;
      /** The only one at which the command can be committed. */
      readonly index: LogIndex;
    }
  | SnapshotMessage
  | RepairMessage;

/** `installed`, or `unneeded`: the receiver has what the snapshot holds. `refused`: it begins anew or never. */
export type SnapshotEnding = "installed" | "unneeded" | "refused";

/**
 * A snapshot on its way, on a stream of its own so that no heartbeat is ever behind a block. The receiver
 * acknowledges what it has written: `offset` is where it wants the stream to go on, and the sender holds no
 * more than a few blocks beyond that. `snapshot-wanted`: a member whose state was lost asks its leader.
 */
export type SnapshotMessage =
  | { readonly kind: "snapshot-wanted"; readonly from: NodeId }
  | {
      readonly kind: "snapshot-block";
      readonly from: NodeId;
      readonly id: WireId;
      readonly offset: number;
      readonly block: Uint8Array;
    }
  | {
      readonly kind: "snapshot-ack";
      readonly from: NodeId;
      readonly id: WireId;
      readonly offset: number;
    }
  | {
      readonly kind: "snapshot-ended";
      readonly from: NodeId;
      readonly id: WireId;
      readonly ending: SnapshotEnding;
    };

/** Where a whole log may be copied from: a leader that has committed in its epoch, and how far it reaches. */
export interface RepairSource {
  readonly epoch: Epoch;
  /** The log begins behind it. */
  readonly meta: SnapshotMeta;
  readonly last: LogIndex;
  readonly committed: LogIndex;
}

/**
 * A member whose log is damaged asks for entries by name, or, without names, for a leader's log from
 * `logFrom` on. `source` is given by a leader of an epoch that is at least `promised`, whatever was asked.
 * One question at a time; the answer carries its id.
 */
export type RepairMessage =
  | {
      readonly kind: "repair-wanted";
      readonly from: NodeId;
      readonly id: WireId;
      readonly names: readonly { readonly index: LogIndex; readonly epoch: Epoch }[];
      readonly promised: Epoch;
      readonly logFrom: LogIndex;
    }
  | {
      readonly kind: "repair-given";
      readonly from: NodeId;
      readonly id: WireId;
      /** Ascending: of those asked for, the ones that are at hand. */
      readonly entries: readonly Entry[];
      /** The first name asked for is at or below it: committed, and in this member's state alone. */
      readonly floor?: SnapshotMeta;
      readonly source?: RepairSource;
    };

export function isSnapshotMessage(message: PeerMessage): message is SnapshotMessage {
  return message.kind.startsWith("snapshot-");
}

/** Bytes of entry data a message carries, for queue bounds; headers count a flat 64. */
export function weightBytes(message: PeerMessage): number {
  if (message.kind === "propose") return message.body.length + 64;
  if (message.kind === "snapshot-block") return message.block.length + 64;
  if (message.kind === "repair-given") return entriesBytes(message.entries) + 256;
  if (message.kind === "repair-wanted") return message.names.length * 32 + 64;
  if (message.kind !== "consensus") return 64;
  const body = message.envelope.body;
  return "entries" in body ? 64 + entriesBytes(body.entries) : 64;
}

function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += 32 + (entry.kind === "command" ? entry.data.length : 0);
  return bytes;
}
