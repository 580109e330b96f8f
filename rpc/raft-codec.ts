// Raft's messages between types and bytes. AppendEntries, which carries the data, is written and read in
// one pass; the small ones go through their generated messages.
import type { LogIndex } from "../base/index.ts";
import type { Echo, Entry, WireId } from "../consensus/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import type { AppendEntries, RaftMessage } from "../raft/index.ts";
import { indexOf, readEntry, readWireId, writeEntry, writeWireId } from "./entry-codec.ts";

type Kind = RaftMessage["kind"];
type Body<K extends Kind> = Extract<RaftMessage, { kind: K }>;

/** Reads and writes the fields of one kind; `field` is its number in Consensus.body. */
interface BodyCodec<K extends Kind> {
  readonly field: number;
  write(writer: Writer, body: Body<K>): void;
  readonly read: (reader: Reader) => Body<K>;
}

export function writeRaftBody(writer: Writer, body: RaftMessage): void {
  const codec = CODECS[body.kind] as BodyCodec<Kind>;
  writer.uint32((codec.field << 3) | 2).fork();
  codec.write(writer, body);
  writer.ldelim();
}

/** What reads the body under this tag; undefined: no body of this version. */
export function raftBodyReader(tag: number): ((reader: Reader) => RaftMessage) | undefined {
  return READERS.get(tag);
}

const wire = hansa.peer.v1;

/** A part that the message cannot do without. */
function needed<T>(part: T | null | undefined, what: string): T {
  if (part === null || part === undefined) throw new RangeError(`${what} is missing`);
  return part;
}

/** Reads a message of ids and numbers: `take` handles the fields it knows. */
function eachField(reader: Reader, take: (tag: number) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (!take(tag)) reader.pass(tag);
  }
}

function length(reader: Reader): number {
  return reader.len - reader.pos;
}

const CODECS: { readonly [K in Kind]: BodyCodec<K> } = {
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
  heartbeat: {
    field: 17,
    write: (writer, body) => {
      writeWireId(writer, 1, body.round);
      writer.uint32(2 << 3).uint64(body.commit);
      if (body.echo !== undefined) writeEcho(writer, 3, body.echo);
    },
    read: readHeartbeat,
  },
  "heartbeat-ack": {
    field: 18,
    write: (writer, body) => {
      writeWireId(writer, 1, body.round);
      writeWireId(writer, 2, body.stamp);
    },
    read: readHeartbeatAck,
  },
  "commit-notice": {
    field: 19,
    write: (writer, body) => {
      writer.uint32(1 << 3).uint64(body.commit);
    },
    read: (reader) => ({ kind: "commit-notice", commit: readOneIndex(reader, "commit") }),
  },
  "freshness-echo": {
    field: 20,
    write: (writer, body) => writeEcho(writer, 1, body.echo),
    read: (reader) => {
      let echo: Echo | undefined;
      eachField(reader, (tag) => {
        if (tag !== ((1 << 3) | 2)) return false;
        echo = reader.nested(readEcho);
        return true;
      });
      return { kind: "freshness-echo", echo: needed<Echo>(echo, "echo") };
    },
  },
  "read-index": {
    field: 21,
    write: (writer, body) => {
      writeWireId(writer, 1, body.id);
      if (body.by === "barrier") writer.uint32(2 << 3).uint32(1);
    },
    read: (reader) => {
      const { id, flag } = readIdAnd(reader, "id");
      if (flag > 1) throw new RangeError(`a read index confirmed by ${flag} is unknown`);
      return { kind: "read-index", id, by: flag === 1 ? "barrier" : "round" };
    },
  },
  "read-index-answer": {
    field: 22,
    write: (writer, body) => {
      writeWireId(writer, 1, body.id);
      writer.uint32(2 << 3).uint64(body.index);
    },
    read: (reader) => {
      const { stamp, index } = readEcho(reader);
      return { kind: "read-index-answer", id: stamp, index };
    },
  },
  "timeout-now": empty("timeout-now", 23),
  "stale-epoch": empty("stale-epoch", 24),
  "leader-halted": empty("leader-halted", 25),
};

const READERS: ReadonlyMap<number, (reader: Reader) => RaftMessage> = new Map(
  Object.values(CODECS).map((codec) => [(codec.field << 3) | 2, codec.read]),
);

function empty<K extends "timeout-now" | "stale-epoch" | "leader-halted">(
  kind: K,
  field: number,
): BodyCodec<K> {
  const body = { kind } as Body<K>;
  return {
    field,
    write: () => undefined,
    read: (reader) => {
      eachField(reader, () => false);
      return body;
    },
  };
}

function readOneIndex(reader: Reader, what: string): LogIndex {
  let index = 0 as LogIndex;
  eachField(reader, (tag) => {
    if (tag !== 1 << 3) return false;
    index = indexOf(reader.uint64(), what);
    return true;
  });
  return index;
}

/** An id in field 1 and a small number in field 2. */
function readIdAnd(reader: Reader, what: string): { readonly id: WireId; readonly flag: number } {
  let id: WireId | undefined;
  let flag = 0;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) id = reader.nested(readWireId);
    else if (tag === 2 << 3) flag = reader.uint32();
    else return false;
    return true;
  });
  return { id: needed<WireId>(id, what), flag };
}

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
  for (const entry of body.entries) {
    writer.uint32((3 << 3) | 2).fork();
    writeEntry(writer, entry);
    writer.ldelim();
  }
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

function readHeartbeat(reader: Reader): Body<"heartbeat"> {
  let round: WireId | undefined;
  let commit = 0 as LogIndex;
  let echo: Echo | undefined;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) round = reader.nested(readWireId);
    else if (tag === 2 << 3) commit = indexOf(reader.uint64(), "commit");
    else if (tag === ((3 << 3) | 2)) echo = reader.nested(readEcho);
    else return false;
    return true;
  });
  const heartbeat = { kind: "heartbeat" as const, round: needed<WireId>(round, "round"), commit };
  return echo === undefined ? heartbeat : { ...heartbeat, echo };
}

function readHeartbeatAck(reader: Reader): Body<"heartbeat-ack"> {
  let round: WireId | undefined;
  let stamp: WireId | undefined;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) round = reader.nested(readWireId);
    else if (tag === ((2 << 3) | 2)) stamp = reader.nested(readWireId);
    else return false;
    return true;
  });
  return {
    kind: "heartbeat-ack",
    round: needed<WireId>(round, "round"),
    stamp: needed<WireId>(stamp, "stamp"),
  };
}

function writeEcho(writer: Writer, field: number, echo: Echo): void {
  writer.uint32((field << 3) | 2).fork();
  writeWireId(writer, 1, echo.stamp);
  writer.uint32(2 << 3).uint64(echo.index);
  writer.ldelim();
}

function readEcho(reader: Reader): Echo {
  let stamp: WireId | undefined;
  let index = 0 as LogIndex;
  eachField(reader, (tag) => {
    if (tag === ((1 << 3) | 2)) stamp = reader.nested(readWireId);
    else if (tag === 2 << 3) index = indexOf(reader.uint64(), "index");
    else return false;
    return true;
  });
  return { stamp: needed<WireId>(stamp, "id"), index };
}
