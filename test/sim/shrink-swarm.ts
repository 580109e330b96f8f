// A seed's swarm with less in it: faults, reactions and rates switched off by name, fewer members, fewer
// clients. The swarm itself is drawn before and without regard to it, so a name means the same in every run
// of the seed.
import type { Swarm } from "./swarm.ts";

/** Absent: as the seed drew it. */
export interface Lesser {
  /** Names of `switchesOf`. */
  readonly without?: readonly string[];
  readonly voters?: number;
  readonly learners?: number;
  readonly clients?: number;
}

/** Parts of a swarm whose fields that end in `Rate` are probabilities of something going wrong, by name. */
const RATED = ["network", "disk", "engine", "workload"] as const;
const RATE = /Rate$/;
/** Logs are never compacted, so no snapshot is ever sent. */
const LOG_CUTS = "log-cuts";
const LOGS_WHOLE = { snapshotEntries: Infinity, logBytesMax: Infinity };

/** Nobody watches; nobody holds a lease. */
const WATCHES = "watches";
const LEASES = "leases";

/** Everything of this swarm that can be switched off by itself, and is on. */
export function switchesOf(swarm: Swarm): readonly string[] {
  const { nemesis, changes } = swarm;
  const kinds = Object.keys(nemesis.weights);
  const operators = Object.keys(changes.weights).map(changeName);
  const reactions = nemesis.reactions.map((_, at) => reactionName(at));
  const rates = RATED.flatMap((part) => ratesOf(part, swarm[part]));
  const own = ratesOf("swarm", swarm);
  const wild = swarm.clocksWild ? ["clocksWild"] : [];
  const stormy = kinds.includes("weather") || nemesis.reactions.some((r) => r.does === "weather");
  const weather = stormy ? ratesOf("weather", nemesis.weather) : [];
  const cuts = cutsLogs(swarm) ? [LOG_CUTS] : [];
  const faults = [...kinds, ...operators, ...reactions, ...rates, ...own, ...weather, ...wild];
  return [...faults, ...cuts, ...streamsOf(swarm)];
}

/** @throws {RangeError} for a name that this swarm does not have, or that is off in it already. */
export function lessen(swarm: Swarm, lesser: Lesser): Swarm {
  const off = new Set(lesser.without ?? []);
  const known = switchesOf(swarm);
  for (const name of off) {
    if (known.includes(name)) continue;
    throw new RangeError(`--without ${name}: this seed has ${known.join(", ") || "nothing"}`);
  }
  const { nemesis, changes, limits } = swarm;
  const weights = Object.entries(nemesis.weights).filter(([kind]) => !off.has(kind));
  const operators = Object.entries(changes.weights).filter(([kind]) => !off.has(changeName(kind)));
  const clients = lesser.clients ?? swarm.workload.clients;
  const { watch, leases } = swarm.streams;
  return {
    ...withoutRates("swarm", swarm, off),
    network: withoutRates("network", swarm.network, off),
    disk: withoutRates("disk", swarm.disk, off),
    engine: withoutRates("engine", swarm.engine, off),
    workload: { ...withoutRates("workload", swarm.workload, off), clients },
    voters: lesser.voters ?? swarm.voters,
    learners: lesser.learners ?? swarm.learners,
    clocksWild: swarm.clocksWild && !off.has("clocksWild"),
    streams: {
      ...swarm.streams,
      watch: off.has(WATCHES) ? { ...watch, watchers: 0 } : watch,
      leases: off.has(LEASES) ? { ...leases, holders: 0 } : leases,
    },
    limits: off.has(LOG_CUTS) ? { ...limits, ...LOGS_WHOLE } : limits,
    changes: { ...changes, weights: Object.fromEntries(operators) },
    nemesis: {
      ...nemesis,
      weights: Object.fromEntries(weights),
      reactions: nemesis.reactions.filter((_, at) => !off.has(reactionName(at))),
      weather: withoutRates("weather", nemesis.weather, off),
    },
  };
}

function cutsLogs({ limits }: Swarm): boolean {
  return limits.snapshotEntries < Infinity || limits.logBytesMax < Infinity;
}

function streamsOf({ streams }: Swarm): readonly string[] {
  const watches = streams.watch.watchers > 0 ? [WATCHES] : [];
  return streams.leases.holders > 0 ? [...watches, LEASES] : watches;
}

function changeName(kind: string): string {
  return `change.${kind}`;
}

function reactionName(at: number): string {
  return `reaction-${at + 1}`;
}

function ratesOf(part: string, faults: object): readonly string[] {
  return Object.entries(faults)
    .filter(([name, rate]) => RATE.test(name) && typeof rate === "number" && rate > 0)
    .map(([name]) => `${part}.${name}`);
}

function withoutRates<F extends object>(part: string, faults: F, off: ReadonlySet<string>): F {
  const zeros = Object.keys(faults).filter((name) => off.has(`${part}.${name}`));
  return { ...faults, ...Object.fromEntries(zeros.map((name) => [name, 0])) };
}
