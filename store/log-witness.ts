// The hard-state file: what this log has acknowledged, kept apart from the log itself. The log is the
// authority; the witness only says how far it must reach and what it must have promised, so that damage
// at its very end, or a lost last segment, is told from a torn tail (scenarios 75, 77). Two slots are
// written in turn, synced; at most one of them is at risk in a crash. A third is written unsynced when
// only a commit hint is to be noted; it counts if it is whole.
import type { LogIndex, NodeId } from "../base/index.ts";
import { LOG_INDEX_ZERO } from "../base/index.ts";
import type { Epoch } from "../consensus/index.ts";
import { comparePositions, StructureWriter, parseStructure } from "./segment-codec.ts";
import type { LogPosition } from "./segment-codec.ts";
import { openedStructure, sealedStructure } from "./segment-file.ts";

export const WITNESS_NAME = "hard-state";
export const WITNESS_NEW_NAME = "hard-state.new";

/** Slots lie in pages of their own. */
const SLOT_BYTES = 4096;
const MARK_OFFSET_BYTES = 2 * SLOT_BYTES;
export const WITNESS_BYTES = 3 * SLOT_BYTES;
const MAGIC = 0x54534848;
const VERSION = 1;

/** All of it was durable when it was written. */
export interface Witness {
  readonly salt: number;
  /** Of the writes of the two synced slots, from 1. */
  readonly turn: number;
  readonly durableEnd: LogPosition;
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
  readonly commitHint: LogIndex;
}

export function encodeWitness(witness: Witness): Uint8Array {
  const writer = new StructureWriter();
  writer.u32(witness.salt);
  writer.count(witness.turn);
  writer.position(witness.durableEnd);
  writer.epoch(witness.promised);
  writer.count(witness.votedFor);
  writer.count(witness.commitHint);
  return sealedStructure(MAGIC, VERSION, writer.bytes());
}

/** Where the slot of this turn lies. */
export function slotOffsetBytes(turn: number): number {
  return (turn % 2) * SLOT_BYTES;
}

/** Where the unsynced mark lies. */
export function markOffsetBytes(): number {
  return MARK_OFFSET_BYTES;
}

/** What the hard-state file says. */
export interface WitnessReading {
  /** The furthest claim of the file, with the highest commit hint. */
  readonly witness: Witness;
  /**
   * One of the two synced slots is damaged. A crash does that only while the slot is written, and then the
   * log ends whole: with damage to the log as well, a newer promise may have stood there (scenario 77).
   */
  readonly slotLost: boolean;
}

/** Undefined when neither synced slot is whole, which no crash can cause. */
export function parseWitness(file: Uint8Array): WitnessReading | undefined {
  const slots = [0, SLOT_BYTES]
    .map((offset) => slotAt(file, offset))
    .filter((slot) => slot !== undefined)
    .sort((left, right) => right.turn - left.turn);
  const [newest] = slots;
  if (newest === undefined) return undefined;
  const slotLost = slots.length === 1 && !isUnwritten(file, newest.turn + 1);
  const mark = slotAt(file, MARK_OFFSET_BYTES);
  // A mark of an earlier turn is stale, one of another salt foreign.
  const counts =
    mark?.salt === newest.salt &&
    mark.turn >= newest.turn &&
    comparePositions(mark.durableEnd, newest.durableEnd) >= 0;
  return { witness: counts ? mark : newest, slotLost };
}

/** Whether the slot of this turn is the zeros that a log begins with. */
function isUnwritten(file: Uint8Array, turn: number): boolean {
  const from = slotOffsetBytes(turn);
  return turn === 2 && file.subarray(from, from + SLOT_BYTES).every((byte) => byte === 0);
}

function slotAt(file: Uint8Array, offsetBytes: number): Witness | undefined {
  const slot = file.subarray(offsetBytes, offsetBytes + SLOT_BYTES);
  const structure = openedStructure(MAGIC, VERSION, slot);
  if (structure === undefined) return undefined;
  return parseStructure(structure, (reader) => ({
    salt: reader.u32(),
    turn: reader.count(),
    durableEnd: reader.position(),
    promised: reader.epoch(),
    votedFor: reader.node(),
    commitHint: reader.count() as LogIndex,
  }));
}

/** The witness of an empty log. */
export function firstWitness(salt: number, durableEnd: LogPosition, promised: Epoch): Witness {
  return { salt, turn: 1, durableEnd, promised, votedFor: 0, commitHint: LOG_INDEX_ZERO };
}
