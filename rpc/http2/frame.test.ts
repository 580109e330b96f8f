// Frames come out as they went in, however the bytes between were cut.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { ConnectionFault, ErrorCode } from "./fault.ts";
import { FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameReader, writeFrameHead } from "./frame.ts";

const frame = fc.record({
  type: fc.nat({ max: 255 }),
  flags: fc.nat({ max: 255 }),
  streamId: fc.nat({ max: 0x7fff_ffff }),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

function written(
  frames: readonly { type: number; flags: number; streamId: number; payload: Buffer }[],
) {
  return Buffer.concat(
    frames.map(({ type, flags, streamId, payload }) => {
      const bytes = Buffer.alloc(FRAME_HEAD_BYTES + payload.length);
      payload.copy(bytes, writeFrameHead(bytes, 0, payload.length, type, flags, streamId));
      return bytes;
    }),
  );
}

test("frames survive any cut into chunks", () => {
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 40 })), (frames, sizes) => {
      const bytes = written(frames);
      const read: typeof frames = [];
      const reader = new FrameReader((type, flags, streamId, chunk, from, until) => {
        read.push({ type, flags, streamId, payload: Buffer.from(chunk.subarray(from, until)) });
      });
      let at = 0;
      for (const size of sizes) {
        reader.read(bytes.subarray(at, at + size));
        at = Math.min(bytes.length, at + size);
      }
      reader.read(bytes.subarray(at));
      expect(read).toEqual(frames);
    }),
  );
});

test("a frame above the advertised size ends the connection before its payload comes", () => {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  writeFrameHead(head, 0, FRAME_BYTES_MAX + 1, 0, 0, 1);
  const reader = new FrameReader(() => undefined);
  for (const byte of [...head].slice(0, -1)) reader.read(Buffer.of(byte));
  let fault: unknown;
  try {
    reader.read(head.subarray(-1));
  } catch (cause) {
    fault = cause;
  }
  expect(fault).toBeInstanceOf(ConnectionFault);
  expect(fault).toMatchObject({ code: ErrorCode.FRAME_SIZE_ERROR });
});
