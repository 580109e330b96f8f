// What may be done to a configuration: an operator's commands, and the reports of regions that carry a change of
// several steps to its end. Reports may be repeated: a leader that does not know whether one took effect sends again.
import type { Key } from "../base/index.ts";
import type {
  Epoch,
  FederationConfig,
  Handler,
  Home,
  Identity,
  PolicyName,
  PrefixStage,
  Reached,
  RegionName,
  Topology,
} from "./config.ts";
import type { Dot, OriginId, Sequence } from "./dot.ts";
import type { KindName } from "./kind.ts";

export type ConfigCommand = OperatorCommand | RegionReport;

export type OperatorCommand =
  /** Random identities come with the command: nothing is drawn in here. */
  | {
      readonly command: "init";
      readonly federationId: Identity;
      readonly region: RegionName;
      readonly incarnation: Identity;
      readonly endpoints: readonly string[];
    }
  | {
      readonly command: "join";
      readonly region: RegionName;
      readonly incarnation: Identity;
      readonly endpoints: readonly string[];
      /** Its keys under federated prefixes are re-issued once it is live (federation 7). */
      readonly imports?: boolean;
    }
  | {
      readonly command: "endpoints";
      readonly region: RegionName;
      readonly endpoints: readonly string[];
    }
  /** Freezes; the regions are parted when all that stay have reported (federation 11). */
  | { readonly command: "part"; readonly regions: readonly RegionName[] }
  /**
   * Closes the region's origin and gives it another, in the same two phases. `soleSurvivor`: all other regions are
   * lost for good and parted with it; this one's own report decides every cut.
   */
  | {
      readonly command: "reincarnate";
      readonly region: RegionName;
      readonly incarnation: Identity;
      readonly soleSurvivor: boolean;
    }
  /** Gives up a freeze whose reports have not all come: its regions go on as they were. */
  | { readonly command: "thaw" }
  | { readonly command: "pause" | "resume"; readonly region: RegionName }
  | {
      readonly command: "policy";
      readonly prefix: Key;
      readonly policy: PolicyName;
      readonly kind?: KindName;
      readonly ranks: readonly RegionName[];
      readonly handler?: string;
      readonly ttl: "refused" | "owner";
    }
  | { readonly command: "policy-unset"; readonly prefix: Key }
  /** No regions: all members again. */
  | {
      readonly command: "placement";
      readonly prefix: Key;
      readonly regions: readonly RegionName[];
    }
  /** Gives a prefix its home, or changes what other regions do with its writes. */
  | {
      readonly command: "home";
      readonly prefix: Key;
      readonly region: RegionName;
      readonly elsewhere: Home["elsewhere"];
    }
  | { readonly command: "home-unset"; readonly prefix: Key }
  /**
   * Has it held by a lease, from here on; the fields as of HomeLease. `ttlS` 0: by none any more. `writeRegions` 0: 2, if
   * there are two.
   */
  | {
      readonly command: "home-lease";
      readonly prefix: Key;
      readonly ttlS: number;
      readonly heirs: readonly RegionName[];
      readonly writeRegions: number;
    }
  /**
   * Planned, unless the home's region is parted: then as soon as `to` has what there is of it (federation 12).
   * `gathers`: without waiting for the home's region, once other regions have told what it took: nothing that so many
   * regions acknowledged comes late; 0: 2. `force`: at once. `known`: what the region that is asked has applied; what the
   * old home minted beyond it comes late.
   */
  | {
      readonly command: "home-move";
      readonly prefix: Key;
      readonly to: RegionName;
      readonly force: boolean;
      readonly gathers?: number;
      readonly known?: readonly (readonly [OriginId, Sequence])[];
    }
  /** Gives up a planned move: the home owns the prefix again, under a new epoch. */
  | { readonly command: "home-stay"; readonly prefix: Key }
  | { readonly command: "topology"; readonly topology: Topology }
  /** The fields as of AutoPart; `afterS` 0: by command alone again. */
  | { readonly command: "auto-part"; readonly afterS: number; readonly bytes: number }
  /** Uploads one, in the place of what has its name; one that was stopped goes on. Its trial is over (handler-trial.ts). */
  | ({ readonly command: "handler" } & Omit<Handler, "stopped">)
  | { readonly command: "handler-unset"; readonly name: string };

export type RegionReport =
  /** A joining region covers one member's Marker(admitted) and its lag is under the limit. */
  | { readonly command: "live"; readonly region: RegionName; readonly origin: OriginId }
  /** It has logged the freeze of that epoch; `applied` of the frozen origins only, absent ones are 0. */
  | {
      readonly command: "frozen";
      readonly region: RegionName;
      readonly epoch: Epoch;
      readonly applied: readonly Reached[];
    }
  /** It has done what `stage` of a prefix asks of it. `last`: its own last sequence, for `closing` alone. */
  | {
      readonly command: "prefix-done";
      readonly region: RegionName;
      readonly prefix: Key;
      readonly stage: Exclude<PrefixStage["stage"], "open">;
      readonly last?: Sequence;
    }
  /** The old home has logged its Fence as that dot. */
  | {
      readonly command: "home-fenced";
      readonly region: RegionName;
      readonly prefix: Key;
      readonly fence: Dot;
    }
  /** It threw, looped or changed its answers in that region: siblings stay as they are (federation 8). */
  | {
      readonly command: "handler-stopped";
      readonly region: RegionName;
      readonly name: string;
      readonly hash: string;
      readonly why: string;
    }
  /** It has logged a move that gathers words: what it had applied of the home's origin then, or later. */
  | {
      readonly command: "home-word";
      readonly region: RegionName;
      readonly prefix: Key;
      readonly begun: Epoch;
      readonly applied: number;
    }
  /**
   * The new home has applied the fence, or what a parted region left. `known`: it goes by the words that were gathered,
   * and has applied so much of the home's origin.
   */
  | {
      readonly command: "home-own";
      readonly region: RegionName;
      readonly prefix: Key;
      readonly known?: number;
    }
  /** An heir takes over a home whose lease has ended; `known` as of `home-move`. */
  | {
      readonly command: "home-taken";
      readonly region: RegionName;
      readonly prefix: Key;
      readonly from: RegionName;
      readonly known: readonly (readonly [OriginId, Sequence])[];
    };

/** `unchanged`: what was asked is so already, as after a repeated report. `refused` changes nothing. */
export type ConfigChange =
  | { readonly outcome: "changed"; readonly config: FederationConfig }
  | { readonly outcome: "unchanged"; readonly config: FederationConfig }
  | { readonly outcome: "refused"; readonly why: string };
