// A machine that takes over rows which are not this member's own: those of a snapshot's file, whose region may be in a
// federation whatever this program was started with.
import { createHash } from "node:crypto";
import { RegionState } from "../federation/index.ts";
import { storeCodec } from "../rpc/index.ts";
import { Machine } from "../store/index.ts";

export function machineOfRows(): Machine {
  return new Machine({
    codec: storeCodec,
    valueCacheBytesMax: 0,
    createFederation: (store) =>
      new RegionState(store, { hash: (bytes) => createHash("sha256").update(bytes).digest() }),
  });
}
