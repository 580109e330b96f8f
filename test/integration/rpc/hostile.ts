// What the tests of hostile peers share: a carrier that must be left empty and without bugs, the frames they build most
// often, and sockets that do not behave.
import { Duplex } from "node:stream";
import { afterEach, expect } from "@jest/globals";
import { Flag, FrameType } from "../../../rpc/http2/frame.ts";
import { Carried, ECHO } from "./carried.ts";
import type { CarriedOptions } from "./carried.ts";
import { FrameClient, frame, requestBlock, uint32 } from "./frame-client.ts";

export interface Begun {
  readonly carried: Carried;
  readonly port: number;
  readonly client: FrameClient;
}

/** To be called once a test file: each carrier it begins is drained after its test, and holds nothing then. */
export function carriersLeftEmpty(): (options?: CarriedOptions) => Promise<Begun> {
  const open: Carried[] = [];
  afterEach(async () => {
    for (const { carrier, bugs } of open.splice(0)) {
      await carrier.drain(0);
      expect(carrier.usage).toMatchObject({ connections: 0, heldBytes: 0 });
      expect(bugs).toEqual([]);
    }
  });
  return async (options = {}) => {
    const carried = new Carried(options);
    open.push(carried);
    const port = await carried.carrier.listen("127.0.0.1", 0);
    return { carried, port, client: FrameClient.to(port) };
  };
}

export const { END_HEADERS, END_STREAM } = Flag;

export function head(streamId: number, path = ECHO, flags: number = END_HEADERS): Buffer {
  return frame(FrameType.HEADERS, flags, streamId, requestBlock(path));
}

export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(0, id), uint32(value)]);
}

/** Takes what it is written, and never says that it is through with it. */
export class StuckSocket extends Duplex {
  writtenBytes = 0;
  override _read(): void {
    // Tests push.
  }
  override _write(chunk: Buffer): void {
    this.writtenBytes += chunk.length;
  }
}

/** Of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turns(1);
}
