// Raft's own messages between types and bytes. AppendEntries, which carries the data, is written and read in
// one pass; the small ones go through their generated messages.
import type { LogIndex } from "../base/index.ts";
import type { Entry, GroupMessage, WireId } from "../consensus/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import type { AppendEntries, RaftMessage } from "../raft/index.ts";
import { length, needed, readIdAnd, readOneIndex, writeEntries } from "./body-codec.ts";
import type { BodyCodecs } from "./body-codec.ts";
import { indexOf, readEntry, writeWireId } from "./entry-codec.ts";

type OwnMessage = Exclude<RaftMessage, GroupMessage>;
type Body<K extends OwnMessage["kind"]> = Extract<OwnMessage, { kind: K }>;

const wire = hansa.peer.v1;

export const RAFT_CODECS: BodyCodecs<OwnMessage> = {
  "request-vote": {
    field: 10,
    write: (writer, body) => {
      wire.RequestVote.encode(
        {
          last_index: body.lastIndex,
          last_term: body.lastTerm,
          transfer_term: body.transferTerm,
        },
        writer,
      );
    },
    read: (reader) => {
      const message = wire.RequestVote.decode(reader, length(reader));
      return {
        kind: "request-vote",
        lastIndex: indexOf(message.last_index, "last_index"),
        lastTerm: exactNumberOf(message.last_term, "last_term"),
        transferTerm: exactNumberOf(message.transfer_term, "transfer_term"),
      };
    },
  },
  vote: {
    field: 11,
    write: (writer, body) => {
      wire.Vote.encode({ granted: body.granted }, writer);
    },
    read: (reader) => ({ kind: "vote", granted: wire.Vote.decode(reader, length(reader)).granted }),
  },
  "pre-vote": {
    field: 12,
    write: (writer, body) => {
      writeWireId(writer, 1, body.poll);
      writer.uint32(2 << 3).uint64(body.term);
      writer.uint32(3 << 3).uint64(body.lastIndex);
      writer.uint32(4 << 3).uint64(body.lastTerm);
    },
    read: readPreVote,
  },
  "pre-vote-answer": {
    field: 13,
    write: (writer, body) => {
      writeWireId(writer, 1, body.poll);
      writer.uint32(2 << 3).bool(body.granted);
    },
    read: (reader) => {
      const { id, flag } = readIdAnd(reader, "poll");
      return { kind: "pre-vote-answer", poll: id, granted: flag !== 0 };
    },
  },
  "append-entries": { field: 14, write: writeAppendEntries, read: readAppendEntries },
  "append-ack": {
    field: 15,
    write: (writer, body) => {
      writer.uint32(1 << 3).uint64(body.match);
    },
    read: (reader) => ({ kind: "append-ack", match: readOneIndex(reader, "match") }),
  },
  "append-reject": {
    field: 16,
    write: (writer, body) => {
      wire.AppendReject.encode(
        {
          prev_index: body.prevIndex,
          hint_index: body.hintIndex,
          hint_term: body.hintTerm,
        },
        writer,
      );
    },
    read: (reader) => {
      const message = wire.AppendReject.decode(reader, length(reader));
      return {
        kind: "append-reject",
        prevIndex: indexOf(message.prev_index, "prev_index"),
        hintIndex: indexOf(message.hint_index, "hint_index"),
        hintTerm: exactNumberOf(message.hint_term, "hint_term"),
      };
    },
  },
};

function readPreVote(reader: Reader): Body<"pre-vote"> {
  const message = wire.PreVote.decode(reader, length(reader));
  const poll = needed(message.poll, "poll");
  return {
    kind: "pre-vote",
    poll: {
      boot: BigInt(poll.boot ?? 0) as WireId["boot"],
      counter: exactNumberOf(poll.counter ?? 0, "id.counter"),
    },
    term: exactNumberOf(message.term, "term"),
    lastIndex: indexOf(message.last_index, "last_index"),
    lastTerm: exactNumberOf(message.last_term, "last_term"),
  };
}

function writeAppendEntries(writer: Writer, body: AppendEntries): void {
  if (body.prevIndex !== 0) writer.uint32(1 << 3).uint64(body.prevIndex);
  if (body.prevTerm !== 0) writer.uint32(2 << 3).uint64(body.prevTerm);
  writeEntries(writer, 3, body.entries);
  if (body.commit !== 0) writer.uint32(4 << 3).uint64(body.commit);
}

function readAppendEntries(reader: Reader): AppendEntries {
  let prevIndex = 0 as LogIndex;
  let prevTerm = 0;
  const entries: Entry[] = [];
  let commit = 0 as LogIndex;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        prevIndex = indexOf(reader.uint64(), "prev_index");
        break;
      case 2 << 3:
        prevTerm = exactNumberOf(reader.uint64(), "prev_term");
        break;
      case (3 << 3) | 2:
        entries.push(reader.nested(readEntry));
        break;
      case 4 << 3:
        commit = indexOf(reader.uint64(), "commit");
        break;
      default:
        reader.pass(tag);
    }
  }
  let expected = prevIndex + 1;
  for (const { index } of entries) {
    if (index !== expected) throw new RangeError(`entry ${index} stands where ${expected} belongs`);
    expected += 1;
  }
  return { kind: "append-entries", prevIndex, prevTerm, entries, commit };
}
