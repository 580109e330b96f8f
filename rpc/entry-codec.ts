// Epochs, ids, configurations and log entries between types and bytes: what all peer messages are made of.
// An entry's data is written from and read as a view of its bytes.
import type { BootNonce, LogIndex, MemberId, NodeId } from "../base/index.ts";
import type { Entry, Epoch, Membership, Roster, WireId } from "../consensus/index.ts";
import { bigintOf, exactNumberOf, hansa } from "../proto/index.ts";
import type { Int64, Reader, Writer } from "../proto/index.ts";

/** @throws {RangeError} unless it is an index. */
export function indexOf(value: Int64, what: string): LogIndex {
  return exactNumberOf(value, what) as LogIndex;
}

/** @throws {RangeError} unless it is a member's number. */
export function nodeOf(value: Int64, what: string): NodeId {
  const node = exactNumberOf(value, what);
  if (node === 0) throw new RangeError(`${what} is missing`);
  return node as NodeId;
}

export function writeEpoch(writer: Writer, field: number, epoch: Epoch): void {
  writer.uint32((field << 3) | 2).fork();
  if (epoch.config !== 0) writer.uint32(1 << 3).uint64(epoch.config);
  if (epoch.round !== 0) writer.uint32(2 << 3).uint64(epoch.round);
  if (epoch.node !== 0) writer.uint32(3 << 3).uint64(epoch.node);
  writer.ldelim();
}

export function readEpoch(reader: Reader): Epoch {
  let config = 0;
  let round = 0;
  let node: NodeId | 0 = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) config = exactNumberOf(reader.uint64(), "epoch.config");
    else if (tag === 2 << 3) round = exactNumberOf(reader.uint64(), "epoch.round");
    else if (tag === 3 << 3) node = exactNumberOf(reader.uint64(), "epoch.node") as NodeId | 0;
    else reader.pass(tag);
  }
  return { config, round, node };
}

export function writeWireId(writer: Writer, field: number, id: WireId): void {
  writer.uint32((field << 3) | 2).fork();
  writer.uint32((1 << 3) | 1).fixed64(id.boot);
  writer.uint32(2 << 3).uint64(id.counter);
  writer.ldelim();
}

export function readWireId(reader: Reader): WireId {
  let boot = 0n as BootNonce;
  let counter = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 1)) boot = bigintOf(reader.fixed64()) as BootNonce;
    else if (tag === 2 << 3) counter = exactNumberOf(reader.uint64(), "id.counter");
    else reader.pass(tag);
  }
  return { boot, counter };
}

export function writeEntry(writer: Writer, entry: Entry): void {
  writer.uint32(1 << 3).uint64(entry.index);
  writeEpoch(writer, 2, entry.epoch);
  if (entry.kind === "command") writer.uint32((3 << 3) | 2).bytes(entry.data);
  if (entry.kind === "config") {
    writer.uint32((4 << 3) | 2).fork();
    writeMembership(writer, entry.config);
    writer.ldelim();
  }
}

export function readEntry(reader: Reader): Entry {
  let index = 0 as LogIndex;
  let epoch: Epoch | undefined;
  let data: Uint8Array | undefined;
  let config: Membership | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        index = indexOf(reader.uint64(), "entry.index");
        break;
      case (2 << 3) | 2:
        epoch = reader.nested(readEpoch);
        break;
      case (3 << 3) | 2:
        data = reader.bytes();
        break;
      case (4 << 3) | 2:
        config = reader.nested(readMembership);
        break;
      default:
        reader.pass(tag);
    }
  }
  if (epoch === undefined) throw new RangeError(`entry ${index} has no epoch`);
  if (config !== undefined) return { index, epoch, kind: "config", config };
  return data === undefined
    ? { index, epoch, kind: "noop" }
    : { index, epoch, kind: "command", data };
}

/** As in an entry. */
export function writeMembership(writer: Writer, config: Membership): void {
  const { roster } = config;
  hansa.peer.v1.Membership.encode(
    {
      ...(roster === undefined ? {} : { roster: rosterWire(roster) }),
      index: config.index,
      incoming: [...config.incoming],
      outgoing: [...(config.outgoing ?? [])],
      learners: [...config.learners],
      learners_next: [...(config.learnersNext ?? [])],
      lease_ms: config.leaseMs,
    },
    writer,
  );
}

function rosterWire({ nodeLast, members }: Roster): hansa.peer.v1.Roster.$Properties {
  return {
    node_last: nodeLast,
    members: members.map((member) => ({
      node: member.node,
      id: member.id,
      incarnation: member.incarnation,
      name: member.name,
      peer_urls: [...member.peerUrls],
      client_urls: [...member.clientUrls],
      votes_next: member.votesNext,
    })),
  };
}

function rosterIn(wire: hansa.peer.v1.Roster.$Properties): Roster {
  return {
    nodeLast: nodeOf(wire.node_last ?? 0, "roster.node_last"),
    members: (wire.members ?? []).map((member) => ({
      node: nodeOf(member.node ?? 0, "member.node"),
      id: bigintOf(member.id ?? 0) as MemberId,
      incarnation: bigintOf(member.incarnation ?? 0),
      name: member.name ?? "",
      peerUrls: member.peer_urls ?? [],
      clientUrls: member.client_urls ?? [],
      votesNext: member.votes_next ?? false,
    })),
  };
}

/** @throws {RangeError} unless it is a configuration with voters. */
export function readMembership(reader: Reader): Membership {
  const wire = hansa.peer.v1.Membership.decode(reader, reader.len - reader.pos);
  const nodes = (ids: readonly Int64[]): readonly NodeId[] =>
    ids.map((id) => nodeOf(id, "a member's number"));
  const incoming = nodes(wire.incoming);
  if (incoming.length === 0) throw new RangeError("a configuration has no voters");
  if (!(wire.lease_ms > 0 && wire.lease_ms < Infinity)) {
    throw new RangeError(`lease of ${wire.lease_ms} ms`);
  }
  return {
    index: indexOf(wire.index, "config.index"),
    incoming,
    ...(wire.outgoing.length === 0 ? undefined : { outgoing: nodes(wire.outgoing) }),
    learners: nodes(wire.learners),
    ...(wire.learners_next.length === 0 ? undefined : { learnersNext: nodes(wire.learners_next) }),
    leaseMs: wire.lease_ms,
    ...(wire.roster === null || wire.roster === undefined
      ? undefined
      : { roster: rosterIn(wire.roster) }),
  };
}
