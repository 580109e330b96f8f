// The replicated state machine: log entries in, responses and engine operations out. Deterministic: the
// same entries give the same bytes on every replica, refusals included. It reads no clock.
import { AssertionError } from "../base/index.ts";
import type { LogIndex, LogTimeMs, PlantedBug, Revision } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";
import type { EngineOp, EngineRow } from "./engine.ts";
import type { RangePlan, RangeScan, TxnPlan } from "./plan.ts";
import type { RangeRequest, Request, RequestKind, TxnRequest } from "./request.ts";
import type { Refusal, Response } from "./response.ts";

/** Bytes to types and back; injected, so that the store knows no protobuf library. */
export interface RequestCodec {
  /** The bytes were checked at the edge before they were logged. */
  decodeRequest(kind: RequestKind, body: Uint8Array): Request;
  /** For the session table (R9): must round-trip, and be the same bytes on every replica. */
  encodeResponse(response: Response): Uint8Array;
  decodeResponse(bytes: Uint8Array): Response;
}

export interface MachineOptions {
  readonly codec: RequestCodec;
  /** Bytes of values kept in memory beyond those that the engine does not hold yet. */
  readonly valueCacheBytesMax: number;
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug;
}

/** Engine operations in order, all or nothing. */
export interface EngineBatch {
  readonly ops: readonly EngineOp[];
  readonly upTo: LogIndex;
}

export class Machine {
  constructor(options: MachineOptions) {
    absent(options);
  }

  get applied(): LogIndex {
    return absent();
  }

  get revision(): Revision {
    return absent();
  }

  get compacted(): Revision {
    return absent();
  }

  get logTime(): LogTimeMs {
    return absent();
  }

  get unflushedBytes(): number {
    return absent();
  }

  restore(rows: readonly EngineRow[]): void {
    absent(rows);
  }

  restored():
    | { readonly ok: true; readonly applied: LogIndex }
    | { readonly ok: false; readonly reason: string } {
    return absent();
  }

  needs(entry: Entry): readonly Uint8Array[] {
    return absent(entry);
  }

  apply(entry: Entry, loaded: readonly (Uint8Array | undefined)[]): Response | undefined {
    return absent(entry, loaded);
  }

  drain(): EngineBatch | undefined {
    return absent();
  }

  checkpoint(): EngineBatch | undefined {
    return absent();
  }

  flushed(upTo: LogIndex): void {
    absent(upTo);
  }

  admits(request: Request): Refusal | undefined {
    return absent(request);
  }

  planRange(request: RangeRequest): RangePlan | Refusal {
    return absent(request);
  }

  scanRange(request: RangeRequest, keysPerStepMax: number): RangeScan | Refusal {
    return absent(request, keysPerStepMax);
  }

  planTxn(request: TxnRequest): TxnPlan | Refusal {
    return absent(request);
  }

  hash(): number {
    return absent();
  }
}

function absent(...given: readonly unknown[]): never {
  throw new AssertionError(`the machine's body follows its surface: ${given.length}`);
}
