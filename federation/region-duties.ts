// What a region owes the federation by the document that it has logged (federation 7, 11, 12): reports to the directory
// that carry a change of several steps on, and changes of its own log that such a report needs first.
import { hexOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { FederationConfig, Home, Member, Policy, Reached } from "./config.ts";
import type { RegionReport } from "./config-command.ts";
import { memberNamed, reportersOf, standingOf } from "./config-standing.ts";
import { sequence, type OriginId } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
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
  /** The chain's hash there. */
  readonly chainOf: (origin: OriginId) => Uint8Array | undefined;
  /** It has what nobody is to have (strays.ts). */
  readonly isToBeReplaced: boolean;
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
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
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
          ...config.homes.flatMap((home) => homeDuties(config, home, member, facts)),
        ]
      : []),
    ...handlerDuties(config, facts),
  ];
}

function frozenDuties(config: FederationConfig, facts: RegionFacts): RegionDuty[] {
  const { freeze } = config;
  const { region } = facts;
  if (freeze === undefined || !reportersOf(config).includes(region)) return [];
  if (freeze.reports.some((report) => report.region === region)) return [];
  // A state that is to be replaced has what depends on what was cut: a cut drawn by it could not be reached by others.
  // Where it alone is left there are none.
  const isSole = freeze.closing.some((one) => one.region === region);
  if (facts.isToBeReplaced && !isSole) return [];
  const applied = freeze.origins.flatMap((origin): Reached[] => {
    const count = countOf(facts.applied, origin);
    const chain = facts.chainOf(origin);
    return count === 0 || chain === undefined ? [] : [[origin, sequence(count), hexOf(chain)]];
  });
  const { epoch } = freeze;
  return [{ duty: "report", report: { command: "frozen", region, epoch, applied } }];
}

/**
 * It writes once it has all that one region had after that logged the admission and was live itself: what was purged
 * before then it has too, and nothing is purged after without it (federation 11, trap 31).
 */
function liveDuties(config: FederationConfig, member: Member, facts: RegionFacts): RegionDuty[] {
  if (member.live || standingOf(config, member.name) !== "joining") return [];
  // First of all: it shows what no other region is to have.
  if (facts.isToBeReplaced) return [];
  const others = config.members.filter(({ live, name }) => live && name !== member.name);
  const isEarly = facts.planted === "snapshot-before-marker";
  const isCaughtUp = others.some(({ origin, admitted, liveSince = admitted }) =>
    facts.reports.some(
      (report) =>
        report.origin === origin &&
        report.epoch >= Math.max(member.admitted, liveSince) &&
        covers(facts.applied, report.vector),
    ),
  );
  if (others.length > 0 && !isCaughtUp && !isEarly) return [];
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
