// hansa.peer.v1.Peer/Members and Publish, both sides: what a member tells one that wants to join or has lost its
// data, and what it is told by one that has started. Asked before there is a stream, or beside it.
import { Metadata } from "@grpc/grpc-js";
import type { ClusterId, MemberId } from "../base/index.ts";
import type { Membership } from "../consensus/index.ts";
import { Writer, bigintOf, hansa } from "../proto/index.ts";
import type { MethodPath, Reader } from "../proto/index.ts";
import type { CallContext, Done } from "./backend.ts";
import { decoded } from "./decode.ts";
import { readMembership, writeMembership } from "./entry-codec.ts";
import { bytesIn, bytesOut, errorIn } from "./grpc-bytes.ts";
import type { PeerDialer } from "./peer-dial.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const wire = hansa.peer.v1;
const MEMBERS: MethodPath = "/hansa.peer.v1.Peer/Members";
const PUBLISH: MethodPath = "/hansa.peer.v1.Peer/Publish";

/** The cluster as one member knows it. */
export interface ClusterView {
  readonly clusterId: ClusterId;
  /** Of the group. */
  readonly protocol: string;
  readonly membership: Membership;
  /** It is committed, and no joint one: it will not be taken back. */
  readonly decided: boolean;
}

/** What a member that has started says of itself. */
export interface Publication {
  readonly id: MemberId;
  readonly incarnation: bigint;
  readonly name: string;
  readonly clientUrls: readonly string[];
}

export interface PeerMembersOptions {
  readonly view: () => ClusterView;
  readonly publish: (publication: Publication, context: CallContext, done: Done<undefined>) => void;
}

export function peerMembersTable({ view, publish }: PeerMembersOptions): ServiceTable {
  return {
    "/hansa.peer.v1.Peer/Members": unary((_, __, reply) => reply(viewBytes(view()))),
    "/hansa.peer.v1.Peer/Publish": unary((bytes, call, reply) => {
      publish(decoded(bytes, readPublication), call, (answer) => {
        reply(answer.ok ? wire.PublishResponse.encode({}).finish() : answer.error);
      });
    }),
  };
}

/** @throws {KvError} when the member at `url` does not answer in time, or not as a member would. */
export async function askClusterView(
  dialer: PeerDialer,
  url: string,
  timeoutMs: number,
): Promise<ClusterView> {
  const request = wire.MembersRequest.encode({}).finish();
  const bytes = await callOnce(dialer, url, MEMBERS, request, timeoutMs);
  return decoded(bytes, readView);
}

/** @throws {KvError} as `askClusterView`, or what the leader says. */
export async function publishTo(
  dialer: PeerDialer,
  url: string,
  publication: Publication,
  timeoutMs: number,
): Promise<void> {
  const { id, incarnation, name, clientUrls } = publication;
  const request = { id, incarnation, name, client_urls: [...clientUrls] };
  await callOnce(dialer, url, PUBLISH, wire.PublishRequest.encode(request).finish(), timeoutMs);
}

/** One call over a connection of its own. */
async function callOnce(
  dialer: PeerDialer,
  url: string,
  method: MethodPath,
  request: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const client = dialer.clientTo(url, {});
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method,
        bytesOut,
        bytesIn,
        request,
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          if (error === null) resolve(response ?? new Uint8Array(0));
          else reject(errorIn(error));
        },
      );
    });
  } finally {
    client.close();
  }
}

/** The membership is written as in an entry. */
function viewBytes({ clusterId, protocol, membership, decided }: ClusterView): Uint8Array {
  const writer = new Writer();
  writer.uint32(1 << 3).uint64(clusterId);
  writer.uint32((2 << 3) | 2).string(protocol);
  writer.uint32((3 << 3) | 2).fork();
  writeMembership(writer, membership);
  writer.ldelim();
  writer.uint32(4 << 3).bool(decided);
  return writer.finish(true);
}

function readView(reader: Reader): ClusterView {
  let clusterId = 0n as ClusterId;
  let protocol = "";
  let membership: Membership | undefined;
  let decided = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) clusterId = bigintOf(reader.uint64()) as ClusterId;
    else if (tag === ((2 << 3) | 2)) protocol = reader.string();
    else if (tag === ((3 << 3) | 2)) membership = reader.nested(readMembership);
    else if (tag === 4 << 3) decided = reader.bool();
    else reader.pass(tag);
  }
  if (membership === undefined) throw new RangeError("a cluster's view has no membership");
  return { clusterId, protocol, membership, decided };
}

function readPublication(reader: Reader): Publication {
  const message = wire.PublishRequest.decode(reader, reader.len - reader.pos);
  return {
    id: bigintOf(message.id) as MemberId,
    incarnation: bigintOf(message.incarnation),
    name: message.name,
    clientUrls: message.client_urls,
  };
}
