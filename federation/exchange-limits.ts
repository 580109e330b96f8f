// The bounds of an exchange: what may be on its way, held, and proposed at once, and how long silence may last.
import { PART_BYTES_MAX } from "./exchange-parts.ts";
import { CHUNK_BYTES_MAX } from "./staging.ts";

export interface ExchangeLimits {
  /** Of one origin, on their way to one puller or held there: 28 MB/s over a round trip of 150 ms. */
  readonly windowBytes: number;
  /** Of one batch, unless one transaction is larger. */
  readonly batchBytesMax: number;
  readonly batchCountMax: number;
  /** Of one part of a transaction that is larger than a batch. */
  readonly partBytesMax: number;
  /**
   * Of the transactions in one entry of the region's log, and their bytes, unless one transaction is larger. An entry is
   * applied in one step, in which its member does nothing else: some 10 ms of a quiet machine.
   */
  readonly applyOperationsMax: number;
  readonly applyBytesMax: number;
  /** On their way in the region's log at once, all but the first of them full. */
  readonly applyEntriesMax: number;
  /** Of one chunk of a transaction that is larger than an entry. */
  readonly chunkBytesMax: number;
  /** Origins that one puller may want. */
  readonly originsMax: number;
  /** Between two messages of reports that are sent for their own sake: while a write may wait for this region's word. */
  readonly reportMs: number;
  /** The same, while there are words of regions that the puller does not hear itself. */
  readonly relayMs: number;
  /** The same, while nothing waits for any of it here. */
  readonly restMs: number;
  /** Between two of those that go with something else, and cost the puller little. */
  readonly besideMs: number;
  /** The longest silence of who serves. */
  readonly heartbeatMs: number;
  /** A neighbour that has more of an origin takes over from one that has brought nothing of it for this long. */
  readonly stallMs: number;
  /** After an entry that applied nothing of what was ready, until the next is proposed. */
  readonly retryMs: number;
}

export const EXCHANGE_LIMITS_DEFAULT: ExchangeLimits = {
  windowBytes: 4 * 1024 * 1024,
  batchBytesMax: 256 * 1024,
  batchCountMax: 1_024,
  partBytesMax: PART_BYTES_MAX,
  applyOperationsMax: 128,
  applyBytesMax: 1024 * 1024,
  applyEntriesMax: 4,
  chunkBytesMax: CHUNK_BYTES_MAX,
  originsMax: 4_096,
  reportMs: 20,
  relayMs: 50,
  restMs: 250,
  besideMs: 5,
  heartbeatMs: 1_000,
  stallMs: 3_000,
  retryMs: 250,
};
