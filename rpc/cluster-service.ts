// etcdserverpb.Cluster: the member table, listed where it is asked and changed by the leader.
import type { MemberId } from "../base/index.ts";
import { Writer, bigintOf, etcdserverpb } from "../proto/index.ts";
import type { MethodPath, Reader } from "../proto/index.ts";
import type { Backend, Header, Member, MemberRequest, MembersChanged } from "./backend.ts";
import { decoded } from "./decode.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { writeHeader } from "./header.ts";
import { unary } from "./service.ts";
import type { ForwardToLeader, Method, ServiceTable } from "./service.ts";

const wire = etcdserverpb;

interface Change {
  readonly path: ForwardedPath;
  readonly read: (reader: Reader) => MemberRequest;
  readonly write: (changed: MembersChanged, writer: Writer) => Writer;
}

const CHANGES: readonly Change[] = [
  {
    path: "/etcdserverpb.Cluster/MemberAdd",
    read: (reader) => {
      const { peerURLs, isLearner } = wire.MemberAddRequest.decode(reader);
      return { kind: "add", peerUrls: peerURLs, isLearner };
    },
    write: ({ members, added }, writer) => {
      const member = added === undefined ? null : memberWire(added);
      return wire.MemberAddResponse.encode({ member, members: members.map(memberWire) }, writer);
    },
  },
  {
    path: "/etcdserverpb.Cluster/MemberRemove",
    read: (reader) => ({ kind: "remove", id: idIn(wire.MemberRemoveRequest.decode(reader)) }),
    write: ({ members }, writer) =>
      wire.MemberRemoveResponse.encode({ members: members.map(memberWire) }, writer),
  },
  {
    path: "/etcdserverpb.Cluster/MemberUpdate",
    read: (reader) => {
      const request = wire.MemberUpdateRequest.decode(reader);
      return { kind: "update", id: idIn(request), peerUrls: request.peerURLs };
    },
    write: ({ members }, writer) =>
      wire.MemberUpdateResponse.encode({ members: members.map(memberWire) }, writer),
  },
  {
    path: "/etcdserverpb.Cluster/MemberPromote",
    read: (reader) => ({ kind: "promote", id: idIn(wire.MemberPromoteRequest.decode(reader)) }),
    write: ({ members }, writer) =>
      wire.MemberPromoteResponse.encode({ members: members.map(memberWire) }, writer),
  },
];

export function clusterTable(backend: Backend, forwardToLeader: ForwardToLeader): ServiceTable {
  const list = unary((bytes, call, reply) => {
    const { linearizable } = decoded(bytes, (reader) => wire.MemberListRequest.decode(reader));
    backend.members(linearizable, call, (answer) => {
      if (!answer.ok) reply(answer.error);
      else {
        const members = answer.value.map(memberWire);
        const writer = headed(answer.header);
        reply(wire.MemberListResponse.encode({ members }, writer).finish(true));
      }
    });
  });
  const changes = CHANGES.map((change): [MethodPath, Method] => {
    return [change.path, changeMethod(change, backend, forwardToLeader)];
  });
  return { "/etcdserverpb.Cluster/MemberList": list, ...Object.fromEntries(changes) };
}

function changeMethod(
  { path, read, write }: Change,
  backend: Backend,
  forwardToLeader: ForwardToLeader,
): Method {
  return unary((bytes, call, reply) => {
    const request = decoded(bytes, read);
    if (!call.forwarded && forwardToLeader(path, bytes, call, reply)) return;
    backend.changeMembers(request, call, (answer) => {
      if (answer.ok) reply(write(answer.value, headed(answer.header)).finish(true));
      else reply(answer.error);
    });
  });
}

/** Without a revision: membership is not part of the store's history (etcd). */
function headed(header: Header): Writer {
  const writer = new Writer();
  writeHeader(writer, header);
  return writer;
}

function memberWire(member: Member): etcdserverpb.Member.$Properties {
  return {
    ID: member.id,
    name: member.name,
    peerURLs: [...member.peerUrls],
    clientURLs: [...member.clientUrls],
    isLearner: member.isLearner,
  };
}

function idIn({ ID }: { readonly ID: Parameters<typeof bigintOf>[0] }): MemberId {
  return bigintOf(ID) as MemberId;
}
