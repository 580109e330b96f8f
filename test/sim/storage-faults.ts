// What a seed decides of its disks' faults beyond delays: full disks, writes that land elsewhere, reads that
// fail, and bytes that rot at rest. Each is off in most seeds, so that others meet undisturbed.
import type { Chance } from "./chance.ts";
import type { DiskFaults } from "./sim-disk.ts";

type StorageFaults = Pick<
  DiskFaults,
  "readErrorRate" | "fullRate" | "fullMs" | "misdirectRate" | "rotRate" | "rotMax" | "namesRate"
>;

/** `keepsMachines`: no machine is replaced or wiped, on which the only whole copy of an entry may be. */
export function drawStorageFaults(
  chance: Chance,
  electionTimeoutMs: number,
  { keepsMachines }: { readonly keepsMachines: boolean },
): StorageFaults {
  const rots = chance.hits(0.3);
  return {
    readErrorRate: chance.pick([0, 0, 0, 0.01]),
    fullRate: chance.pick([0, 0, 0, 0.002]),
    fullMs: electionTimeoutMs * chance.pick([0.5, 3]),
    misdirectRate: keepsMachines ? chance.pick([0, 0, 0.003]) : 0,
    rotRate: keepsMachines && rots ? chance.pick([0.2, 0.6]) : 0,
    rotMax: chance.pick([1, 4, 12]),
    namesRate: chance.pick([0, 0.3, 1]),
  };
}
