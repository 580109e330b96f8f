// The guards of a federation that can be taken away: for each the check that must see the harm, and the faults, acts and
// writes under which it shows. The same seeds and profiles without the bug must be clean.
import type { FederationBug } from "../../../federation/index.ts";
import type { CheckName } from "../violation.ts";
import type { ActName, FaultName, FederationSwarm, Weights, WriteName } from "./swarm.ts";

export interface FederationPlan {
  /** Found when one of these says so. */
  readonly caughtBy: readonly CheckName[];
  readonly profile: (swarm: FederationSwarm) => FederationSwarm;
}

interface Focus extends Partial<Omit<FederationSwarm, "faults" | "acts" | "writes">> {
  readonly faults?: Weights<FaultName>;
  readonly acts?: Weights<ActName>;
  readonly writes?: Weights<WriteName>;
}

/** A calm federation of a few regions, in which only what the focus names goes wrong. */
function focused(focus: Focus): FederationPlan["profile"] {
  return (swarm) => ({
    ...swarm,
    regions: Math.min(Math.max(swarm.regions, 3), 4),
    members: Math.min(swarm.members, 2),
    lagMsMax: 80,
    thinkMsMax: 60,
    faultMsMax: 400,
    actMsMax: 800,
    keys: 2,
    retainedBytesMax: Infinity,
    audits: false,
    ...focus,
    faults: focus.faults ?? {},
    acts: focus.acts ?? {},
    writes: { put: 4, delete: 1, ...focus.writes },
  });
}

const cutsAndCrashes: Weights<FaultName> = { cut: 2, crash: 1, "hand-over": 1 };

export const PLANTED_FEDERATION: Readonly<Record<FederationBug, FederationPlan>> = {
  "blind-own-origin-filter": {
    caughtBy: ["liveness", "durability"],
    profile: focused({ faults: { restore: 3, "hand-over": 1 } }),
  },
  "drop-on-overtake": {
    caughtBy: ["core-assertion", "siblings", "exactly-once"],
    profile: focused({ faults: { stray: 3, cut: 1 } }),
  },
  "local-prune": { caughtBy: ["siblings"], profile: focused({ faults: { cut: 1 } }) },
  "purge-with-sibling": {
    caughtBy: ["siblings"],
    profile: focused({
      ...{ faults: { cut: 1 }, writes: { put: 2, delete: 3 }, members: 1, keys: 3 },
      ...{ prefixes: ["siblings", "merge"], thinkMsMax: 200 },
    }),
  },
  "context-omits-tombstone": {
    caughtBy: ["siblings"],
    profile: focused({ faults: { cut: 1 }, writes: { put: 2, delete: 2, context: 4 } }),
  },
  "tombstone-by-wall-time": {
    caughtBy: ["stable-cut"],
    profile: focused({ faults: { cut: 2 }, writes: { put: 1, delete: 3 } }),
  },
  "part-without-freeze": {
    caughtBy: ["freeze"],
    profile: focused({ regions: 4, acts: { part: 2, join: 1 }, faults: { cut: 1, lag: 1 } }),
  },
  "rebootstrap-drops-own-suffix": {
    caughtBy: ["commit-monotone", "exactly-once", "durability"],
    profile: focused({
      ...{ retainedBytesMax: 2_500, members: 1, faults: { isolate: 1 }, thinkMsMax: 150 },
      faultMsMax: 2_500,
    }),
  },
  "snapshot-before-marker": {
    caughtBy: ["marker", "siblings"],
    profile: focused({
      ...{ members: 1, keys: 5, writes: { put: 2, delete: 3 }, lagMsMax: 20, regions: 3 },
      ...{ acts: { join: 1 }, actMsMax: 8_000 },
    }),
  },
  "fork-undetected": {
    caughtBy: ["fork"],
    profile: focused({
      ...{ faults: { restore: 6, cut: 1, lag: 1 }, faultMsMax: 150 },
      restoresKnowingly: false,
    }),
  },
  "dot-reused-after-restore": {
    caughtBy: ["exactly-once"],
    profile: focused({ faults: { restore: 3, cut: 1 }, acts: { policy: 1 } }),
  },
  "merkle-deletes": {
    caughtBy: ["siblings", "convergence"],
    profile: focused({ regions: 3, members: 1, audits: true }),
  },
  "counter-applied-twice": {
    caughtBy: ["kinds"],
    profile: focused({ faults: { stray: 2, ...cutsAndCrashes }, writes: { put: 1, kind: 6 } }),
  },
  "range-delete-shipped-raw": {
    caughtBy: ["siblings"],
    profile: focused({ keys: 5, faults: { cut: 1 }, writes: { put: 3, "range-delete": 2 } }),
  },
  "ttl-expired-everywhere": {
    caughtBy: ["one-owner"],
    profile: focused({ members: 1, faults: { cut: 2 }, writes: { put: 1, lease: 6 } }),
  },
  "resolver-storm": {
    caughtBy: ["one-resolver"],
    profile: focused({ prefixes: ["resolver"], faults: { cut: 1 } }),
  },
  "cas-kills-hidden-sibling": {
    caughtBy: ["unseen-write"],
    profile: focused({ faults: { cut: 1 } }),
  },
  "revision-hides-sibling": {
    caughtBy: ["sibling-revision"],
    profile: focused({ faults: { cut: 1 } }),
  },
  "lease-checked-before-commit": {
    caughtBy: ["home-exclusive"],
    profile: focused({ faults: { stall: 2, directory: 2 }, writes: { put: 1, claim: 6 } }),
  },
  "hlc-poison": { caughtBy: ["clock-bound"], profile: focused({ faults: { clock: 3, cut: 2 } }) },
  "txn-torn": { caughtBy: ["atomicity"], profile: focused({ writes: { txn: 3 } }) },
  "ack-counted-before-quorum": {
    caughtBy: ["write-regions"],
    profile: focused({ faults: { stall: 2, ...cutsAndCrashes }, writes: { quorum: 3 } }),
  },
  "kept-before-stable": {
    caughtBy: ["settled-away"],
    profile: focused({
      ...{ regions: 3, members: 1, keys: 4, thinkMsMax: 120, lagMsMax: 200 },
      ...{ faults: { cut: 1, lag: 1 }, prefixes: ["resolver"], picks: true },
    }),
  },
  "settled-before-agreement": {
    caughtBy: ["settled-away"],
    profile: focused({
      ...{ regions: 2, members: 1, keys: 16, thinkMsMax: 120, lagMsMax: 400 },
      ...{ faults: { directory: 1 }, faultMsMax: 2_000, acts: { policy: 1 }, actMsMax: 400 },
      ...{ prefixes: ["lww"], policies: ["first-writer", "lww"] },
    }),
  },
};

export const PLANTED_FEDERATION_NAMES = Object.keys(PLANTED_FEDERATION) as readonly FederationBug[];
