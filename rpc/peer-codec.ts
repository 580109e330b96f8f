// Peer messages and frames between types and bytes. Hostile bytes give one typed error and nothing else.
import type { NodeId } from "../base/index.ts";
import type { Envelope, Epoch, ProposeReject, WireId } from "../consensus/index.ts";
import { Writer, bigintOf, exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import { NOBODY } from "../store/index.ts";
import type { RequestKind } from "../store/index.ts";
import { readCaller, writeCaller } from "./caller-codec.ts";
import { bodyReader, writeBody } from "./consensus-codec.ts";
import { decoded } from "./decode.ts";
import { indexOf, nodeOf, readEpoch, readWireId, writeEpoch, writeWireId } from "./entry-codec.ts";
import { weightBytes } from "./peer-message.ts";
import type { ConsensusMessage, PeerMessage } from "./peer-message.ts";
import { readRepairMessage, writeRepairMessage } from "./repair-codec.ts";
import { readSnapshotMessage, writeSnapshotMessage } from "./snapshot-codec.ts";
import { storeCodec } from "./store-codec.ts";

/** Who speaks to whom: the first frame of each side of a stream. */
export interface Hello {
  readonly version: number;
  readonly clusterId: bigint;
  readonly group: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly incarnation: bigint;
}

export interface Frame {
  readonly hello?: Hello;
  readonly messages: readonly PeerMessage[];
}

export function helloFrame(hello: Hello): Uint8Array {
  return hansa.peer.v1.Frame.encode({ hello: helloMessage(hello) }).finish();
}

export function helloBytes(hello: Hello): Uint8Array {
  return hansa.peer.v1.Hello.encode(helloMessage(hello)).finish();
}

function helloMessage({ clusterId, ...hello }: Hello): hansa.peer.v1.Hello.$Properties {
  return { ...hello, cluster_id: clusterId };
}

/** All messages of one turn for one peer. */
export function messagesFrame(messages: readonly PeerMessage[]): Uint8Array {
  let weight = 0;
  for (const message of messages) weight += weightBytes(message) + 16;
  const writer = new Writer().reserve(weight);
  for (const message of messages) {
    writer.uint32((2 << 3) | 2).fork();
    writePeerMessage(writer, message);
    writer.ldelim();
  }
  return writer.finish(true);
}

/** @throws {KvError} `invalid-argument` if the bytes are no frame of this version. */
export function decodeFrame(bytes: Uint8Array): Frame {
  return decoded(bytes, readFrame);
}

function readFrame(reader: Reader): Frame {
  let hello: Hello | undefined;
  const messages: PeerMessage[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) hello = reader.nested(readHello);
    else if (tag === ((2 << 3) | 2)) {
      const message = reader.nested(readPeerMessage);
      if (message !== undefined) messages.push(message);
    } else reader.pass(tag);
  }
  return hello === undefined ? { messages } : { hello, messages };
}

export function readHello(reader: Reader): Hello {
  const wire = hansa.peer.v1.Hello.decode(reader, reader.len - reader.pos);
  return {
    version: wire.version,
    clusterId: bigintOf(wire.cluster_id),
    group: wire.group,
    from: nodeOf(wire.from, "from"),
    to: nodeOf(wire.to, "to"),
    incarnation: bigintOf(wire.incarnation),
  };
}

function writePeerMessage(writer: Writer, message: PeerMessage): void {
  switch (message.kind) {
    case "consensus":
      writer.uint32((1 << 3) | 2).fork();
      writeEnvelope(writer, message.envelope);
      break;
    case "propose":
      writer.uint32((2 << 3) | 2).fork();
      writer.uint32(1 << 3).uint64(message.from);
      writeWireId(writer, 2, message.id);
      writeEpoch(writer, 3, message.epoch);
      writer.uint32(4 << 3).uint32(REQUEST_NUMBERS[message.request]);
      writer.uint32((5 << 3) | 2).bytes(message.body);
      writeCaller(writer, 6, message.caller);
      break;
    case "refused":
      writer.uint32((3 << 3) | 2).fork();
      writer.uint32(1 << 3).uint64(message.from);
      writeWireId(writer, 2, message.id);
      writer.uint32((3 << 3) | 2).string(message.reason);
      if (message.leader !== undefined) writer.uint32(4 << 3).uint64(message.leader);
      break;
    case "placed":
      writer.uint32((6 << 3) | 2).fork();
      writer.uint32(1 << 3).uint64(message.from);
      writeWireId(writer, 2, message.id);
      writer.uint32(3 << 3).uint64(message.index);
      break;
    case "repair-wanted":
    case "repair-given":
      writer.uint32((5 << 3) | 2).fork();
      writeRepairMessage(writer, message);
      break;
    default:
      writer.uint32((4 << 3) | 2).fork();
      writeSnapshotMessage(writer, message);
  }
  writer.ldelim();
}

/** Undefined: a kind that a later version speaks; it is dropped, as the network may drop any message. */
function readPeerMessage(reader: Reader): PeerMessage | undefined {
  let message: PeerMessage | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) {
      const envelope = reader.nested(readEnvelope);
      if (envelope !== undefined) message = { kind: "consensus", envelope };
    } else if (tag === ((2 << 3) | 2)) message = reader.nested(readPropose);
    else if (tag === ((3 << 3) | 2)) message = reader.nested(readRefused);
    else if (tag === ((4 << 3) | 2)) message = reader.nested(readSnapshotMessage);
    else if (tag === ((5 << 3) | 2)) message = reader.nested(readRepairMessage);
    else if (tag === ((6 << 3) | 2)) message = reader.nested(readPlaced);
    else reader.pass(tag);
  }
  return message;
}

function writeEnvelope(writer: Writer, envelope: Envelope<ConsensusMessage>): void {
  writer.uint32(1 << 3).uint64(envelope.from);
  writer.uint32(2 << 3).uint64(envelope.to);
  writer.uint32(3 << 3).uint64(envelope.incarnation);
  writeEpoch(writer, 4, envelope.epoch);
  writeBody(writer, envelope.body);
}

function readEnvelope(reader: Reader): Envelope<ConsensusMessage> | undefined {
  let from = 0;
  let to = 0;
  let incarnation = 0n;
  let epoch: Epoch | undefined;
  let body: ConsensusMessage | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        from = exactNumberOf(reader.uint64(), "from");
        break;
      case 2 << 3:
        to = exactNumberOf(reader.uint64(), "to");
        break;
      case 3 << 3:
        incarnation = bigintOf(reader.uint64());
        break;
      case (4 << 3) | 2:
        epoch = reader.nested(readEpoch);
        break;
      default: {
        const read = bodyReader(tag);
        if (read === undefined) reader.pass(tag);
        else body = reader.nested(read);
      }
    }
  }
  if (epoch === undefined) throw new RangeError("a message has no epoch");
  if (body === undefined) return undefined;
  return { from: nodeOf(from, "from"), to: nodeOf(to, "to"), incarnation, epoch, body };
}

const REQUEST_NUMBERS: Readonly<Record<RequestKind, number>> = {
  put: 1,
  "delete-range": 2,
  txn: 3,
  compaction: 4,
  "session-open": 5,
  "session-close": 6,
  "lease-grant": 7,
  "lease-revoke": 8,
  "lease-renew": 9,
  "lease-expire": 10,
  auth: 20,
  alarm: 40,
  "alarm-finding": 41,
  federation: 50,
};

const REQUEST_KINDS: ReadonlyMap<number, RequestKind> = new Map(
  (Object.keys(REQUEST_NUMBERS) as RequestKind[]).map((kind) => [REQUEST_NUMBERS[kind], kind]),
);

const NO_BYTES: Uint8Array = new Uint8Array(0);

function readPropose(reader: Reader): PeerMessage {
  let from = 0;
  let id: WireId | undefined;
  let epoch: Epoch | undefined;
  let kind = 0;
  let body = NO_BYTES;
  let caller = NOBODY;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        from = exactNumberOf(reader.uint64(), "from");
        break;
      case (2 << 3) | 2:
        id = reader.nested(readWireId);
        break;
      case (3 << 3) | 2:
        epoch = reader.nested(readEpoch);
        break;
      case 4 << 3:
        kind = reader.uint32();
        break;
      case (5 << 3) | 2:
        body = reader.bytes();
        break;
      case (6 << 3) | 2:
        caller = reader.nested(readCaller);
        break;
      default:
        reader.pass(tag);
    }
  }
  const request = REQUEST_KINDS.get(kind);
  if (id === undefined || epoch === undefined) throw new RangeError("a proposal is incomplete");
  if (request === undefined) throw new RangeError(`request kind ${kind} is unknown`);
  // Once logged, a request that nobody can read would stop every replica that applies it.
  storeCodec.decodeRequest(request, body);
  return { kind: "propose", from: nodeOf(from, "from"), id, epoch, request, caller, body };
}

const REASONS: Readonly<Record<ProposeReject, true>> = {
  "not-leader": true,
  "no-leader": true,
  transferring: true,
  "uncommitted-full": true,
  "config-pending": true,
  "config-stale": true,
  "no-commit-in-epoch": true,
  "learner-behind": true,
  "bad-transferee": true,
  "too-many-voters": true,
  "quorums-do-not-meet": true,
  sealed: true,
  halted: true,
};

function isReason(text: string): text is ProposeReject {
  return Object.hasOwn(REASONS, text);
}

function readPlaced(reader: Reader): PeerMessage {
  const wire = hansa.peer.v1.Placed.decode(reader, reader.len - reader.pos);
  return {
    kind: "placed",
    from: nodeOf(wire.from, "from"),
    id: idOf(wire.id, "a place"),
    index: indexOf(wire.index, "index"),
  };
}

function readRefused(reader: Reader): PeerMessage {
  const wire = hansa.peer.v1.Refused.decode(reader, reader.len - reader.pos);
  const { reason } = wire;
  if (!isReason(reason)) throw new RangeError(`refusal ${reason} is unknown`);
  const from = nodeOf(wire.from, "from");
  const refused = { kind: "refused" as const, from, id: idOf(wire.id, "a refusal"), reason };
  return wire.leader === 0 ? refused : { ...refused, leader: nodeOf(wire.leader, "leader") };
}

function idOf(id: hansa.peer.v1.IWireId | null | undefined, whose: string): WireId {
  if (id === null || id === undefined) throw new RangeError(`${whose} has no id`);
  return {
    boot: bigintOf(id.boot ?? 0) as WireId["boot"],
    counter: exactNumberOf(id.counter ?? 0, "id.counter"),
  };
}
