// The configuration of a federation: one document, replaced whole, its epoch growing by one with each change
// (federation 14). Kept by the directory group, logged by every region, relayed with the streams. What follows from
// other fields is not in it: whether a region is frozen or parted is read off by config-standing.ts.
import type { Key } from "../base/index.ts";
import type { Dot, OriginId, Sequence } from "./dot.ts";
import type { KindName } from "./kind.ts";

declare const brand: unique symbol;

/** A random 128-bit number as 32 lowercase hexadecimal digits: of a federation, or of one life of a region. */
export type Identity = string & { readonly [brand]: "Identity" };

/** Of the document: from 1, by one a change. */
export type Epoch = number;

/** Names are 1 to 64 of a-z, 0-9, "-", "_" and "."; unique among members. */
export type RegionName = string;

export interface Member {
  readonly name: RegionName;
  /** Under which it mints; another one after `reincarnate` or a second join, never reused (federation 1). */
  readonly origin: OriginId;
  readonly incarnation: Identity;
  /** Of its members' region listeners, "host:port". */
  readonly endpoints: readonly string[];
  /** Of the document that admitted this incarnation: members log Marker(admitted) (federation 11). */
  readonly admitted: Epoch;
  /** False: joining; it does not write yet. */
  readonly live: boolean;
  /** Of the document that says so; absent: it founded the federation. What it reported before then it had not yet. */
  readonly liveSince?: Epoch;
}

/** An origin's chain at some sequence, as 64 lowercase hexadecimal digits: one of its histories (federation 1). */
export type HistoryHash = string;

/** How far an origin is applied, and on which of its histories. */
export type Reached = readonly [OriginId, Sequence, HistoryHash];

/** An origin that mints no more. Nothing of it beyond `cut` is ever accepted (federation 11). */
export interface ClosedOrigin {
  readonly origin: OriginId;
  readonly incarnation: Identity;
  /** Whose it was: its writes keep that region's rank under `priority`. */
  readonly region: RegionName;
  /** 0: nothing of it reached a member that remained. */
  readonly cut: number;
  /** Of its history at the cut, the one that counts. Absent: the cut is 0, or who drew it told nothing of it. */
  readonly hash?: HistoryHash;
  readonly closed: Epoch;
}

/** Whom a freeze closes, and what becomes of it once all have reported. */
export type Closing =
  | { readonly region: RegionName; readonly then: "part" }
  | { readonly region: RegionName; readonly then: "reincarnate"; readonly incarnation: Identity };

/** What a reporter had applied of each frozen origin once it had logged the freeze; absent origins: 0. */
export interface FreezeReport {
  readonly region: RegionName;
  readonly applied: readonly Reached[];
}

/** FREEZE (federation 11): until all reporters have reported, nothing more of `origins` is accepted anywhere. */
export interface Freeze {
  /** Of the document that began or last extended it; a report is for this epoch. */
  readonly epoch: Epoch;
  readonly closing: readonly Closing[];
  /** The closing regions' origins, and all closed ones: their cuts may have to come down. Ascending. */
  readonly origins: readonly OriginId[];
  readonly reports: readonly FreezeReport[];
}

export type PolicyName =
  | "lww"
  | "first-writer"
  | "priority"
  | "home-wins"
  | "add-wins"
  | "delete-wins"
  | "merge"
  | "siblings"
  | "resolver";

/**
 * How far a prefix is in becoming federated, or in ceasing to be (federation 7).
 * - `opening`: each region re-issues the keys it has there as ordinary dots, then reports.
 * - `open`: announced.
 * - `closing`: writes there are refused; each region reports its own last sequence.
 * - `closed`: a region that has applied `cut` drops its sibling records there, then reports. Still no writes.
 * `pending` names who has still to report, in ascending order; never empty.
 */
export type PrefixStage =
  | { readonly stage: "opening"; readonly pending: readonly RegionName[] }
  | { readonly stage: "open" }
  | {
      readonly stage: "closing";
      readonly pending: readonly RegionName[];
      readonly reached: readonly (readonly [OriginId, Sequence])[];
    }
  | {
      readonly stage: "closed";
      readonly pending: readonly RegionName[];
      readonly cut: readonly (readonly [OriginId, Sequence])[];
    };

/** A federated prefix. The longest that a key begins with decides; a key without one is the region's own. */
export interface Policy {
  readonly prefix: Key;
  readonly policy: PolicyName;
  /** Absent: plain values. Fixed for the life of the prefix (federation 9). */
  readonly kind?: KindName;
  /** For `priority` alone: region names, the strongest first; who is not named ranks last. */
  readonly ranks: readonly RegionName[];
  /** For `resolver` alone: the name of a handler. */
  readonly handler?: string;
  /** Whether a put with a lease is refused, or its expiry belongs to the dot's owner (federation 15). */
  readonly ttl: "refused" | "owner";
  readonly progress: PrefixStage;
}

/** A custom handler: JavaScript that makes one value of a key's siblings (federation 8). */
export interface Handler {
  readonly name: string;
  /** SHA-256 of the source, 64 lowercase hexadecimal digits: who runs it holds the two against each other. */
  readonly hash: string;
  readonly source: string;
  /** Shows what it makes, or writes it. */
  readonly runs: "on-read" | "on-write";
  /** Nobody runs it until it is set again: what it did in which region. */
  readonly stopped?: { readonly region: RegionName; readonly why: string };
}

/** The N regions whose acknowledgements count for W and R (federation 4, 13). No entry: all members. */
export interface Placement {
  readonly prefix: Key;
  /** Ascending. */
  readonly regions: readonly RegionName[];
}

/**
 * A home that is held by a lease of the directory: when that has ended, an heir takes the home over. Without one it
 * moves by command alone (federation 12).
 */
export interface HomeLease {
  readonly ttlS: number;
  /** Who may take it over, the first before the others; itself is passed over. */
  readonly heirs: readonly RegionName[];
  /** What this many regions acknowledged never comes late: an heir hears of as many as that takes. */
  readonly writeRegions: number;
}

/**
 * Of an origin whose region was a prefix's home and lost it without a fence: what it minted there before `epoch`, and
 * beyond `cut`, is never shown by itself (federation 12).
 */
export interface LateCut {
  readonly origin: OriginId;
  readonly epoch: Epoch;
  /** 0: nothing of it was known. */
  readonly cut: number;
}

/** What a region had applied of the home's origin once it had logged that the home moves without it. */
export interface HomeWord {
  readonly region: RegionName;
  readonly applied: number;
}

/** A move that does not wait for the home's region: other regions' words tell what it took (federation 12). */
export interface Gathering {
  /** What this many regions acknowledged does not come late: so many words are gathered as that takes. */
  readonly writeRegions: number;
  /** Ascending by region. */
  readonly words: readonly HomeWord[];
}

/**
 * Under way: the home takes no more writes. Planned, it ends once `to` has applied the home's `fence`; of a region that
 * is parted, once `to` has applied all of it that there will ever be.
 */
export interface HomeMove {
  readonly to: RegionName;
  readonly begun: Epoch;
  /** The dot of the home's Fence, once logged. */
  readonly fence?: Dot;
  /** It also ends once enough words are gathered and `to` has applied what they tell of. */
  readonly gathering?: Gathering;
}

/** The one region that takes writes of a prefix (federation 12). */
export interface Home {
  readonly prefix: Key;
  readonly region: RegionName;
  /** What another region does with a write: hands it on, refuses it, or takes it nevertheless. */
  readonly elsewhere: "forward" | "refuse" | "advisory";
  /** Of the document that gave it to `region`; the home logs Own(epoch). Writes of an older one are flagged. */
  readonly epoch: Epoch;
  readonly move?: HomeMove;
  readonly lease?: HomeLease;
  /** By ascending epoch, the latest CONFIG_LIMITS.latesMax; absent: none. */
  readonly late?: readonly LateCut[];
}

/** A region that nobody hears of is parted by itself (federation 10). */
export interface AutoPart {
  /** Not heard of for longer, by any of the others. */
  readonly afterS: number;
  /** And not before so much waits for it: deletes, conflicts and transactions that are retained; 0: whatever waits. */
  readonly bytes: number;
}

/** From whom each region pulls. `lists` names it for each; the shapes follow the members by name. */
export type Topology =
  | { readonly shape: "mesh" }
  | { readonly shape: "ring" }
  | { readonly shape: "star"; readonly hub: RegionName }
  | { readonly shape: "tree"; readonly root: RegionName; readonly fanout: number }
  | { readonly shape: "lists"; readonly lists: readonly NeighbourList[] };

export interface NeighbourList {
  readonly region: RegionName;
  /** Ascending. */
  readonly neighbours: readonly RegionName[];
}

export interface FederationConfig {
  readonly federationId: Identity;
  readonly epoch: Epoch;
  /** The next to allot: above every origin there ever was. */
  readonly originNext: OriginId;
  /** Ascending by name; parted regions are in `closed` alone. */
  readonly members: readonly Member[];
  /** Ascending by origin. */
  readonly closed: readonly ClosedOrigin[];
  readonly freeze?: Freeze;
  /** Nothing of these is applied until they are resumed; what depends on them waits too. Ascending. */
  readonly paused: readonly OriginId[];
  /** Each ascending by prefix, or by name. */
  readonly policies: readonly Policy[];
  readonly handlers: readonly Handler[];
  readonly placements: readonly Placement[];
  readonly homes: readonly Home[];
  readonly topology: Topology;
  /** Absent: by command alone. */
  readonly autoPart?: AutoPart;
}

/** Bounds of `AutoPart.afterS`: above what an election takes, and ten years. */
export const AUTO_PART_AFTER_S = { least: 10, most: 315_360_000 } as const;

/** Bounds of a document. Vectors have an entry an origin, so members and closed origins are few. */
export const CONFIG_LIMITS = {
  membersMax: 32,
  closedMax: 1024,
  endpointsMax: 16,
  endpointBytesMax: 260,
  prefixBytesMax: 1024,
  /** Of policies, of placements and of homes. */
  prefixesMax: 1024,
  handlersMax: 64,
  /** Of one home. The oldest is forgotten: by then what it hides is long settled or overwritten. */
  latesMax: 32,
  /** Homes that are held by leases: each is one of the directory group's, with a stream that renews it. */
  leasedMax: 64,
  /** Of a home's lease, in seconds: above the shortest that a group grants. */
  leaseTtlMin: 3,
  leaseTtlMax: 3600,
  /** UTF-16 units, as of a JavaScript string. */
  handlerSourceLengthMax: 32 * 1024,
  /** Of why one was stopped; UTF-16 units. */
  handlerWhyLengthMax: 512,
  fanoutMax: 31,
  /** Of the encoded document; etcd's largest request is 1.5 MiB. */
  documentBytesMax: 1024 * 1024,
} as const;
