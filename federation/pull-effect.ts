// What a region's pulling asks of the world around it.
import type { OriginId } from "./dot.ts";
import type { ConfigNews, PullMessage } from "./exchange-message.ts";
import type { ProposalEffect } from "./exchange-proposals.ts";

export type PullEffect =
  | { readonly kind: "send"; readonly to: OriginId; readonly message: PullMessage }
  /** The neighbour has said what it may not say. */
  | { readonly kind: "give-up"; readonly to: OriginId; readonly reason: string }
  | ProposalEffect
  /** A newer configuration, to be checked and proposed; ends in `onConfigured`. */
  | { readonly kind: "configure"; readonly config: ConfigNews }
  /** Two histories of one origin (federation 1). */
  | {
      readonly kind: "forked";
      readonly origin: OriginId;
      readonly sequence: number;
      readonly by: OriginId;
    }
  /** A neighbour has applied more of this region's own than it minted: its history was rolled back. */
  | { readonly kind: "rolled-back"; readonly sequence: number; readonly by: OriginId }
  /** An origin's stamps are that far ahead of this region's clock: they wait. */
  | { readonly kind: "ahead"; readonly origin: OriginId; readonly aheadMs: number }
  /** Most origins are ahead of this region's clock. */
  | { readonly kind: "clock-behind" }
  /** A neighbour keeps no more what this region lacks, or has another history of it. */
  | {
      readonly kind: "gone";
      readonly origin: OriginId;
      readonly retainedFrom: number;
      readonly by: OriginId;
    };
