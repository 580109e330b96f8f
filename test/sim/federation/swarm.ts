// What a seed draws before anything happens: how large the federation is, what goes wrong in it and how often, what its
// operators do, what its clients write. A seed's swarm does not depend on what is left out of it, so that a name means
// the same in every run of the seed.
import type { PolicyName } from "../../../federation/index.ts";
import { Chance } from "../chance.ts";

/** What goes wrong by itself. */
const FAULTS = [
  "cut",
  "isolate",
  "crash",
  "hand-over",
  "stall",
  "lag",
  "clock",
  "directory",
  "stray",
  "loss",
  "restore",
] as const;
export type FaultName = (typeof FAULTS)[number];

/** What operators do. */
const ACTS = [
  "policy",
  "topology",
  "pause",
  "part",
  "return",
  "join",
  "reincarnate",
  "prefix",
  "home",
] as const;
export type ActName = (typeof ACTS)[number];

const WRITES = [
  "put",
  "delete",
  "range-delete",
  "txn",
  "context",
  "kind",
  "quorum",
  "lease",
  "claim",
  "large",
] as const;
export type WriteName = (typeof WRITES)[number];

export type Weights<Name extends string> = Readonly<Partial<Record<Name, number>>>;

export interface FederationSwarm {
  /** That found it. */
  readonly regions: number;
  /** Of each region. */
  readonly members: number;
  readonly lagMsMax: number;
  readonly thinkMsMax: number;
  readonly keys: number;
  /** Between two faults, and between two acts, at the most. */
  readonly faultMsMax: number;
  readonly actMsMax: number;
  /** Writes stop now and then, so that regions come to have the same. */
  readonly quietEveryMs: number;
  readonly quietMs: number;
  readonly faults: Weights<FaultName>;
  readonly acts: Weights<ActName>;
  readonly writes: Weights<WriteName>;
  /** Of what is retained for others: beyond it some region may have to take another's state. */
  readonly retainedBytesMax: number;
  /** Prefixes that clients write to; absent: all. */
  readonly prefixes?: readonly string[];
  /** Between which operators change the policies of these prefixes; absent: all, of one prefix of each. */
  readonly policies?: readonly PolicyName[];
  /** Handlers keep one of the siblings, by no order; absent: they make the union. */
  readonly picks?: boolean;
  /** At the end records are lost in some regions, and audits bring them back. */
  readonly audits: boolean;
  /** A region that is restored forgets under which origin it minted; false: nobody told it, as after a copied disk. */
  readonly restoresKnowingly: boolean;
}

/** Absent: as the seed drew it. */
export interface FederationLesser {
  /** Names of faults, acts and writes. */
  readonly without?: readonly string[];
  readonly regions?: number;
  readonly members?: number;
}

export function drawSwarm(seed: number): FederationSwarm {
  const chance = new Chance(seed).stream();
  const some = <Name extends string>(names: readonly Name[], share: number): Weights<Name> => {
    const drawn = names.map((name) => [name, chance.hits(share) ? chance.between(0.2, 2) : 0]);
    return Object.fromEntries(drawn.filter(([, weight]) => weight !== 0)) as Weights<Name>;
  };
  return {
    regions: chance.whole(2, 6),
    members: chance.whole(1, 4),
    lagMsMax: chance.pick([20, 80, 300]),
    thinkMsMax: chance.between(30, 120),
    keys: chance.whole(2, 6),
    faultMsMax: chance.between(200, 900),
    actMsMax: chance.between(400, 3_000),
    quietEveryMs: chance.between(600, 3_000),
    quietMs: chance.between(200, 900),
    faults: some(FAULTS, 0.5),
    acts: some(ACTS, 0.5),
    writes: { put: 4, ...some(WRITES, 0.8) },
    retainedBytesMax: Infinity,
    audits: chance.hits(0.2),
    restoresKnowingly: true,
  };
}

/** Audits at the end reach into logs that are lists: a seed of groups has none. */
export function swarmOfGroups(swarm: FederationSwarm): FederationSwarm {
  return { ...swarm, audits: false };
}

/** Everything of it that can be left out by itself. */
export function switchesOf({ faults, acts, writes }: FederationSwarm): readonly string[] {
  const others = Object.keys(writes).filter((name) => name !== "put");
  return [...Object.keys(faults), ...Object.keys(acts), ...others];
}

/** @throws {RangeError} for a name that this swarm does not have. */
export function lessenSwarm(swarm: FederationSwarm, lesser: FederationLesser): FederationSwarm {
  const { without = [], regions, members } = lesser;
  const known = switchesOf(swarm);
  for (const name of without) {
    if (known.includes(name)) continue;
    throw new RangeError(`--without ${name}: this seed has ${known.join(", ") || "nothing"}`);
  }
  const kept = <Name extends string>(weights: Weights<Name>): Weights<Name> =>
    Object.fromEntries(
      Object.entries(weights).filter(([name]) => !without.includes(name)),
    ) as Weights<Name>;
  return {
    ...swarm,
    regions: regions ?? swarm.regions,
    members: members ?? swarm.members,
    faults: kept(swarm.faults),
    acts: kept(swarm.acts),
    writes: kept(swarm.writes),
  };
}

/** Undefined: there is nothing to draw from. */
export function drawn<Name extends string>(
  chance: Chance,
  weights: Weights<Name>,
): Name | undefined {
  const all = Object.entries(weights) as [Name, number][];
  const total = all.reduce((sum, [, weight]) => sum + weight, 0);
  let left = chance.unit() * total;
  for (const [name, weight] of all) {
    left -= weight;
    if (left < 0) return name;
  }
  return all.at(-1)?.[0];
}
