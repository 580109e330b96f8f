// The faults of a freeze (federation 11): whom it closes, what it holds still, and who has reported.
import type { FederationConfig } from "./config.ts";
import { memberNamed, reportersOf } from "./config-standing.ts";
import type { FaultList } from "./fault-list.ts";

export function freezeFaults(config: FederationConfig, faults: FaultList): void {
  const { freeze, epoch, members, closed } = config;
  if (freeze === undefined) return;
  faults.require(
    freeze.epoch <= epoch,
    "freeze.epoch",
    `is ${freeze.epoch}, later than epoch ${epoch}`,
  );
  faults.require(freeze.closing.length > 0, "freeze.closing", "must name at least one region");
  faults.ascending(
    "freeze.closing",
    freeze.closing.map(({ region }) => region),
  );
  const used = new Set([...members, ...closed].map(({ incarnation }) => incarnation));
  freeze.closing.forEach((one, at) => {
    const path = `freeze.closing[${at}]`;
    faults.oneOf(
      `${path}.region`,
      one.region,
      members.map(({ name }) => name),
    );
    if (one.then === "part") return;
    faults.identity(`${path}.incarnation`, one.incarnation);
    faults.require(!used.has(one.incarnation), `${path}.incarnation`, "must be a new one");
    used.add(one.incarnation);
  });
  const expected = frozenOrigins(config);
  faults.require(
    freeze.origins.join() === expected.join(),
    "freeze.origins",
    `must be ${expected.join(", ")}: the closing regions' and all closed ones`,
  );
  reportFaults(config, freeze, faults);
}

function reportFaults(
  config: FederationConfig,
  freeze: NonNullable<FederationConfig["freeze"]>,
  faults: FaultList,
): void {
  const reporters = reportersOf(config);
  faults.ascending(
    "freeze.reports",
    freeze.reports.map(({ region }) => region),
  );
  faults.require(
    freeze.reports.length < reporters.length,
    "freeze.reports",
    `must lack one of ${reporters.join(", ")}: a freeze ends with the last report`,
  );
  freeze.reports.forEach(({ region, applied }, at) => {
    const path = `freeze.reports[${at}]`;
    faults.oneOf(`${path}.region`, region, reporters);
    const origins = applied.map(([origin]) => origin);
    faults.ascending(`${path}.applied`, origins);
    applied.forEach(([, , hash], place) => faults.hash(`${path}.applied[${place}][2]`, hash));
    faults.require(
      origins.every((origin) => freeze.origins.includes(origin)),
      `${path}.applied`,
      "names an origin that is not frozen",
    );
  });
}

/** The origins that a freeze of its closing regions holds still, ascending. */
export function frozenOrigins(config: FederationConfig): readonly number[] {
  const closing = config.freeze?.closing ?? [];
  const theirs = closing.flatMap(({ region }) => memberNamed(config, region)?.origin ?? []);
  return [...theirs, ...config.closed.map(({ origin }) => origin)].sort(
    (left, right) => left - right,
  );
}
