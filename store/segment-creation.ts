// The files of a log that begins: one segment without frames, then the witness, whose name appears last and
// so says that creation is complete. A crash in between leaves files that hold nothing; they are replaced.
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Membership } from "../consensus/index.ts";
import { LOG_INDEX_ZERO } from "../base/index.ts";
import type { Disk } from "./disk.ts";
import type { LogFailure, LogOptions } from "./log.ts";
import { LogCheckpoint } from "./log-checkpoint.ts";
import {
  WITNESS_BYTES,
  WITNESS_NAME,
  WITNESS_NEW_NAME,
  encodeWitness,
  firstWitness,
  slotOffsetBytes,
} from "./log-witness.ts";
import {
  HEAD_BYTES_MAX,
  encodeSegmentHead,
  isSpareName,
  parseSegmentHead,
  segmentName,
  sequenceOf,
  spareName,
} from "./segment-file.ts";

type Done = (failure: LogFailure | undefined) => void;
type Step = (next: Done) => void;

/** `names`: what lies there without a witness. Refused as corrupt if any of it ever held an entry. */
export function createLogFiles(
  disk: Disk,
  options: LogOptions,
  create: { readonly bootstrap: Membership; readonly salt: number },
  names: readonly string[],
  done: Done,
): void {
  checkUnfinished(disk, names, (failure) => {
    if (failure !== undefined) done(failure);
    else inOrder([...removals(disk, names), ...creations(disk, options, create)], done);
  });
}

function inOrder(steps: readonly Step[], done: Done): void {
  const [step, ...rest] = steps;
  if (step === undefined) {
    done(undefined);
    return;
  }
  step((failure) => {
    if (failure !== undefined) done(failure);
    else inOrder(rest, done);
  });
}

/** Whether the files are what an interrupted creation leaves: at most a first segment without frames. */
function checkUnfinished(disk: Disk, names: readonly string[], done: Done): void {
  const segments = names.filter((name) => sequenceOf(name) !== undefined);
  if (segments.length === 0) {
    // Defers, so that `done` never comes inside the call.
    disk.list((failure) => done(failure));
    return;
  }
  const [name = ""] = segments;
  const refusal: LogFailure = {
    kind: "corrupt",
    message: `log: ${WITNESS_NAME} is missing beside ${name}, which holds a log`,
    file: WITNESS_NAME,
  };
  if (segments.length > 1 || name !== segmentName(1)) {
    disk.list((failure) => done(failure ?? refusal));
    return;
  }
  disk.read(name, 0, HEAD_BYTES_MAX, (failure, bytes) => {
    const parsed = failure === undefined ? parseSegmentHead(bytes) : undefined;
    const empty = parsed !== undefined && bytes.subarray(parsed.untilBytes).every((b) => b === 0);
    done(failure ?? (empty ? undefined : refusal));
  });
}

/** Only of the log's own files: what else lies there is somebody's. */
function removals(disk: Disk, names: readonly string[]): Step[] {
  const own = (name: string): boolean =>
    sequenceOf(name) !== undefined || isSpareName(name) || name === WITNESS_NEW_NAME;
  return names.filter(own).map((name) => (next) => disk.remove(name, (failure) => next(failure)));
}

function creations(
  disk: Disk,
  options: LogOptions,
  create: { readonly bootstrap: Membership; readonly salt: number },
): Step[] {
  const { salt, bootstrap } = create;
  const checkpoint = new LogCheckpoint({
    index: LOG_INDEX_ZERO,
    epoch: EPOCH_ZERO,
    config: bootstrap,
  });
  const previousEnd = { sequence: 1, offsetBytes: 0 };
  const head = encodeSegmentHead({ salt, sequence: 1, previousEnd, checkpoint });
  const durableEnd = { sequence: 1, offsetBytes: head.length };
  const witness = firstWitness(salt, durableEnd, EPOCH_ZERO);
  const slot = encodeWitness(witness);
  const spare = spareName(1);
  const sizeBytes = Math.max(options.segmentBytes, head.length);
  return [
    (next) => disk.create(spare, sizeBytes, (failure) => next(failure)),
    (next) => disk.write(spare, 0, head, true, (failure) => next(failure)),
    (next) => disk.rename(spare, segmentName(1), (failure) => next(failure)),
    (next) => disk.create(WITNESS_NEW_NAME, WITNESS_BYTES, (failure) => next(failure)),
    (next) =>
      disk.write(WITNESS_NEW_NAME, slotOffsetBytes(witness.turn), slot, true, (failure) =>
        next(failure),
      ),
    (next) => disk.rename(WITNESS_NEW_NAME, WITNESS_NAME, (failure) => next(failure)),
  ];
}
