// What regions say to each other on one stream of an exchange (federation 4): who pulls says from where on it wants
// which origins, who serves sends their transactions, what every region is known to have applied, and the
// configuration. rpc/region-codec.ts makes bytes of it.
import type { WallMs } from "../base/index.ts";
import type { Epoch, Identity } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { CompareAnswer, CompareQuestion } from "./merkle-questions.ts";
import type { Vector } from "./vector.ts";

/** Of the exchange's protocol; both sides speak the lower of theirs (federation scenario 44). */
export const EXCHANGE_VERSION = 1;
export const EXCHANGE_VERSION_MIN = 1;

/** Who a region is: both must match what the configuration says of the origin (federation 1). */
export interface RegionIdentity {
  readonly federationId: Identity;
  readonly origin: OriginId;
  readonly incarnation: Identity;
}

export interface ExchangeHello {
  readonly version: number;
  readonly from: RegionIdentity;
  /** Whom `from` believes to speak to. */
  readonly to: OriginId;
  /** Of the configuration that `from` has applied. */
  readonly epoch: Epoch;
  /** Of the member that speaks, as it knows: the others of its region have no reports but their own. */
  readonly leads: boolean;
}

/** How far one origin's stream was taken: `sequence` 0 is its beginning, whose hash is the chain's seed. */
export interface Position {
  readonly origin: OriginId;
  readonly sequence: number;
  readonly hash: Uint8Array;
}

/**
 * What the region of `origin` has applied, itself included, by its own word. It counts once the reader has applied
 * the reporter's stream as far as the report goes, and its configuration's epoch (federation 10, trap 32).
 */
export interface Report {
  readonly origin: OriginId;
  readonly epoch: Epoch;
  readonly vector: Vector;
}

/** A run of one origin's stream, without a gap. */
export interface Batch {
  readonly origin: OriginId;
  /** Of the first of them. */
  readonly from: number;
  readonly transactions: readonly Uint8Array[];
  /** The chain's hash behind the last. */
  readonly hash: Uint8Array;
}

/** A part of one transaction that is too large for a batch. Its parts come in order, and no other's between them. */
export interface Part {
  readonly origin: OriginId;
  readonly sequence: number;
  /** The chain's behind the transaction. */
  readonly hash: Uint8Array;
  /** Of the whole transaction. */
  readonly totalBytes: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The configuration's document, relayed by whoever has the newer one. */
export interface ConfigNews {
  readonly epoch: Epoch;
  readonly document: Uint8Array;
}

/** From who pulls. The first is the hello. */
export type PullMessage =
  | { readonly kind: "hello"; readonly hello: ExchangeHello }
  /**
   * All that is wanted of this neighbour, in place of what was wanted before. Of an origin that is wanted already
   * it says how far it has left the holding: what is on its way beyond that is bounded.
   */
  | { readonly kind: "want"; readonly positions: readonly Position[] }
  /** What the other's clock shows; `askedAtMs` is of this side's, and comes back. */
  | { readonly kind: "clock"; readonly askedAtMs: WallMs }
  /** What the other's region has, confirmed by a quorum after the question came (federation 13). */
  | {
      readonly kind: "ask";
      readonly id: number;
      /** Other regions that it is to ask in turn, each for an answer of its own. */
      readonly of: readonly OriginId[];
      /** By whom the question came, the speaker last: it never goes back. */
      readonly via: readonly OriginId[];
    }
  | { readonly kind: "compare"; readonly id: number; readonly question: CompareQuestion }
  | { readonly kind: "config"; readonly config: ConfigNews };

/** From who serves. The first is the hello. */
export type ServeMessage =
  | { readonly kind: "hello"; readonly hello: ExchangeHello }
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "part"; readonly part: Part }
  /** What changed, or nothing but that this side is alive. */
  | { readonly kind: "reports"; readonly reports: readonly Report[] }
  | { readonly kind: "clock"; readonly askedAtMs: WallMs; readonly answerMs: WallMs }
  /** `report` undefined: the region cannot confirm it now. */
  | { readonly kind: "answer"; readonly id: number; readonly report: Report | undefined }
  /** `answer` undefined: it cannot be answered now. */
  | { readonly kind: "compared"; readonly id: number; readonly answer: CompareAnswer | undefined }
  | { readonly kind: "config"; readonly config: ConfigNews }
  /** Transactions before `retainedFrom` are retained here no more: they are to be had elsewhere. */
  | { readonly kind: "gone"; readonly origin: OriginId; readonly retainedFrom: number }
  /** The histories differ at or before that position: `ours` is the hash here (federation 1). */
  | { readonly kind: "forked"; readonly theirs: Position; readonly ours: Uint8Array };
