// What members of a group say to each other: the core's messages, and proposals handed to the leader.
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Entry, Envelope, Epoch, ProposeReject, WireId } from "../consensus/index.ts";
import type { RaftMessage } from "../raft/index.ts";
import type { RequestKind } from "../store/index.ts";

export type ConsensusMessage = RaftMessage;

/**
 * `propose` carries a request's bytes to the leader, which stamps and proposes them; `proposed` tells
 * the asker where, so that it answers from its own apply of that very entry, or why not. Either may be
 * lost: the asker's deadline then ends the call with outcome `unknown`.
 */
export type PeerMessage =
  | { readonly kind: "consensus"; readonly envelope: Envelope<ConsensusMessage> }
  | {
      readonly kind: "propose";
      readonly from: NodeId;
      readonly id: WireId;
      readonly request: RequestKind;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: "proposed";
      readonly id: WireId;
      readonly result:
        | { readonly ok: true; readonly index: LogIndex; readonly epoch: Epoch }
        | { readonly ok: false; readonly reason: ProposeReject; readonly leader?: NodeId };
    };

/** Bytes of entry data a message carries, for queue bounds; headers count a flat 64. */
export function weightBytes(message: PeerMessage): number {
  if (message.kind === "propose") return message.body.length + 64;
  if (message.kind === "proposed") return 64;
  const body = message.envelope.body;
  return body.kind === "append-entries" ? 64 + entriesBytes(body.entries) : 64;
}

function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += 32 + (entry.kind === "command" ? entry.data.length : 0);
  return bytes;
}
