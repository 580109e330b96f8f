// How large the small world is. Messages are lost, repeated and reordered without a bound: once sent, each may
// be delivered at any time, any number of times, or never. So are timeouts, until the last epoch.
import type { PlantedBug } from "../../base/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";

export interface Bounds {
  readonly protocol: ProtocolName;
  readonly nodes: number;
  /** Rounds in which somebody may campaign: terms, or the rounds of ballots. */
  readonly epochs: number;
  /** Campaigns in all; each begins an epoch. */
  readonly campaigns: number;
  /** Client commands in all, all different. */
  readonly values: number;
  /** Crashes of each node, and in all. */
  readonly crashesEach: number;
  readonly crashes: number;
  /** Paxos: members ask each other for what was chosen without them. */
  readonly catchUp: boolean;
  /** Messages that are over are forgotten (standing.ts); not with a guard switched off that tells what is over. */
  readonly forgets: boolean;
  /** A world is left out if another with the same members has more messages between them, and spent no more. */
  readonly covers: boolean;
  /** Names are as good as each other: of members, of values and of boots (alike.ts). */
  readonly alike: boolean;
  readonly planted?: PlantedBug;
  /** The search gives up behind so many worlds. */
  readonly worldsMax: number;
}

export function mayCrashIn({ crashes, crashesEach }: Bounds): boolean {
  return Math.min(crashes, crashesEach) > 0;
}

/** The world that both cores must exhaust. */
export const SMALL_WORLD: Omit<Bounds, "protocol"> = {
  nodes: 3,
  epochs: 2,
  campaigns: 2,
  values: 2,
  catchUp: false,
  forgets: true,
  covers: true,
  alike: true,
  crashesEach: 1,
  crashes: 3,
  worldsMax: 200_000_000,
};

/** What a guard is for, shown by few inputs that break a promise without it; in a world of what it takes. */
export interface Demonstration {
  readonly protocols: readonly ProtocolName[];
  readonly bounds: Partial<Bounds>;
  /** How the broken promise is named. */
  readonly breaks: RegExp;
}

const TORN = { values: 0, crashes: 1 } as const;
const OLD_TAKEN = { forgets: false } as const;

export const DEMONSTRATIONS: Readonly<Partial<Record<PlantedBug, Demonstration>>> = {
  // An entry of the third epoch must follow in a message of its own: hence the value.
  "commit-old-term-by-count": {
    protocols: ["raft"],
    bounds: { epochs: 3, campaigns: 3, values: 1, crashes: 1 },
    breaks: /commit durability/,
  },
  "skip-vote-persist": { protocols: ["raft"], bounds: TORN, breaks: /election safety/ },
  "send-before-epoch-durable": { protocols: ["raft"], bounds: TORN, breaks: /election safety/ },
  "ack-before-fsync": { protocols: ["raft", "paxos"], bounds: TORN, breaks: /commit durability/ },
  "promise-not-raised-by-accept": {
    protocols: ["paxos"],
    bounds: { ...OLD_TAKEN, values: 1, crashes: 1 },
    breaks: /commit durability/,
  },
  "learner-counts-across-ballots": {
    protocols: ["paxos"],
    bounds: { ...OLD_TAKEN, values: 1, crashes: 1 },
    breaks: /commit durability/,
  },
  "quorums-do-not-intersect": {
    protocols: ["paxos"],
    bounds: { values: 1, crashes: 0 },
    breaks: /leader completeness|commit durability|one value/,
  },
  "stale-promise-counted": {
    protocols: ["paxos"],
    bounds: { ...OLD_TAKEN, campaigns: 3, values: 1, crashes: 0 },
    breaks: /leader completeness|commit durability|one value/,
  },
  "shared-ballot-variable": {
    protocols: ["paxos"],
    bounds: { epochs: 3, campaigns: 3, values: 1, crashes: 0 },
    breaks: /leader completeness|commit durability|one value/,
  },
  "lowest-ballot-value-chosen": {
    protocols: ["paxos"],
    bounds: { epochs: 3, campaigns: 3, values: 1, crashes: 0 },
    breaks: /leader completeness|commit durability|one value/,
  },
};
