import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { EngineRow } from "./engine.ts";
import {
  BLOCK_HEAD_BYTES,
  blockBytes,
  decodeBlock,
  encodeEndBlock,
  encodeHeaderBlock,
  encodeRowsBlock,
} from "./snapshot-stream.ts";

const HEADER = {
  version: 1,
  clusterId: 0xfedc_ba98_7654_3210n,
  group: 1,
  meta: {
    index: 77 as LogIndex,
    epoch: { config: 0, round: 5, node: 0 },
    config: {
      index: 60 as LogIndex,
      incoming: [1, 2, 3] as NodeId[],
      outgoing: [1, 2] as NodeId[],
      learners: [4 as NodeId],
      leaseMs: 900,
    },
  },
} as const;

const row = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  value: fc.uint8Array({ maxLength: 60 }),
});
const rows = fc.array(row, { minLength: 1, maxLength: 8 });
const offset = fc.nat({ max: 2 ** 40 });

function plain(read: readonly EngineRow[]): unknown {
  return read.map(({ key, value }) => [[...key], [...value]]);
}

test("a header says of what state the stream is, all 64 bits of the cluster included", () => {
  expect(decodeBlock(encodeHeaderBlock(HEADER), 0)).toEqual({ kind: "header", header: HEADER });
});

test("rows and end come back as they were", () => {
  fc.assert(
    fc.property(rows, offset, (given, at) => {
      const block = encodeRowsBlock(at, given);
      expect(blockBytes(block.subarray(0, BLOCK_HEAD_BYTES))).toBe(block.length);
      const decoded = decodeBlock(block, at);
      expect(decoded).toMatchObject({ kind: "rows" });
      if (typeof decoded === "object" && decoded.kind === "rows") {
        expect(plain(decoded.rows)).toEqual(plain(given));
      }
    }),
  );
  const end = { rowCount: 9, digest: new Uint8Array(32).fill(7) };
  expect(decodeBlock(encodeEndBlock(99, end), 99)).toEqual({ kind: "end", end });
});

test("a block that is damaged, cut, or of another place is none", () => {
  fc.assert(
    fc.property(
      rows,
      offset,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (given, at, where, by) => {
        const block = encodeRowsBlock(at, given);
        const damaged = Uint8Array.from(block);
        const place = where % block.length;
        damaged[place] = (damaged[place] ?? 0) ^ by;
        expect(typeof decodeBlock(damaged, at)).toBe("string");
        expect(typeof decodeBlock(block.subarray(0, place), at)).toBe("string");
        expect(typeof decodeBlock(block, at + 1)).toBe("string");
      },
    ),
  );
});
