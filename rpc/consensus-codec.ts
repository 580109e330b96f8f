// Every message of either protocol between types and bytes: the tables of its kinds put together.
import type { Reader, Writer } from "../proto/index.ts";
import { bodyReaders } from "./body-codec.ts";
import type { BodyCodec, BodyCodecs } from "./body-codec.ts";
import { GROUP_CODECS } from "./group-codec.ts";
import { PAXOS_CODECS } from "./paxos-codec.ts";
import type { ConsensusMessage } from "./peer-message.ts";
import { RAFT_CODECS } from "./raft-codec.ts";

const CODECS: BodyCodecs<ConsensusMessage> = { ...GROUP_CODECS, ...RAFT_CODECS, ...PAXOS_CODECS };
const READERS = bodyReaders<ConsensusMessage>(CODECS);

export function writeBody(writer: Writer, body: ConsensusMessage): void {
  const codec = CODECS[body.kind] as BodyCodec<ConsensusMessage>;
  writer.uint32((codec.field << 3) | 2).fork();
  codec.write(writer, body);
  writer.ldelim();
}

/** What reads the body under this tag; undefined: no body of this version. */
export function bodyReader(tag: number): ((reader: Reader) => ConsensusMessage) | undefined {
  return READERS.get(tag);
}
