// Paxos' own messages between types and bytes. What carries data is written and read in one pass.
import type { LogIndex } from "../base/index.ts";
import type { Entry, Epoch, GroupMessage, WireId } from "../consensus/index.ts";
import type { PaxosMessage } from "../paxos/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import {
  checkConsecutive,
  eachField,
  needed,
  readIdAnd,
  readOneIndex,
  writeEntries,
} from "./body-codec.ts";
import type { BodyCodecs } from "./body-codec.ts";
import {
  indexOf,
  readEntry,
  readEpoch,
  readWireId,
  writeEpoch,
  writeWireId,
} from "./entry-codec.ts";

type OwnMessage = Exclude<PaxosMessage, GroupMessage>;
type Body<K extends OwnMessage["kind"]> = Extract<OwnMessage, { kind: K }>;

export const PAXOS_CODECS: BodyCodecs<OwnMessage> = {
  prepare: {
    field: 40,
    write: (writer, body) => {
      writeIndexes(writer, [body.from]);
      if (body.leave !== undefined) writeEpoch(writer, 2, body.leave);
    },
    read: readPrepare,
  },
  "prepare-poll": {
    field: 41,
    write: (writer, body) => {
      writeWireId(writer, 1, body.poll);
      writeEpoch(writer, 2, body.ballot);
    },
    read: readPreparePoll,
  },
  "prepare-poll-answer": {
    field: 42,
    write: (writer, body) => {
      writeWireId(writer, 1, body.poll);
      writer.uint32(2 << 3).bool(body.granted);
    },
    read: (reader) => {
      const { id, flag } = readIdAnd(reader, "poll");
      return { kind: "prepare-poll-answer", poll: id, granted: flag !== 0 };
    },
  },
  promise: {
    field: 43,
    write: (writer, body) => {
      writeIndexes(writer, [body.chosen, body.compactedTo]);
      writeEntries(writer, 3, body.entries);
    },
    read: (reader) => {
      const { indexes, entries } = readIndexesAndEntries(reader, 3);
      let before = 0;
      for (const { index } of entries) {
        if (index <= before) throw new RangeError(`slot ${index} is reported behind ${before}`);
        before = index;
      }
      return { kind: "promise", chosen: indexes[0], compactedTo: indexes[1], entries };
    },
  },
  accept: {
    field: 44,
    write: (writer, body) => {
      writeIndexes(writer, [body.chosen]);
      writeEntries(writer, 3, body.entries);
    },
    read: (reader) => {
      const { indexes, entries } = readIndexesAndEntries(reader, 3);
      checkConsecutive(entries);
      return { kind: "accept", entries, chosen: indexes[0] };
    },
  },
  accepted: {
    field: 45,
    write: (writer, body) => writeIndexes(writer, [body.from, body.until]),
    read: (reader) => {
      const { indexes } = readIndexesAndEntries(reader, 3);
      return { kind: "accepted", from: indexes[0], until: indexes[1] };
    },
  },
  received: {
    field: 51,
    write: (writer, body) => writeIndexes(writer, [body.from, body.until, body.chosen]),
    read: readReceived,
  },
  learn: {
    field: 46,
    write: (writer, body) => writeIndexes(writer, [body.from]),
    read: (reader) => ({ kind: "learn", from: readOneIndex(reader, "from") }),
  },
  chosen: {
    field: 47,
    write: (writer, body) => {
      writeIndexes(writer, [body.chosen]);
      writeEntries(writer, 3, body.entries);
    },
    read: (reader) => {
      const { indexes, entries } = readIndexesAndEntries(reader, 3);
      checkConsecutive(entries);
      return { kind: "chosen", entries, chosen: indexes[0] };
    },
  },
  "read-slot": {
    field: 48,
    write: (writer, body) => writeWireId(writer, 1, body.id),
    read: (reader) => ({ kind: "read-slot", id: readIdAnd(reader, "id").id }),
  },
  "read-slot-answer": {
    field: 49,
    write: (writer, body) => {
      writeWireId(writer, 1, body.id);
      writer.uint32(2 << 3).uint64(body.slot);
    },
    read: readReadSlotAnswer,
  },
  fill: {
    field: 50,
    write: (writer, body) => writeIndexes(writer, [body.through]),
    read: (reader) => ({ kind: "fill", through: readOneIndex(reader, "through") }),
  },
};

/** In fields 1, 2, ... */
function writeIndexes(writer: Writer, indexes: readonly LogIndex[]): void {
  indexes.forEach((index, at) => {
    if (index !== 0) writer.uint32((at + 1) << 3).uint64(index);
  });
}

/** Indexes in fields 1 and 2, absent ones being 0, and entries in `field`. */
function readIndexesAndEntries(
  reader: Reader,
  field: number,
): { readonly indexes: readonly [LogIndex, LogIndex]; readonly entries: readonly Entry[] } {
  let first = 0 as LogIndex;
  let second = 0 as LogIndex;
  const entries: Entry[] = [];
  eachField(reader, (tag) => {
    if (tag === 1 << 3) first = indexOf(reader.uint64(), "an index");
    else if (tag === 2 << 3) second = indexOf(reader.uint64(), "an index");
    else if (tag === ((field << 3) | 2)) entries.push(reader.nested(readEntry));
    else return false;
    return true;
  });
  return { indexes: [first, second], entries };
}

function readPrepare(reader: Reader): Body<"prepare"> {
  let from = 0 as LogIndex;
  let leave: Epoch | undefined;
  eachField(reader, (tag) => {
    if (tag === 1 << 3) from = indexOf(reader.uint64(), "from");
    else if (tag === ((2 << 3) | 2)) leave = reader.nested(readEpoch);
    else return false;
    return true;
  });
  return leave === undefined ? { kind: "prepare", from } : { kind: "prepare", from, leave };
}

function readReceived(reader: Reader): Body<"received"> {
  const indexes: LogIndex[] = [];
  eachField(reader, (tag) => {
    const field = tag >>> 3;
    if ((tag & 7) !== 0 || field > 3) return false;
    indexes[field - 1] = indexOf(reader.uint64(), "an index");
    return true;
  });
  const [from = 0 as LogIndex, until = 0 as LogIndex, chosen = 0 as LogIndex] = indexes;
  return { kind: "received", from, until, chosen };
}

function readPreparePoll(reader: Reader): Body<"prepare-poll"> {
  let poll: WireId | undefined;
  let ballot: Epoch | undefined;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) poll = reader.nested(readWireId);
    else if (tag === ((2 << 3) | 2)) ballot = reader.nested(readEpoch);
    else return false;
    return true;
  });
  return {
    kind: "prepare-poll",
    poll: needed<WireId>(poll, "poll"),
    ballot: needed<Epoch>(ballot, "ballot"),
  };
}

function readReadSlotAnswer(reader: Reader): Body<"read-slot-answer"> {
  let id: WireId | undefined;
  let slot = 0 as LogIndex;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) id = reader.nested(readWireId);
    else if (tag === 2 << 3) slot = indexOf(reader.uint64(), "slot");
    else return false;
    return true;
  });
  return { kind: "read-slot-answer", id: needed<WireId>(id, "id"), slot };
}
