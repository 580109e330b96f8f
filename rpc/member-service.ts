// etcdserverpb.Maintenance and Cluster, as far as they are answered from what this member knows.
import { Writer, etcdserverpb } from "../proto/index.ts";
import type { Backend, Header, Member, NodeStatus } from "./backend.ts";
import { decoded } from "./decode.ts";
import { writeHeader } from "./header.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

export function memberTable(backend: Backend): ServiceTable {
  return {
    "/etcdserverpb.Maintenance/Status": unary((_, __, reply) => {
      reply(statusBytes(backend.header(), backend.status()));
    }),
    "/etcdserverpb.Cluster/MemberList": unary((bytes, call, reply) => {
      const { linearizable } = decoded(bytes, (reader) =>
        etcdserverpb.MemberListRequest.decode(reader),
      );
      backend.members(linearizable, call, (answer) => {
        reply(answer.ok ? membersBytes(answer.header, answer.value) : answer.error);
      });
    }),
  };
}

/** The header goes first, by its own writer; the rest of the message follows on the wire. */
function statusBytes(header: Header, status: NodeStatus): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  const message = {
    version: status.version,
    dbSize: status.dbSizeBytes,
    leader: status.leader,
    raftIndex: status.raftIndex,
    raftTerm: status.raftTerm,
    raftAppliedIndex: status.raftAppliedIndex,
    errors: [...status.errors],
    dbSizeInUse: status.dbSizeInUseBytes,
    isLearner: status.isLearner,
  };
  return etcdserverpb.StatusResponse.encode(message, writer).finish(true);
}

/** Without a revision: membership is not part of the store's history (etcd). */
function membersBytes(header: Header, members: readonly Member[]): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header);
  const message = {
    members: members.map((member) => ({
      ID: member.id,
      name: member.name,
      peerURLs: [...member.peerUrls],
      clientURLs: [...member.clientUrls],
      isLearner: member.isLearner,
    })),
  };
  return etcdserverpb.MemberListResponse.encode(message, writer).finish(true);
}
