// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720 appendix B.4), eight bytes a step
// ("slicing by 8"): the checksum of the log's records. Not for cryptography.

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** Slice k, byte b: the remainder of b followed by k zero bytes. One flat table, slice after slice. */
const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    }
    table[byte] = remainder;
  }
  for (let at = 256; at < table.length; at += 1) {
    const shorter = table[at - 256] ?? 0;
    table[at] = (shorter >>> 8) ^ (table[shorter & 0xff] ?? 0);
  }
  return table;
}

/**
 * The checksum of `bytes` in [from, until), an unsigned 32-bit number. `seed` is an earlier result to go
 * on from, so that crc32c(b, crc32c(a)) is that of a then b; 0 starts afresh.
 */
export function crc32c(
  bytes: Uint8Array,
  seed = 0,
  from = 0,
  until: number = bytes.length,
): number {
  const table = TABLE;
  let crc = ~seed;
  let at = from;
  for (const stop = until - 7; at < stop; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24));
    crc =
      (table[1792 + (low & 0xff)] as number) ^
      (table[1536 + ((low >>> 8) & 0xff)] as number) ^
      (table[1280 + ((low >>> 16) & 0xff)] as number) ^
      (table[1024 + (low >>> 24)] as number) ^
      (table[768 + (bytes[at + 4] as number)] as number) ^
      (table[512 + (bytes[at + 5] as number)] as number) ^
      (table[256 + (bytes[at + 6] as number)] as number) ^
      (table[bytes[at + 7] as number] as number);
  }
  for (; at < until; at += 1) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}
