// What a region owes the federation by the document that it has logged (federation 7, 11, 12): reports to the directory
// that carry a change of several steps on, and changes of its own log that such a report needs first.
import type { Key } from "../base/index.ts";
import { beyondCuts } from "./beyond-cuts.ts";
import type { FederationConfig, Home, Member, Policy } from "./config.ts";
import type { RegionReport } from "./config-command.ts";
import { memberNamed, reportersOf, standingOf } from "./config-standing.ts";
import { sequence, type OriginId, type Sequence } from "./dot.ts";
import { hasAllLeftBy, mostTold, owningBy } from "./home-gathering.ts";
import { countOf, covers, type Vector } from "./vector.ts";

export type RegionDuty =
  | { readonly duty: "report"; readonly report: RegionReport }
  /** To be proposed step by step until nothing is left; then the report. */
  | { readonly duty: "import" | "release"; readonly prefix: Key; readonly then: RegionReport }
  /** A dot to be marked; the report carries it. */
  | { readonly duty: "fence"; readonly prefix: Key };

export interface RegionFacts {
  readonly region: string;
  /** Under which it mints; undefined: it may not. */
  readonly self: OriginId | undefined;
  readonly applied: Vector;
  /** Custom handlers that misbehaved here; absent: none. */
  readonly stoppedHandlers?: readonly {
    readonly name: string;
    readonly hash: string;
    readonly why: string;
  }[];
  /** The newest of each other region. */
  readonly reports: readonly {
    readonly origin: OriginId;
    readonly epoch: number;
    readonly vector: Vector;
  }[];
}

/** Of the document in `config`, in the order in which they are to be done; a duty that was done is not among them. */
export function dutiesOf(config: FederationConfig, facts: RegionFacts): readonly RegionDuty[] {
  const member = memberNamed(config, facts.region);
  if (member === undefined) return [];
  return [
    ...frozenDuties(config, facts),
    // A document of a new incarnation is logged before the region mints under it.
    ...(facts.self === member.origin
      ? [
          ...liveDuties(config, member, facts),
          ...config.policies.flatMap((policy) => prefixDuties(policy, member, facts)),
          ...config.homes.flatMap((home) => homeDuties(home, member, facts)),
        ]
      : []),
    ...handlerDuties(config, facts),
  ];
}

function frozenDuties(config: FederationConfig, facts: RegionFacts): RegionDuty[] {
  const { freeze } = config;
  if (freeze === undefined || !reportersOf(config).includes(region)) return [];
  if (freeze.reports.some((report) => report.region === region)) return [];
  // A state that is to be replaced has what depends on what was cut: a cut drawn by it could not be reached by others.
  if (beyondCuts({ config, applied }).length > 0) return [];
  const counts = freeze.origins.flatMap((origin): (readonly [OriginId, Sequence])[] => {
    const count = countOf(applied, origin);
    return count === 0 ? [] : [[origin, sequence(count)]];
  });
  const { epoch } = freeze;
  return [{ duty: "report", report: { command: "frozen", region, epoch, applied: counts } }];
}

/**
 * It writes once it has all that one live region had after that logged the admission: what was purged before then it
 * has too, and nothing is purged after without it (federation 11, trap 31).
 */
function liveDuties(config: FederationConfig, member: Member, facts: RegionFacts): RegionDuty[] {
  if (member.live || standingOf(config, member.name) !== "joining") return [];
  // Its state is to be replaced first: it shows what no other region is to have.
  if (beyondCuts({ config, applied: facts.applied }).length > 0) return [];
  const others = config.members.filter(({ live, name }) => live && name !== member.name);
  const isCaughtUp = others.some(({ origin }) =>
    facts.reports.some(
      (report) =>
        report.origin === origin &&
        report.epoch >= member.admitted &&
        covers(facts.applied, report.vector),
    ),
  );
  if (others.length > 0 && !isCaughtUp) return [];
  // Of what it wrote under an earlier origin others may have been told more than that one region had.
  if (!hasAllLeftBy(member.name, config, facts.applied)) return [];
  const { name: region, origin } = member;
  return [{ duty: "report", report: { command: "live", region, origin } }];
}

function handlerDuties(
  { handlers }: FederationConfig,
  { region, stoppedHandlers = [] }: RegionFacts,
): RegionDuty[] {
  return stoppedHandlers.flatMap(({ name, hash, why }): RegionDuty[] => {
    const there = handlers.find((one) => one.name === name);
    if (there?.hash !== hash || there.stopped !== undefined) return [];
    return [{ duty: "report", report: { command: "handler-stopped", region, name, hash, why } }];
  });
}

function prefixDuties(policy: Policy, member: Member, { applied }: RegionFacts): RegionDuty[] {
  const { prefix, progress } = policy;
  const { name: region, origin } = member;
  if (progress.stage === "open" || !progress.pending.includes(region)) return [];
  const { stage } = progress;
  const then = { command: "prefix-done", region, prefix, stage } as const;
  if (stage === "opening") return member.live ? [{ duty: "import", prefix, then }] : [];
  if (stage === "closing") {
    const own = countOf(applied, origin);
    const report = own === 0 ? then : { ...then, last: sequence(own) };
    return [{ duty: "report", report }];
  }
  return covers(applied, new Map(progress.cut)) ? [{ duty: "release", prefix, then }] : [];
}

function homeDuties(
  config: FederationConfig,
  home: Home,
  { name: region }: Member,
  { applied }: RegionFacts,
): RegionDuty[] {
  const { prefix, move } = home;
  if (move === undefined) return [];
  if (home.region === region) return move.fence === undefined ? [{ duty: "fence", prefix }] : [];
  const owning = move.to === region ? owningBy(config, home, applied) : undefined;
  if (owning !== undefined) {
    return [{ duty: "report", report: { command: "home-own", region, prefix, ...owning } }];
  }
  const old = memberNamed(config, home.region);
  const { gathering, begun } = move;
  if (old === undefined || gathering === undefined) return [];
  const isTold = gathering.words.some((word) => word.region === region);
  if (isTold || mostTold(config, prefix, gathering) !== undefined) return [];
  const word = { command: "home-word", region, prefix, begun } as const;
  return [{ duty: "report", report: { ...word, applied: countOf(applied, old.origin) } }];
}
