// A transaction that is too large for a batch travels in parts, one after the other, so that who pulls sees that it is
// coming and looks for no other way, and nothing else waits behind all of it (federation 3, 4).
import type { OriginId } from "./dot.ts";
import type { Batch, Part, ServeMessage } from "./exchange-message.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";

/** Of one part, at the most. */
export const PART_BYTES_MAX = 256 * 1024;

interface Row {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** The chain's behind it. */
  readonly hash: Uint8Array;
}

/** Consecutive rows as batches; one of more than `bytesMax` in parts of `partBytesMax`. */
export function messagesOf(
  origin: OriginId,
  rows: readonly Row[],
  bytesMax: number,
  partBytesMax = PART_BYTES_MAX,
): readonly ServeMessage[] {
  const messages: ServeMessage[] = [];
  let small: Row[] = [];
  const flush = (): void => {
    const [first, last] = [small[0], small.at(-1)];
    if (first === undefined || last === undefined) return;
    const transactions = small.map(({ bytes }) => bytes);
    const batch = { origin, from: first.sequence, transactions, hash: last.hash };
    messages.push({ kind: "batch", batch });
    small = [];
  };
  for (const row of rows) {
    if (row.bytes.length <= bytesMax) {
      small.push(row);
      continue;
    }
    flush();
    for (let offset = 0; offset < row.bytes.length; offset += partBytesMax) {
      const bytes = row.bytes.subarray(offset, offset + partBytesMax);
      messages.push({ kind: "part", part: partOf(origin, row, offset, bytes) });
    }
  }
  flush();
  return messages;
}

function partOf(origin: OriginId, row: Row, offset: number, bytes: Uint8Array): Part {
  const { sequence, hash } = row;
  return { origin, sequence, hash, totalBytes: row.bytes.length, offset, bytes };
}

/** Of one stream: the one transaction that is coming. */
export class ComingParts {
  #first: Part | undefined;
  #bytes = new Uint8Array();
  #count = 0;

  /** The batch that it is once it is whole; undefined: there is more to come. A text: what is wrong with it. */
  take(part: Part): Batch | string | undefined {
    const { origin, sequence, totalBytes, offset, bytes, hash } = part;
    if (offset === 0) {
      if (totalBytes > TRANSACTION_LIMITS.bytesMax) return `a transaction of ${totalBytes} bytes`;
      this.#first = part;
      this.#bytes = new Uint8Array(totalBytes);
      this.#count = 0;
    }
    const first = this.#first;
    const isNext =
      first?.origin === origin &&
      first.sequence === sequence &&
      first.totalBytes === totalBytes &&
      offset === this.#count;
    const end = offset + bytes.length;
    if (!isNext || bytes.length === 0 || end > totalBytes) {
      return `a part of ${origin}:${sequence} at ${offset} that goes on from nothing`;
    }
    this.#bytes.set(bytes, offset);
    this.#count = end;
    if (end < totalBytes) return undefined;
    this.#first = undefined;
    return { origin, from: sequence, transactions: [this.#bytes], hash };
  }
}
