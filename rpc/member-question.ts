// Asks another member, over the peers' port, for the members as it knows them: it alone knows for certain
// what clients are to be told of it.
import { KvError } from "../base/index.ts";
import type { MemberId } from "../base/index.ts";
import { bigintOf, etcdserverpb } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { CallContext, Member } from "./backend.ts";
import { decoded } from "./decode.ts";
import type { ForwardedPath } from "./forwarded.ts";
import type { Reply } from "./service.ts";

const METHOD: ForwardedPath = "/etcdserverpb.Cluster/MemberList";

/** `forward` hands a call to the member that is asked; `done` gets undefined when it does not answer. */
export function askMembers(
  forward: (method: ForwardedPath, request: Uint8Array, context: CallContext, reply: Reply) => void,
  context: CallContext,
  done: (members: readonly Member[] | undefined) => void,
): void {
  const request = etcdserverpb.MemberListRequest.encode({ linearizable: false }).finish();
  forward(METHOD, request, context, (result) => {
    done(result instanceof Uint8Array ? membersIn(result) : undefined);
  });
}

function membersIn(bytes: Uint8Array): readonly Member[] | undefined {
  try {
    return decoded(bytes, readMembers);
  } catch (cause) {
    // Another member's malformed answer is none.
    if (cause instanceof KvError) return undefined;
    throw cause;
  }
}

function readMembers(reader: Reader): readonly Member[] {
  return etcdserverpb.MemberListResponse.decode(reader).members.map((member) => ({
    id: bigintOf(member.ID ?? 0) as MemberId,
    name: member.name ?? "",
    peerUrls: member.peerURLs ?? [],
    clientUrls: member.clientURLs ?? [],
    isLearner: member.isLearner ?? false,
  }));
}
