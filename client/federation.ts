// The administration of the federation that a region belongs to (`hansa.v1.Federation`): a member carries each
// command to the directory. A command whose outcome is unknown may be given again: what is so already stays.
import type { hansa } from "../proto/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { Courier } from "./courier.ts";
import { oneCall } from "./one-call.ts";
import type { OneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { countOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/** One field of the message, as proto/federation.proto has them. */
export type FederationCommand = hansa.v1.IFederationChangeRequest;

/** What became of a command. */
export interface FederationChangedAnswer extends Answer {
  /** False: it was so already. */
  readonly changed: boolean;
  /** Of the configuration after it. */
  readonly epoch: number;
}

/** A region as the configuration has it, and how far the one that was asked is with it. */
export interface FederationRegion {
  readonly name: string;
  readonly origin: number;
  readonly incarnation: string;
  /** "live", "joining", "frozen" or "parted". */
  readonly standing: string;
  readonly paused: boolean;
  readonly endpoints: readonly string[];
  /** From whom it pulls. */
  readonly neighbours: readonly string[];
  /** The last of its transactions that the region asked has applied. */
  readonly applied: number;
  /** Of a parted one: the last there will be. */
  readonly cut: number;
}

/** Custom JavaScript that makes one value of siblings. */
export interface FederationHandler {
  readonly name: string;
  /** SHA-256 of the source, in hexadecimal digits. */
  readonly hash: string;
  /** "on-read" or "on-write". */
  readonly runs: string;
  readonly source: string;
  /** The region in which it misbehaved; empty: it runs. */
  readonly stoppedBy: string;
  /** What it did there. */
  readonly stoppedWhy: string;
}

/** The region that takes all writes of a prefix. */
export interface FederationHome {
  readonly prefix: Uint8Array;
  readonly region: string;
  /** What other regions do with a write: "forward", "refuse" or "advisory". */
  readonly elsewhere: string;
  /** Of the configuration that gave it to the region. */
  readonly epoch: number;
  /** The region that it is on its way to; empty: it stays. */
  readonly movingTo: string;
  /** It is held by a lease of so many seconds; 0: it moves by command alone. */
  readonly leaseTtlS: number;
  /** Who may take it over when its lease has ended, the first before the others. */
  readonly heirs: readonly string[];
  /** What so many regions acknowledged outlives a take-over. */
  readonly writeRegions: number;
  /** How often it moved without its region's part. */
  readonly taken: number;
  /** It is on its way without its region's part. */
  readonly unplanned: boolean;
  /** Of an unplanned move: the regions that have told what they have. */
  readonly told: readonly string[];
}

/** When a region that nobody hears of is parted by itself. */
export interface FederationAutoPart {
  readonly afterS: number;
  /** And not before so much waits for it. */
  readonly bytes: number;
}

/** The federation as it stands. */
export interface FederationStatusAnswer extends Answer {
  readonly federationId: string;
  readonly epoch: number;
  /** False: it is what the region asked has logged. */
  readonly directoryAnswered: boolean;
  /** Logged by the region asked; 0: none yet. */
  readonly regionEpoch: number;
  readonly regions: readonly FederationRegion[];
  /** Regions whose reports a freeze waits for. */
  readonly awaited: readonly string[];
  /** By name. */
  readonly handlers: readonly FederationHandler[];
  /** By prefix. */
  readonly homes: readonly FederationHome[];
  /** Undefined: regions are parted by command alone. */
  readonly autoPart: FederationAutoPart | undefined;
  /** The whole configuration, in JSON. */
  readonly document: Uint8Array;
}

/** One comparison of a region with its neighbours. */
export interface FederationVerifyAnswer extends Answer {
  /** Of the member that was asked. */
  readonly region: string;
  readonly neighbours: readonly VerifiedNeighbour[];
  /** That differed; ascending. */
  readonly keys: readonly VerifiedKey[];
  /** More differ than are listed. */
  readonly more: boolean;
}

/** A neighbour that was compared with. */
export interface VerifiedNeighbour {
  readonly region: string;
  /** "equal", "moving" (what differed was being written), "different" or "unreached". */
  readonly outcome: string;
}

/** A key that differed, and what became of it. */
export interface VerifiedKey {
  readonly key: Uint8Array;
  /** Regions that differ in it; none: it was damaged where it is stored. */
  readonly against: readonly string[];
  /** "repaired", "kept" (the others are wrong, and repair themselves) or "reported". */
  readonly outcome: string;
  /** Whose record it got. */
  readonly from: string;
  /** Of "reported": what there is to decide. */
  readonly why: string;
}

/** Any member of any region takes them that knows the directory; the configuration changes for all. */
export class FederationCalls {
  readonly #courier: Courier;

  /** Is `Client.federation`. */
  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /** @throws {KvError} `federation-refused` with the reason, and those of every call */
  change(command: FederationCommand, options: CallOptions = {}): Promise<FederationChangedAnswer> {
    return this.#ask(
      "federation-change",
      "plain-write",
      options,
      async (connection, timeoutMs, signal) => {
        const method = METHODS.federationChange;
        const wire = await connection.unary(method, command, timeoutMs, signal);
        return { ...answerOf(wire), changed: wire.changed, epoch: countOf(wire.epoch) };
      },
    );
  }

  /** @throws {KvError} `federation-refused` if there is none, and those of every call */
  status(options: CallOptions = {}): Promise<FederationStatusAnswer> {
    return this.#ask(
      "federation-status",
      "read",
      options,
      async (connection, timeoutMs, signal) => {
        const wire = await connection.unary(METHODS.federationStatus, {}, timeoutMs, signal);
        return {
          ...answerOf(wire),
          federationId: wire.federation_id,
          epoch: countOf(wire.epoch),
          directoryAnswered: wire.directory_answered,
          regionEpoch: countOf(wire.region_epoch),
          regions: wire.regions.map(regionOf),
          awaited: wire.awaited,
          handlers: wire.handlers.map(handlerOf),
          homes: wire.homes.map(homeOf),
          autoPart: autoPartOf(wire.auto_part),
          document: wire.document,
        };
      },
    );
  }

  /**
   * Compares what the region keeps with its neighbours, reading every federated value; what is damaged is repaired. It
   * takes as long as that takes, in as many calls as it needs; `signal` ends the waiting, not the work.
   *
   * @param order - `source`: the region whose records count; default: what most have. `checkOnly`: repair nothing.
   * @throws {KvError} `too-many-requests` while the region is being verified already, and those of every call
   */
  async verify(
    order: { source?: string; checkOnly?: boolean } = {},
    options: CallOptions = {},
  ): Promise<FederationVerifyAnswer> {
    for (;;) {
      const answer = await this.#verifyOnce(order, options);
      if (answer !== undefined) return answer;
    }
  }

  /** Undefined: it is under way. */
  #verifyOnce(
    { source = "", checkOnly = false }: { source?: string; checkOnly?: boolean },
    options: CallOptions,
  ): Promise<FederationVerifyAnswer | undefined> {
    return this.#ask(
      "federation-verify",
      "plain-write",
      options,
      async (connection, timeoutMs, signal) => {
        const asked = { source, check_only: checkOnly };
        const wire = await connection.unary(METHODS.federationVerify, asked, timeoutMs, signal);
        if (wire.running) return undefined;
        return {
          ...answerOf(wire),
          region: wire.region,
          neighbours: wire.neighbours.map(({ region, outcome }) => ({
            region: region ?? "",
            outcome: outcome ?? "",
          })),
          keys: wire.keys.map(({ key, against, outcome, from, why }) => ({
            key: key ?? new Uint8Array(0),
            against: against ?? [],
            outcome: outcome ?? "",
            from: from ?? "",
            why: why ?? "",
          })),
          more: wire.more,
        };
      },
    );
  }

  #ask<T>(
    operation: string,
    nature: "read" | "plain-write",
    options: CallOptions,
    call: OneCall<T>,
  ): Promise<T> {
    return this.#courier.carry(oneCall({ operation, nature, destination: "any" }, call), options);
  }
}

function regionOf(wire: hansa.v1.IRegionStatus): FederationRegion {
  return {
    name: wire.name ?? "",
    origin: wire.origin ?? 0,
    incarnation: wire.incarnation ?? "",
    standing: wire.standing ?? "",
    paused: wire.paused ?? false,
    endpoints: wire.endpoints ?? [],
    neighbours: wire.neighbours ?? [],
    applied: countOf(wire.applied),
    cut: countOf(wire.cut),
  };
}

function handlerOf(wire: hansa.v1.IHandlerStatus): FederationHandler {
  return {
    name: wire.name ?? "",
    hash: wire.hash ?? "",
    runs: wire.runs ?? "",
    source: wire.source ?? "",
    stoppedBy: wire.stopped_by ?? "",
    stoppedWhy: wire.stopped_why ?? "",
  };
}

function autoPartOf(
  wire: hansa.v1.ISetAutoPart | null | undefined,
): FederationAutoPart | undefined {
  return wire ? { afterS: wire.after_s ?? 0, bytes: countOf(wire.bytes) } : undefined;
}

function homeOf(home: hansa.v1.IHomeStatus): FederationHome {
  const { prefix, region, elsewhere, epoch, moving_to, lease_ttl_s, write_regions } = home;
  return {
    prefix: prefix ?? new Uint8Array(0),
    region: region ?? "",
    elsewhere: elsewhere ?? "",
    epoch: countOf(epoch),
    movingTo: moving_to ?? "",
    leaseTtlS: lease_ttl_s ?? 0,
    heirs: home.heirs ?? [],
    writeRegions: write_regions ?? 0,
    taken: home.taken ?? 0,
    unplanned: home.unplanned ?? false,
    told: home.told ?? [],
  };
}
