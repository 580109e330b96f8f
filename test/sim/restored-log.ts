// A group's state from elsewhere, as `hansa snapshot restore` gives it to every member of a new cluster: rows in an
// engine of their own, and a log that begins behind them in a round of its own.
import type { Key, LogIndex, WriteId } from "../../base/index.ts";
import type { Membership, StorageOp } from "../../consensus/index.ts";
import type { Disk, DiskFailure } from "../../store/disk.ts";
import type { Log, LogOpening, LogOptions } from "../../store/log.ts";
import { openLog } from "../../store/segment-log.ts";

export interface RestoredState {
  readonly rows: ReadonlyMap<Key, Uint8Array>;
  /** Of the last entry that the rows hold. */
  readonly index: LogIndex;
}

/** The log names the state as a snapshot that was installed. */
export const RESTORED_GENERATION = 1;
const EPOCH = { config: 0, round: 1, node: 0 } as const;

/** As `openLog`; a log that it makes begins behind `restored`, if that is there. */
export function openLogBehind(
  restored: RestoredState | undefined,
  disk: Disk,
  options: LogOptions,
  done: (opening: LogOpening) => void,
): void {
  const { create } = options;
  openLog(disk, options, (opening) => {
    const isNew = opening.ok && opening.recovery.generation === 0;
    if (!isNew || restored === undefined || create === undefined) {
      done(opening);
      return;
    }
    begin(opening.log, restored, create.bootstrap, (failure) => {
      if (failure === undefined) openLogBehind(restored, disk, options, done);
      else done({ ok: false, failure });
    });
  });
}

/** Written and closed. */
function begin(
  log: Log,
  { index }: RestoredState,
  config: Membership,
  done: (failure: DiskFailure | undefined) => void,
): void {
  const meta = { index, epoch: EPOCH, config };
  const ops: readonly StorageOp[] = [
    { op: "promise", promised: EPOCH, votedFor: 0 },
    { op: "install-snapshot", meta, generation: RESTORED_GENERATION },
  ];
  log.write({ id: 1 as WriteId, ops, mustSync: true }, (failure) => {
    if (failure === undefined) log.close(done);
    else done(failure);
  });
}
