// Frames from anywhere, and valid conversations with bytes changed: the carrier never throws, and nothing of
// a connection is left when it is over.
import { Duplex } from "node:stream";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { PREFACE } from "../../rpc/http2/first-bytes.ts";
import { COUNT, Carried, ECHO, EXCHANGE, HELD } from "../integration/rpc/carried.ts";
import { frame, message, requestBlock, uint32 } from "../integration/rpc/frame-client.ts";

/** A peer that says what it is given and reads everything. */
class Peer extends Duplex {
  override _read(): void {
    // Tests push.
  }
  override _write(_: Buffer, __: string, done: () => void): void {
    done();
  }
}

const streamId = fc.integer({ min: 0, max: 9 });
const flags = fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d);
const anyFrame = fc
  .tuple(fc.nat({ max: 11 }), flags, streamId, fc.uint8Array({ maxLength: 40 }))
  .map((parts) => frame(...parts));
const path = fc.constantFrom(ECHO, HELD, COUNT, EXCHANGE, "/no/method");
const likelyFrame = fc.oneof(
  fc.tuple(fc.constantFrom(4, 5), streamId, path).map(([flag, id, to]) => {
    return frame(1, flag, id, requestBlock(to));
  }),
  fc
    .tuple(fc.constantFrom(0, 1), streamId, fc.uint8Array({ maxLength: 30 }))
    .map(([flag, id, bytes]) => frame(0, flag, id, message(bytes))),
  fc
    .tuple(streamId, fc.nat({ max: 2 ** 31 - 1 }))
    .map(([id, bytes]) => frame(8, 0, id, uint32(bytes))),
  streamId.map((id) => frame(3, 0, id, uint32(8))),
  fc.nat({ max: 2 ** 31 - 1 }).map((bytes) => {
    return frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(bytes)]));
  }),
  anyFrame,
);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function survives(bytes: Buffer, sizes: readonly number[]): Promise<void> {
  const carried = new Carried();
  const peer = new Peer();
  carried.carrier.accept(peer);
  let at = 0;
  for (const size of sizes) {
    if (at < bytes.length && !peer.destroyed) peer.push(bytes.subarray(at, at + size));
    at += size;
  }
  if (at < bytes.length && !peer.destroyed) peer.push(bytes.subarray(at));
  await turns(4);
  peer.destroy();
  await turns(4);
  for (const { reply } of carried.held) reply(new Uint8Array(3));
  expect(carried.bugs).toEqual([]);
  expect(carried.carrier.usage).toEqual({ connections: 0, calls: 0, heldBytes: 0 });
  expect(carried.closedStreams).toBe(carried.sinks.length);
  await carried.carrier.drain(0);
}

const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 10 });

test("any sequence of frames ends with nothing left", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(likelyFrame, { maxLength: 40 }), cuts, async (frames, sizes) => {
      await survives(Buffer.concat([PREFACE, frame(4, 0, 0), ...frames]), sizes);
    }),
    { numRuns: 1_000 },
  );
});

test("mutated conversations end with nothing left", async () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(likelyFrame), changes, cuts, async (frames, changed, sizes) => {
      const bytes = Buffer.concat([PREFACE, frame(4, 0, 0), ...frames]);
      for (const [at, value] of changed) bytes[at % bytes.length] = value;
      await survives(bytes, sizes);
    }),
    { numRuns: 1_000 },
  );
});

test("random bytes end with nothing left", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, greets) => {
      const beginning = greets ? [PREFACE, frame(4, 0, 0)] : [];
      await survives(Buffer.concat([...beginning, bytes]), []);
    }),
    { numRuns: 500 },
  );
});
