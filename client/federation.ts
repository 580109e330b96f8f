// The administration of the federation that a region belongs to (`hansa.v1.Federation`): a member carries each
// command to the directory. A command whose outcome is unknown may be given again: what is so already stays.
import type { etcdserverpb, hansa } from "../proto/index.ts";
import { countOf, headerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { METHODS } from "./connection.ts";
import type { Connection } from "./connection.ts";
import type { Courier } from "./courier.ts";
import type { CallOptions } from "./options.ts";

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
  /** The whole configuration, in JSON. */
  readonly document: Uint8Array;
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
        return { ...answerOf(wire.header), changed: wire.changed, epoch: countOf(wire.epoch) };
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
          ...answerOf(wire.header),
          federationId: wire.federation_id,
          epoch: countOf(wire.epoch),
          directoryAnswered: wire.directory_answered,
          regionEpoch: countOf(wire.region_epoch),
          regions: wire.regions.map(regionOf),
          awaited: wire.awaited,
          document: wire.document,
        };
      },
    );
  }

  #ask<T>(
    operation: string,
    nature: "read" | "plain-write",
    options: CallOptions,
    call: (
      connection: Connection,
      timeoutMs: number,
      signal: AbortSignal | undefined,
    ) => Promise<T>,
  ): Promise<T> {
    return this.#courier.carry(
      {
        operation,
        nature,
        destination: "any",
        onMiss: "fail",
        attempt: ({ connection, timeoutMs, signal }) => call(connection, timeoutMs, signal),
      },
      options,
    );
  }
}

function answerOf(wire: etcdserverpb.IResponseHeader | null | undefined): Answer {
  const header = headerOf(wire);
  return { header, revision: header.revision };
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
