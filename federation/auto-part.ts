// Which regions are parted without an operator (federation 10): the directory has not heard of them, and every region
// that it hears of has not for longer than the configuration says. So whoever is asked for a report is there to give it.
import { AUTO_PART_AFTER_S } from "./config.ts";
import type { FederationConfig, RegionName } from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import { Refusal, type Step } from "./config-step.ts";
import type { OriginId } from "./dot.ts";

/** Of the regions that the directory hears of: each of those that it has not heard of for so long. */
export type Attendance = ReadonlyMap<OriginId, ReadonlySet<OriginId>>;

export function setAutoPart({
  afterS,
  bytes,
}: Extract<ConfigCommand, { readonly command: "auto-part" }>): Step {
  if (afterS === 0) return { autoPart: undefined };
  const { least, most } = AUTO_PART_AFTER_S;
  if (afterS < least || afterS > most) {
    throw new Refusal(`regions are parted after ${least} to ${most} s, not ${afterS}`);
  }
  return { autoPart: { afterS, bytes } };
}

/**
 * None: somebody is heard of by somebody, or may be heard of still. At least as many stay as are parted: of two halves
 * that lost sight of one another only one has the directory, and no more than that is known of the other.
 */
export function regionsToPart(
  { autoPart, freeze, members }: FederationConfig,
  attendance: Attendance,
): readonly RegionName[] {
  if (autoPart === undefined || freeze !== undefined) return [];
  const away = members.filter(({ origin }) => !attendance.has(origin));
  const staying = members.filter(({ origin }) => attendance.has(origin));
  const isMissed = staying.every((member) =>
    away.every(({ origin }) => attendance.get(member.origin)?.has(origin)),
  );
  return isMissed && away.length <= staying.length ? away.map(({ name }) => name) : [];
}
