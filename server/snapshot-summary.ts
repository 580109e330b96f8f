// What a snapshot's file holds, for an operator: read whole, checked, and made into a state, so that what is
// said of it is what a restore would serve.
import { keyOf } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import type { SnapshotMeta } from "../consensus/index.ts";
import { isRefusal } from "../store/index.ts";
import type { Machine } from "../store/index.ts";
import { machineOfRows } from "./machine-of-rows.ts";
import { SnapshotFileError, readSnapshotFile } from "./snapshot-file.ts";

export interface SnapshotSummary {
  /** The first 32 bits of the stream's digest, as etcdctl shows one. */
  readonly hash: number;
  readonly revision: Revision;
  /** Lower ones can no longer be read; 0: all can. */
  readonly compacted: Revision;
  /** That are there at the revision. */
  readonly keys: number;
  readonly sizeBytes: number;
  readonly clusterId: bigint;
  readonly meta: SnapshotMeta;
  /** Of all kinds: each version of each key, sessions, and what the state says of itself. */
  readonly rows: number;
}

/** @throws {SnapshotFileError} for anything but a whole snapshot; {Error} when it cannot be read. */
export async function summarizeSnapshot(path: string): Promise<SnapshotSummary> {
  const machine = machineOfRows();
  const { header, rowCount, sizeBytes, digest } = await readSnapshotFile(path, {
    onRows: (rows) => {
      machine.restore(rows);
    },
  });
  const { clusterId, meta } = header;
  checkWhole(machine, meta);
  return {
    hash: Buffer.from(digest).readUInt32BE(0),
    revision: machine.revision,
    compacted: machine.compacted,
    keys: keyCount(machine),
    sizeBytes,
    clusterId,
    meta,
    rows: rowCount,
  };
}

/** Ends the restore of a machine from a snapshot's rows. @throws {SnapshotFileError} */
export function checkWhole(machine: Machine, { index }: SnapshotMeta): void {
  const restored = machine.restored();
  if (!restored.ok) throw new SnapshotFileError(`its rows are no state: ${restored.reason}`);
  if (restored.applied === index) return;
  throw new SnapshotFileError(
    `its rows are the state at ${restored.applied}, not at ${index} as it says`,
  );
}

export function keyCount(machine: Machine): number {
  const everything = keyOf(Uint8Array.of(0));
  const plan = machine.planRange({
    key: everything,
    end: everything,
    limit: 0,
    revision: 0 as Revision,
    sortOrder: "none",
    sortTarget: "key",
    serializable: true,
    keysOnly: false,
    countOnly: true,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  });
  if (isRefusal(plan)) throw new TypeError(`the present is refused: ${plan.message}`);
  const answer = plan.answer([]);
  if (isRefusal(answer)) throw new TypeError(`the present is refused: ${answer.message}`);
  return answer.count;
}
