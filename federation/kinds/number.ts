// Numbers of 64 bits that saturate, and what an etcd client reads of them (federation 9).

/** Of a total. */
export const U64_MAX = 2n ** 64n - 1n;

const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

export function saturatedTotal(total: bigint): bigint {
  return total > U64_MAX ? U64_MAX : total;
}

/** As decimal digits, of a number of 64 bits with a sign. */
export function numberText(value: bigint): Uint8Array {
  const shown = value > I64_MAX ? I64_MAX : value < I64_MIN ? I64_MIN : value;
  return textBytes(shown.toString());
}

const encoder = new TextEncoder();

export function textBytes(text: string): Uint8Array {
  return encoder.encode(text);
}
