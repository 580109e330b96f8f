import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { logIndex, nodeId } from "../base/index.ts";
import type { MemberId, NodeId } from "../base/index.ts";
import type { Entry, Epoch, Membership, Roster, StorageOp } from "../consensus/index.ts";
import { FrameEncoder, recordBytes, recordCount } from "./segment-frame.ts";
import { SegmentScan } from "./segment-scan.ts";
import type { Frame } from "./segment-scan.ts";

const count = fc.maxSafeNat();
const index = count.map(logIndex);
const node = fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(nodeId);
const epoch: fc.Arbitrary<Epoch> = fc.record({
  config: count,
  round: count,
  node: fc.oneof(fc.constant<0>(0), node),
});
const nodes = fc.array(node, { maxLength: 5 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const texts = fc.array(fc.string({ maxLength: 40 }), { maxLength: 2 });
const roster: fc.Arbitrary<Roster> = fc.record({
  nodeLast: node,
  members: fc.array(
    fc.record({
      node,
      id: u64.map((id) => id as MemberId),
      incarnation: u64,
      name: fc.string({ maxLength: 200 }),
      peerUrls: texts,
      clientUrls: texts,
      votesNext: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
});
const config: fc.Arbitrary<Membership> = fc.record(
  {
    roster,
    index,
    incoming: nodes,
    outgoing: nodes,
    learners: nodes,
    learnersNext: nodes,
    leaseMs: fc.double({ noNaN: true }),
  },
  { requiredKeys: ["index", "incoming", "learners", "leaseMs"] },
);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ index, epoch, kind: fc.constant<"noop">("noop") }),
  fc.record({ index, epoch, kind: fc.constant<"config">("config"), config }),
  fc.record({
    index,
    epoch,
    kind: fc.constant<"command">("command"),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
);
const meta = fc.record({ index, epoch, config });
const votedFor: fc.Arbitrary<NodeId | 0> = fc.oneof(fc.constant<0>(0), node);
const op: fc.Arbitrary<StorageOp> = fc.oneof(
  fc.record({ op: fc.constant<"append">("append"), entries: fc.array(entry, { maxLength: 4 }) }),
  fc.record({ op: fc.constant<"put">("put"), entry }),
  fc.record({ op: fc.constant<"truncate-from">("truncate-from"), index }),
  fc.record({ op: fc.constant<"promise">("promise"), promised: epoch, votedFor }),
  fc.record({ op: fc.constant<"commit-hint">("commit-hint"), index }),
  fc.record({
    op: fc.constant<"install-snapshot">("install-snapshot"),
    meta,
    generation: fc.nat(),
  }),
  fc.record({ op: fc.constant<"compact-to">("compact-to"), meta }),
);

const PLACE = { salt: 7, at: { sequence: 3, offsetBytes: 64 } };
const DURABLE = { sequence: 2, offsetBytes: 9_000_000_000 };

function encoded(encoder: FrameEncoder, ops: readonly StorageOp[]): Uint8Array {
  const bytes = ops.reduce((sum, each) => sum + recordBytes(each), 0);
  const records = ops.reduce((sum, each) => sum + recordCount(each), 0);
  encoder.begin({ ...PLACE, durableEnd: DURABLE }, bytes, records);
  for (const each of ops) encoder.add(each);
  return encoder.finish();
}

function scanned(bytes: Uint8Array): SegmentScan {
  return new SegmentScan(bytes, { salt: 7, sequence: 3, baseBytes: 64 });
}

function frameOf(bytes: Uint8Array): Frame {
  const frame = scanned(bytes).frameAt(64);
  if ("reason" in frame) throw new Error(frame.reason);
  return frame;
}

/** As a scan shows them: an append is its entries. */
function asPuts(ops: readonly StorageOp[]): StorageOp[] {
  return ops.flatMap((each) =>
    each.op === "append"
      ? each.entries.map((one): StorageOp => ({ op: "put", entry: one }))
      : [each],
  );
}

test("a frame holds what went in, one encoder for all", () => {
  const encoder = new FrameEncoder();
  fc.assert(
    fc.property(fc.array(op, { maxLength: 8 }), (ops) => {
      const bytes = encoded(encoder, ops);
      const frame = frameOf(bytes);
      expect(frame.ops).toEqual(asPuts(ops));
      expect(frame.durableEnd).toEqual(DURABLE);
      expect(frame.until).toBe(64 + bytes.length);
      expect(bytes.length % 8).toBe(0);
    }),
  );
});

test("no bit of a frame can change unseen, but in its padding", () => {
  const encoder = new FrameEncoder();
  fc.assert(
    fc.property(
      fc.array(op, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.nat(7),
      (ops, at, bit) => {
        const bytes = encoded(encoder, ops).slice();
        const before = frameOf(bytes).ops;
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
        const after = scanned(bytes).frameAt(64);
        if (!("reason" in after)) {
          expect(place).toBeGreaterThanOrEqual(bytes.length - 7);
          expect(after.ops).toEqual(before);
        }
      },
    ),
  );
});

test("a frame counts only in its place, its segment and its log", () => {
  const bytes = encoded(new FrameEncoder(), [{ op: "truncate-from", index: logIndex(1) }]);
  const here = { salt: 7, sequence: 3, baseBytes: 64 };
  for (const place of [
    { ...here, salt: 8 },
    { ...here, sequence: 4 },
    { ...here, baseBytes: 72 },
  ]) {
    const found = new SegmentScan(bytes, place).frameAt(place.baseBytes);
    expect(found).toEqual({ reason: "no-frame-header" });
  }
});

test("a client's bytes that look like a frame are no proof of anything", () => {
  const forged = new FrameEncoder();
  const inner: StorageOp = { op: "commit-hint", index: logIndex(9) };
  // A client knows the form and may guess the place, but not the salt.
  forged.begin(
    {
      salt: 0,
      at: { sequence: 3, offsetBytes: 64 + 48 + 40 },
      durableEnd: { sequence: 99, offsetBytes: 0 },
    },
    recordBytes(inner),
    1,
  );
  forged.add(inner);
  const data = forged.finish().slice();
  const command: Entry = {
    index: logIndex(1),
    epoch: { config: 0, round: 1, node: 0 },
    kind: "command",
    data,
  };
  const bytes = encoded(new FrameEncoder(), [{ op: "put", entry: command }]);
  expect(scanned(bytes).proofBehind(64)).toBeUndefined();
  // With the salt it would be one: the search does look there.
  const known = new SegmentScan(bytes, { salt: 0, sequence: 3, baseBytes: 64 });
  expect(known.proofBehind(64)).toBe(64 + 48 + 40);
});
