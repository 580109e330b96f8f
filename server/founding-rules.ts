// What a member with an empty data directory may be, by what the cluster's member table says of it (R10): one
// that has run before has lost its data, and never votes under its old id (scenario 54).
import { LOG_INDEX_ZERO } from "../base/index.ts";
import type { MemberId, NodeId, PlantedBug } from "../base/index.ts";
import type { MemberRow, Membership, Roster } from "../consensus/index.ts";

/** Of member `id`: unknown to the cluster, expected by it, or known to have run. */
export type Standing = "absent" | "expected" | "started";

export function standingOf(
  roster: Roster,
  id: MemberId,
  planted: PlantedBug | undefined = undefined,
): Standing {
  const row = roster.members.find((member) => member.id === id);
  if (planted === "node-id-reused-after-wipe") return "expected";
  if (row === undefined) return "absent";
  return hasStarted(row) ? "started" : "expected";
}

/** A member says its client URLs as soon as it runs (etcd's test of the same). */
function hasStarted({ clientUrls }: MemberRow): boolean {
  return clientUrls.length > 0;
}

/** As long as the log of `node` has told nothing, it learns, whatever it is to become. */
export function joinersView(
  { incoming, learners, leaseMs }: Membership,
  roster: Roster,
  node: NodeId,
): Membership {
  return {
    index: LOG_INDEX_ZERO,
    incoming: incoming.filter((other) => other !== node),
    learners: [...new Set([...learners, node])],
    leaseMs,
    roster,
  };
}
