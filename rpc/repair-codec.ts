// Questions of members whose log is damaged, and their answers, between types and bytes.
import type { LogIndex, NodeId } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry, Epoch, Membership, SnapshotMeta, WireId } from "../consensus/index.ts";
import { exactNumberOf } from "../proto/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import {
  indexOf,
  nodeOf,
  readEntry,
  readEpoch,
  readMembership,
  readWireId,
  writeEntry,
  writeEpoch,
  writeMembership,
  writeWireId,
} from "./entry-codec.ts";
import type { RepairMessage, RepairSource } from "./peer-message.ts";

export function writeRepairMessage(writer: Writer, message: RepairMessage): void {
  writer.uint32(1 << 3).uint64(message.from);
  writeWireId(writer, 2, message.id);
  if (message.kind === "repair-wanted") {
    writeEpoch(writer, 3, message.promised);
    for (const { index, epoch } of message.names) {
      writer.uint32((4 << 3) | 2).fork();
      writer.uint32(1 << 3).uint64(index);
      writeEpoch(writer, 2, epoch);
      writer.ldelim();
    }
    writer.uint32(5 << 3).uint64(message.logFrom);
    return;
  }
  for (const entry of message.entries) {
    writer.uint32((6 << 3) | 2).fork();
    writeEntry(writer, entry);
    writer.ldelim();
  }
  if (message.source !== undefined) writeSource(writer, message.source);
  if (message.floor !== undefined) writeMark(writer, 8, message.floor);
}

function writeSource(writer: Writer, { epoch, meta, last, committed }: RepairSource): void {
  writer.uint32((7 << 3) | 2).fork();
  writeEpoch(writer, 1, epoch);
  writeMark(writer, 2, meta);
  writer.uint32(3 << 3).uint64(last);
  writer.uint32(4 << 3).uint64(committed);
  writer.ldelim();
}

function writeMark(writer: Writer, field: number, meta: SnapshotMeta): void {
  writer.uint32((field << 3) | 2).fork();
  writer.uint32(1 << 3).uint64(meta.index);
  writeEpoch(writer, 2, meta.epoch);
  writer.uint32((3 << 3) | 2).fork();
  writeMembership(writer, meta.config);
  writer.ldelim();
  writer.ldelim();
}

/** @throws {RangeError} for what is incomplete. */
export function readRepairMessage(reader: Reader): RepairMessage {
  let node = 0;
  let id: WireId | undefined;
  let promised: Epoch | undefined;
  let logFrom = 0 as LogIndex;
  let source: RepairSource | undefined;
  let floor: SnapshotMeta | undefined;
  const names: { readonly index: LogIndex; readonly epoch: Epoch }[] = [];
  const entries: Entry[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        node = exactNumberOf(reader.uint64(), "from");
        break;
      case (2 << 3) | 2:
        id = reader.nested(readWireId);
        break;
      case (3 << 3) | 2:
        promised = reader.nested(readEpoch);
        break;
      case (4 << 3) | 2:
        names.push(reader.nested(readName));
        break;
      case 5 << 3:
        logFrom = indexOf(reader.uint64(), "log_from");
        break;
      case (6 << 3) | 2:
        entries.push(reader.nested(readEntry));
        break;
      case (7 << 3) | 2:
        source = reader.nested(readSource);
        break;
      case (8 << 3) | 2:
        floor = reader.nested(readMark);
        break;
      default:
        reader.pass(tag);
    }
  }
  const from: NodeId = nodeOf(node, "from");
  if (id === undefined) throw new RangeError("a repair message has no id");
  if (promised !== undefined) return { kind: "repair-wanted", from, id, names, promised, logFrom };
  return {
    kind: "repair-given",
    from,
    id,
    entries,
    ...(floor === undefined ? {} : { floor }),
    ...(source === undefined ? {} : { source }),
  };
}

function readName(reader: Reader): { readonly index: LogIndex; readonly epoch: Epoch } {
  let index = 0 as LogIndex;
  let epoch = EPOCH_ZERO;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) index = indexOf(reader.uint64(), "name.index");
    else if (tag === ((2 << 3) | 2)) epoch = reader.nested(readEpoch);
    else reader.pass(tag);
  }
  return { index, epoch };
}

function readSource(reader: Reader): RepairSource {
  let epoch = EPOCH_ZERO;
  let meta: SnapshotMeta | undefined;
  let last = 0 as LogIndex;
  let committed = 0 as LogIndex;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) epoch = reader.nested(readEpoch);
    else if (tag === ((2 << 3) | 2)) meta = reader.nested(readMark);
    else if (tag === 3 << 3) last = indexOf(reader.uint64(), "source.last");
    else if (tag === 4 << 3) committed = indexOf(reader.uint64(), "source.committed");
    else reader.pass(tag);
  }
  if (meta === undefined) throw new RangeError("a repair source has no mark");
  return { epoch, meta, last, committed };
}

function readMark(reader: Reader): SnapshotMeta {
  let index = 0 as LogIndex;
  let epoch = EPOCH_ZERO;
  let config: Membership | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) index = indexOf(reader.uint64(), "mark.index");
    else if (tag === ((2 << 3) | 2)) epoch = reader.nested(readEpoch);
    else if (tag === ((3 << 3) | 2)) config = reader.nested(readMembership);
    else reader.pass(tag);
  }
  if (config === undefined) throw new RangeError("a snapshot's mark has no configuration");
  return { index, epoch, config };
}
