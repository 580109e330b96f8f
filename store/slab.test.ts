import { expect, test } from "@jest/globals";
import { Slab } from "./slab.ts";

function row(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

test("packed rows keep their bytes, whatever is packed beside them", () => {
  const slab = new Slab();
  const lengths = [0, 1, 290, 1024, 1023, ...Array.from({ length: 100 }, (_, at) => at * 9)];
  const rows = lengths.map((length, at) => row(length, at % 256));
  const packed = rows.map((each) => slab.pack(each));
  expect(packed).toEqual(rows);
  for (const each of rows) each.fill(255);
  expect(packed.map((each) => each[0])).toEqual(
    lengths.map((length, at) => (length > 0 ? at : undefined)),
  );
});

test("small rows share buffers of a bounded size, large ones are left alone", () => {
  const slab = new Slab();
  const packed = Array.from({ length: 100 }, () => slab.pack(row(290, 1)));
  const buffers = new Set(packed.map(({ buffer }) => buffer));
  expect(buffers.size).toBe(2);
  for (const { byteLength } of buffers) expect(byteLength).toBe(16 * 1024);
  const large = row(1025, 2);
  expect(slab.pack(large)).toBe(large);
});

test("what is taken is zero and nobody else's", () => {
  const slab = new Slab();
  const taken = [9, 16, 0, 1024, 1025, 13].map((length) => slab.take(length));
  expect(taken.map((each) => [...each])).toEqual(
    [9, 16, 0, 1024, 1025, 13].map((length) => new Array<number>(length).fill(0)),
  );
  taken.forEach((each, at) => each.fill(at));
  taken.forEach((each, at) => expect(each.every((byte) => byte === at)).toBe(true));
});
