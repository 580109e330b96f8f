// The messages that Raft and Paxos share, between types and bytes.
import type { LogIndex } from "../base/index.ts";
import type { Echo, GroupMessage, WireId } from "../consensus/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import { eachField, needed, readIdAnd, readOneIndex } from "./body-codec.ts";
import type { BodyCodec, BodyCodecs } from "./body-codec.ts";
import { indexOf, readWireId, writeWireId } from "./entry-codec.ts";

type Body<K extends GroupMessage["kind"]> = Extract<GroupMessage, { kind: K }>;

export const GROUP_CODECS: BodyCodecs<GroupMessage> = {
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

function empty<K extends "timeout-now" | "stale-epoch" | "leader-halted">(
  kind: K,
  field: number,
): BodyCodec<Body<K>> {
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
