// Records of federated keys as they are found, with the values that the engine holds, for whoever compares or repairs them
// (federation 17): held against what they were hashed to when they were made.
import type { Key } from "../base/index.ts";
import { COMPARE_LIMITS, answerOf, foundRecord, hydrated } from "../federation/index.ts";
import type {
  CompareAnswer,
  CompareQuestion,
  FoundRecord,
  KeptRecord,
  RegionState,
} from "../federation/index.ts";
import { valueInRow, versionRowKey } from "../store/index.ts";
import type { Engine, Version } from "../store/index.ts";

export type RecordEngine = Pick<Engine, "get">;

interface Picked {
  readonly key: Key;
  readonly record: KeptRecord;
  /** Where the value is that the record leaves to it. */
  readonly version: Version | undefined;
  /** What of it is in memory: an entry that was just applied is not in the engine yet. */
  readonly row: Uint8Array | undefined;
}

/** `done` gets what this member has applied and found; undefined: the engine has failed, or there are no such nodes. */
export function answerCompare(
  state: RegionState,
  engine: RecordEngine,
  question: CompareQuestion,
  done: (answer: CompareAnswer | undefined) => void,
): void {
  if (question.ask !== "records") {
    done(answerOf(state.comparing, question));
    return;
  }
  const applied = new Map(state.applied);
  readRecords(state, engine, question.keys, (records) => {
    done(records && { answer: "records", applied, records: bounded(records) });
  });
}

/** Of one moment; a key whose value was replaced and swept meanwhile is left out. Undefined: the engine has failed. */
export function readRecords(
  state: RegionState,
  engine: RecordEngine,
  keys: readonly Key[],
  done: (records: readonly FoundRecord[] | undefined) => void,
): void {
  const picks = keys.map((key): Picked => {
    const version = state.comparing.versionOf(key);
    return { key, record: state.recordOf(key), version, row: version?.row };
  });
  const stored = picks.flatMap(({ version }) => (version === undefined ? [] : [version]));
  const rowKeys = stored.map(({ mod, sub }) => versionRowKey(mod, sub));
  engine.get(rowKeys, (failure, rows) => {
    if (failure !== undefined) {
      done(undefined);
      return;
    }
    const rowOf = new Map(stored.map((version, at) => [version, rows[at]]));
    done(picks.flatMap((picked) => foundOf(picked, rowOf)));
  });
}

function foundOf(
  { key, record, version, row: inMemory }: Picked,
  rowOf: ReadonlyMap<Version, Uint8Array | undefined>,
): readonly FoundRecord[] {
  const row = (version && rowOf.get(version)) ?? inMemory;
  let isThere = true;
  const siblings = hydrated(record.siblings, () => {
    isThere = row !== undefined;
    return row === undefined ? new Uint8Array(0) : valueInRow(row);
  });
  if (!isThere) return [];
  return [foundRecord(key, { siblings, kinds: record.kinds }, record.digest?.hash)];
}

/** As many as one answer takes; whoever asks for the others asks again. */
function bounded(records: readonly FoundRecord[]): readonly FoundRecord[] {
  let bytes = 0;
  const fits = records.findIndex(({ content }, at) => {
    for (const { value } of content.siblings) bytes += value?.length ?? 0;
    return bytes > COMPARE_LIMITS.recordBytesMax && at > 0;
  });
  return fits < 0 ? records : records.slice(0, fits);
}
