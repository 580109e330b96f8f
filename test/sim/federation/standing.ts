// Which regions of a simulated federation can give others what they lack: live, not frozen, and under their own origin.
import { memberNamed, standingOf } from "../../../federation/index.ts";
import type { Directory } from "./directory.ts";
import type { Region } from "./region.ts";

function isHealthy({ config }: Directory, { name, isLost, members }: Region): boolean {
  const origin = memberNamed(config, name)?.origin;
  const isOwn = members.some(({ federated }) => federated.self === origin);
  return !isLost && standingOf(config, name) === "live" && isOwn;
}

/** Whether the federation is whole without the region: not all are restored, reborn or parted at once. */
export function isSpared(
  directory: Directory,
  regions: readonly Region[],
  region: Region,
): boolean {
  return regions.some((one) => one !== region && isHealthy(directory, one));
}
