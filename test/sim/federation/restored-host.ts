// The state of a simulated region's member, as it is restored from a backup's rows.
import { assert } from "../../../base/index.ts";
import { RegionState } from "../../../federation/index.ts";
import type { FederationBug } from "../../../federation/index.ts";
import type { MachineOptions } from "../../../store/index.ts";
import { Host } from "../../store/host.ts";
import type { Restore } from "./region-log.ts";
import { hash } from "./region.ts";

/** What a restore leaves out, so that nobody takes an old revision for a later one. */
const REVISIONS_SKIPPED = 1_000;

export function machineOptions(
  valueCacheBytesMax: number,
  planted: FederationBug | undefined,
): Omit<MachineOptions, "codec"> {
  return {
    valueCacheBytesMax,
    createFederation: (store) =>
      new RegionState(store, { hash, ...(planted === undefined ? {} : { planted }) }),
  };
}

export function restoredHost(
  options: Omit<MachineOptions, "codec">,
  { rows, knowingly }: Restore,
): Host {
  const host = new Host(options);
  for (const [key, value] of rows) host.rows.set(key, value);
  assert(host.restart().ok, "the rows of a backup are whole");
  if (knowingly) {
    host.machine.beginAnew(REVISIONS_SKIPPED);
    host.flush();
  }
  return host;
}
