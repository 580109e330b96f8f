// A large transaction in chunks, whatever leaders do with them (federation 3, scenario 43).
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Mulberry32 } from "../../base/index.ts";
import { sha256 } from "./stream-world.ts";
import { ByteReader } from "../../federation/byte-reader.ts";
import { ByteWriter } from "../../federation/byte-writer.ts";
import { readChunk, writeChunk } from "../../federation/chunk-codec.ts";
import { TransactionError } from "../../federation/transaction-codec.ts";
import { originId, sequence } from "../../federation/dot.ts";
import { CHUNK_BYTES_MAX, Staging, chunksOf } from "../../federation/staging.ts";
import type { Chunk } from "../../federation/staging.ts";
import { TRANSACTION_LIMITS } from "../../federation/transaction-rules.ts";

const dot = { origin: originId(1), sequence: sequence(7) };
const random = new Mulberry32(1);
const bytes = Uint8Array.from({ length: 2 * CHUNK_BYTES_MAX + 5 }, () => random.u32() & 0xff);
const chunks = chunksOf(dot, sha256(bytes), bytes);

function chunk(at: number): Chunk {
  const found = chunks[at];
  if (found === undefined) throw new Error(`there is no chunk ${at}`);
  return found;
}

test("chunks in any order, again and again, make the transaction, and never another", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 12 }), (order) => {
      const staging = new Staging();
      let next = 0;
      for (const at of order) {
        const { outcome } = staging.accept(chunk(at));
        expect(outcome).toBe(at === next ? "kept" : at < next ? "duplicate" : "gap");
        if (outcome === "kept") next += 1;
        expect(staging.staged?.bytes ?? 0).toBe(Math.min(next * CHUNK_BYTES_MAX, bytes.length));
      }
      expect(staging.whole(dot) === undefined).toBe(next < 3);
    }),
  );
});

test("it is the very bytes", () => {
  const staging = new Staging();
  expect(chunks.map((one) => staging.accept(one))).toEqual([
    { outcome: "kept", begins: true },
    { outcome: "kept", begins: false },
    { outcome: "kept", begins: false },
  ]);
  expect(staging.whole({ ...dot, sequence: sequence(8) })).toBeUndefined();
  const whole = staging.whole(dot);
  expect(whole && sha256(whole)).toEqual(sha256(bytes));
  staging.clear();
  expect(staging.staged).toBeUndefined();
  expect(staging.whole(dot)).toBeUndefined();
});

test("a chunk's bytes read back, or what is wrong with them is named", () => {
  const writer = new ByteWriter();
  writeChunk(writer, chunk(2));
  const failure = (message: string): Error => new TransactionError(message);
  expect(readChunk(new ByteReader(writer.written(), failure))).toEqual(chunk(2));
  const hostile = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(hostile, (body) => {
      try {
        readChunk(new ByteReader(body, failure));
      } catch (error) {
        expect(error).toBeInstanceOf(TransactionError);
      }
    }),
  );
});

test("another transaction begins anew, and takes the place of the one before", () => {
  const staging = new Staging();
  staging.accept(chunk(0));
  const other = chunksOf({ ...dot, origin: originId(2) }, sha256(bytes), bytes);
  expect(other[1] && staging.accept(other[1])).toEqual({ outcome: "gap" });
  expect(staging.staged?.dot).toEqual(dot);
  expect(other[0] && staging.accept(other[0])).toEqual({ outcome: "kept", begins: true });
  expect(staging.accept(chunk(1))).toEqual({ outcome: "gap" });
});

test("other bytes under the same dot begin anew", () => {
  const staging = new Staging();
  staging.accept(chunk(0));
  const altered = Uint8Array.from(bytes);
  altered[0] = (altered[0] ?? 0) ^ 1;
  const [first] = chunksOf(dot, sha256(altered), altered);
  expect(first && staging.accept(first)).toEqual({ outcome: "kept", begins: true });
  expect(staging.accept(chunk(1))).toEqual({ outcome: "gap" });
});

test.each<readonly [string, Partial<Chunk>]>([
  ["reaches beyond its transaction", { totalBytes: 5 }],
  ["is of a transaction beyond the bound", { totalBytes: TRANSACTION_LIMITS.bytesMax + 1 }],
  ["is empty", { bytes: new Uint8Array() }],
  ["is larger than a chunk", { bytes: new Uint8Array(CHUNK_BYTES_MAX + 1) }],
  ["overlaps what is staged without being it", { offset: CHUNK_BYTES_MAX - 1 }],
])("a chunk that %s is malformed", (_, wrong) => {
  const staging = new Staging();
  staging.accept(chunk(0));
  expect(staging.accept({ ...chunk(1), ...wrong })).toEqual({ outcome: "malformed" });
  expect(staging.staged?.bytes).toBe(CHUNK_BYTES_MAX);
});
