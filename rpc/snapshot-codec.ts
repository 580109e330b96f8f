// Snapshot messages between types and bytes. What a block holds is the store's; here it is bytes.
import { exactNumberOf } from "../proto/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import type { WireId } from "../consensus/index.ts";
import { nodeOf, readWireId, writeWireId } from "./entry-codec.ts";
import type { SnapshotEnding, SnapshotMessage } from "./peer-message.ts";

const KINDS: Readonly<Record<SnapshotMessage["kind"], number>> = {
  "snapshot-wanted": 1,
  "snapshot-block": 2,
  "snapshot-ack": 3,
  "snapshot-ended": 4,
};

const ENDINGS: Readonly<Record<SnapshotEnding, number>> = { installed: 1, unneeded: 2, refused: 3 };

export function writeSnapshotMessage(writer: Writer, message: SnapshotMessage): void {
  writer.uint32(1 << 3).uint32(KINDS[message.kind]);
  writer.uint32(2 << 3).uint64(message.from);
  if (message.kind === "snapshot-wanted") return;
  writeWireId(writer, 3, message.id);
  if (message.kind === "snapshot-ended") {
    writer.uint32(6 << 3).uint32(ENDINGS[message.ending]);
    return;
  }
  writer.uint32(4 << 3).uint64(message.offset);
  if (message.kind === "snapshot-block") writer.uint32((5 << 3) | 2).bytes(message.block);
}

/** Undefined: a kind that a later version speaks. @throws {RangeError} for what is incomplete. */
export function readSnapshotMessage(reader: Reader): SnapshotMessage | undefined {
  let kind = 0;
  let node = 0;
  let id: WireId | undefined;
  let offset = 0;
  let block: Uint8Array = new Uint8Array(0);
  let ended = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        kind = reader.uint32();
        break;
      case 2 << 3:
        node = exactNumberOf(reader.uint64(), "from");
        break;
      case (3 << 3) | 2:
        id = reader.nested(readWireId);
        break;
      case 4 << 3:
        offset = exactNumberOf(reader.uint64(), "offset");
        break;
      case (5 << 3) | 2:
        block = reader.bytes();
        break;
      case 6 << 3:
        ended = reader.uint32();
        break;
      default:
        reader.pass(tag);
    }
  }
  const from = nodeOf(node, "from");
  if (kind === KINDS["snapshot-wanted"]) return { kind: "snapshot-wanted", from };
  if (id === undefined) throw new RangeError("a snapshot message has no id");
  if (kind === KINDS["snapshot-block"]) return { kind: "snapshot-block", from, id, offset, block };
  if (kind === KINDS["snapshot-ack"]) return { kind: "snapshot-ack", from, id, offset };
  if (kind !== KINDS["snapshot-ended"]) return undefined;
  const ending = (Object.keys(ENDINGS) as SnapshotEnding[]).find((each) => ENDINGS[each] === ended);
  if (ending === undefined) throw new RangeError(`snapshot ending ${ended} is unknown`);
  return { kind: "snapshot-ended", from, id, ending };
}
