// What a region's log may ask of its federation: the body of the store's command `federation`. Everything that is not
// a client's write goes this way: what other regions minted, a new configuration, the clock, and what is forgotten.
import type { Key, WallMs } from "../base/index.ts";
import type { BootstrapChunk } from "./bootstrap-staging.ts";
import type { Identity } from "./config.ts";
import type { Dot, OriginId } from "./dot.ts";
import type { AskedOperation } from "./kind-minting.ts";
import type { Made, MadeView } from "./made-view.ts";
import type { RecordContent } from "./record-step.ts";
import type { Chunk } from "./staging.ts";
import type { Shipped } from "./transaction-codec.ts";
import type { Vector } from "./vector.ts";

export type FederationChange =
  /** Of any origins, in an order in which they may be applied; each is judged once more (federation 4). */
  | { readonly change: "apply"; readonly transactions: readonly Shipped[] }
  /** A part of a transaction that is too large for one entry (staging.ts). */
  | { readonly change: "stage"; readonly chunk: Chunk }
  /** As `apply`, of the transaction that is staged whole; held where it is not. */
  | { readonly change: "apply-staged"; readonly dot: Dot }
  /**
   * A document of a later epoch; any other is a repetition. `self`: the origin under which this region is to mint,
   * heeded while it has none, or one that is no member any more.
   */
  | {
      readonly change: "configure";
      readonly document: Uint8Array;
      readonly wallMs: WallMs;
      readonly self?: OriginId;
    }
  /** What the leader's clock shows, at the entry's log time: stamps are counted from there (federation 2). */
  | { readonly change: "anchor"; readonly wallMs: WallMs }
  /**
   * Tombstones within `cut` are purged, retained transactions up to `through` dropped, in bounded steps. `full`: at the
   * retention bound, so federated writes are refused. Refused itself in another epoch (federation 10).
   */
  | {
      readonly change: "collect";
      readonly epoch: number;
      readonly cut: Vector;
      readonly through: Vector;
      readonly full: boolean;
    }
  /** Settles what of these keys is this region's to settle (federation 5). Refused in another epoch. */
  | {
      readonly change: "settle";
      readonly epoch: number;
      readonly stable: Vector;
      readonly keys: readonly Key[];
    }
  /**
   * What a handler made of these siblings; nothing, if there are others by now (federation 8). One of them is kept only if
   * all are within `stable`, as by `settle`. Refused in another epoch.
   */
  | {
      readonly change: "resolve";
      readonly epoch: number;
      readonly stable: Vector;
      readonly key: Key;
      readonly dots: readonly Dot[];
      readonly resolution: Made;
    }
  /**
   * What a handler on read made of siblings: shown while the key has these and the handler is the one in force. Nothing
   * of it leaves the region (federation 8).
   */
  | { readonly change: "show"; readonly key: Key; readonly view: MadeView }
  /** Operations of clients on keys of kinds, each key once: all or none (federation 9). */
  | {
      readonly change: "operate";
      readonly operations: readonly { readonly key: Key; readonly asked: AskedOperation }[];
    }
  /** Re-issues keys that were there before the prefix was federated, in bounded steps, each behind the last (federation 7). */
  | { readonly change: "import"; readonly prefix: Key; readonly after?: Key }
  /** Drops what is kept of the keys of a prefix that is closed, in bounded steps; the keys stay as they are shown. */
  | { readonly change: "release"; readonly prefix: Key; readonly after?: Key }
  /** An empty transaction: a dot to refer to, as the marker of an admission or the fence of a move (federation 11, 12). */
  | { readonly change: "mark"; readonly epoch: number }
  /** In place of a record that is damaged here: that of another region, at what it had applied (federation 17). */
  | {
      readonly change: "repair";
      readonly key: Key;
      readonly from: OriginId;
      readonly copy: { readonly applied: Vector; readonly content: RecordContent };
    }
  /** Takes a block of ids (federation 12). */
  | { readonly change: "allocate"; readonly count: number }
  /** A chunk of a donor's snapshot, for who lacks what others retain no more (federation 10). */
  | { readonly change: "bootstrap"; readonly chunk: BootstrapChunk }
  /** The snapshot that is staged, whole, takes the place of what is kept. Refused if another one is staged. */
  | {
      readonly change: "install";
      readonly id: Uint8Array;
      readonly count: number;
      readonly digest: Uint8Array;
    }
  /** Lets go of what is staged of a snapshot. */
  | { readonly change: "unstage" }
  /** An incarnation that this region drew: it mints under no origin that the directory gave to another (federation 1). */
  | { readonly change: "draw"; readonly incarnation: Identity }
  /** Drops the salvage of a closed origin: it was exported, up to `through` (federation 11). */
  | { readonly change: "discard"; readonly origin: OriginId; readonly through: number }
  /** Two histories of that origin were seen: nothing more of it is applied (federation 1). */
  | { readonly change: "forked"; readonly origin: OriginId }
  /**
   * Another region has `sequence` of this region's own `origin`: two histories, if this state has fewer when the change
   * is applied. Who proposes it may lead no more, and lack what its region minted since.
   */
  | { readonly change: "rolled-back"; readonly origin: OriginId; readonly sequence: number };
