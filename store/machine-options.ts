// What a machine is made of and what it hands out: the codec that reads logged requests, its bounds, and the
// batches that its owner writes to the engine.
import type { LogIndex, PlantedAuthBug, PlantedBug } from "../base/index.ts";
import type { EngineOp } from "./engine.ts";
import type { FederatedStore, FederationPort } from "./federation-port.ts";
import type { Request, RequestKind } from "./request.ts";
import type { KeptResponse } from "./response.ts";
import type { SessionLimits } from "./sessions.ts";

/** Bytes to types and back; injected, so that the store knows no protobuf library. */
export interface RequestCodec {
  /** The bytes were checked at the edge before they were logged. */
  decodeRequest(kind: RequestKind, body: Uint8Array): Request;
  /** For the session table (R9): must round-trip, and be the same bytes on every replica. */
  encodeResponse(response: KeptResponse): Uint8Array;
  decodeResponse(bytes: Uint8Array): KeptResponse;
}

export interface MachineOptions {
  readonly codec: RequestCodec;
  /** Bytes of values kept in memory beyond those that the engine does not hold yet. */
  readonly valueCacheBytesMax: number;
  /**
   * The most bytes of batches that the engine may hold in its own log, where damage takes them without a
   * word although they were synced: the chain of applied indexes reaches back over as many (S2).
   */
  readonly engineLogBytesMax?: number;
  /** Rules of the state machine: equal on all members of a group. */
  readonly sessionLimits?: SessionLimits;
  /** Makes what federates the store's prefixes, for one machine; equal on all members of a group. */
  readonly createFederation?: (store: FederatedStore) => FederationPort;
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug | PlantedAuthBug;
}

/** Engine operations in order, all or nothing. */
export interface EngineBatch {
  readonly ops: readonly EngineOp[];
  readonly upTo: LogIndex;
}
