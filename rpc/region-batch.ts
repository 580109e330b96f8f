// A batch of transactions as bytes, deflated where that pays: between continents bytes cost more than the processor,
// and transactions of one application look alike. What is inflated is bounded by what the sender says it is.
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { TRANSACTION_LIMITS } from "../federation/index.ts";
import type { Batch } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import { invalid } from "./decode.ts";

const wire = hansa.region.v1;

/** Smaller ones are not worth the time: about 10 ms for each MiB. */
const DEFLATED_BYTES_MIN = 2 * 1024;
/** The largest transaction, or a batch of smaller ones. */
export const BATCH_BYTES_MAX = TRANSACTION_LIMITS.bytesMax + 1024 * 1024;

export function batchShape({ transactions, ...batch }: Batch): hansa.region.v1.Batch.$Properties {
  const plain = { ...batch, transactions: [...transactions] };
  const bytes = transactions.reduce((sum, { length }) => sum + length, 0);
  if (bytes < DEFLATED_BYTES_MIN) return plain;
  const inflated = wire.Batch.encode({ transactions: [...transactions] }).finish();
  const deflated = deflateRawSync(inflated, { level: constants.Z_BEST_SPEED });
  if (deflated.length >= inflated.length) return plain;
  return { ...batch, deflated, inflated_bytes: inflated.length };
}

/** @throws {KvError} `invalid-argument`, when what is deflated is larger than it says, or is nothing. */
export function transactionsIn(batch: hansa.region.v1.Batch.$Properties): readonly Uint8Array[] {
  const { transactions, deflated, inflated_bytes: inflatedBytes } = batch;
  if (!deflated || deflated.length === 0) return transactions ?? [];
  if (!inflatedBytes || inflatedBytes > BATCH_BYTES_MAX) {
    throw invalid(`a batch of ${inflatedBytes ?? 0} bytes; expected 1 to ${BATCH_BYTES_MAX}`);
  }
  return wire.Batch.decode(inflatedTo(deflated, inflatedBytes)).transactions;
}

function inflatedTo(deflated: Uint8Array, bytes: number): Uint8Array {
  let inflated;
  try {
    inflated = inflateRawSync(deflated, { maxOutputLength: bytes });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`a deflated batch of ${bytes} bytes is none: ${why}`);
  }
  if (inflated.length === bytes) return inflated;
  throw invalid(`a deflated batch has ${inflated.length} bytes; it says ${bytes}`);
}
