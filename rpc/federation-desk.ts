// Port: what hansa.v1.Federation needs of the member beneath it. server/ asks the directory group.
import type {
  AuditReport,
  ConfigCommand,
  FederationConfig,
  Handler,
  OriginId,
  RegionName,
  Vector,
} from "../federation/index.ts";
import type { CallContext, Done } from "./backend.ts";

/** An operator's command; identities are drawn by the member, and an empty region is its own. */
export type FederationOrder =
  | {
      readonly order: "init" | "join" | "endpoints";
      readonly endpoints: readonly string[];
      readonly region: RegionName;
      /** Of a region that joins: its keys under federated prefixes are its writes, where the federation has none. */
      readonly imports: boolean;
    }
  | { readonly order: "reincarnate"; readonly region: RegionName; readonly soleSurvivor: boolean }
  /** It is tried on the samples before; none: on those that every handler should bear. */
  | {
      readonly order: "handler";
      readonly name: string;
      readonly source: string;
      readonly runs: Handler["runs"];
      readonly samples: readonly Uint8Array[];
    }
  | { readonly order: "command"; readonly command: ConfigCommand };

export interface FederationChanged {
  /** False: it was so already. */
  readonly changed: boolean;
  readonly config: FederationConfig;
}

export interface FederationView {
  /** Of the directory, or, if that does not answer, as this region has logged it. */
  readonly config: FederationConfig;
  readonly directoryAnswered: boolean;
  /** Of the document that this region has logged; 0: none. */
  readonly regionEpoch: number;
  /** By this region. */
  readonly applied: Vector;
}

export interface VerifyOrder {
  /** Whose records count; empty: what most have. */
  readonly source: RegionName;
  readonly repairs: boolean;
}

export interface Verified {
  readonly config: FederationConfig;
  /** Of the region that compared. */
  readonly self: OriginId;
  /** Undefined: it is under way; the same order again waits on. */
  readonly report: AuditReport | undefined;
  /** Keys whose values were read. */
  readonly scrubbed: number;
}

export interface FederationDesk {
  change(order: FederationOrder, context: CallContext, done: Done<FederationChanged>): void;
  view(context: CallContext, done: Done<FederationView>): void;
}

/** At the region's leader; elsewhere it refuses. Needs no directory. */
export interface Verifier {
  verify(order: VerifyOrder, context: CallContext, done: Done<Verified>): void;
}
