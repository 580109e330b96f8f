// A machine that takes over rows which are not this member's own: those of a snapshot's file.
import { storeCodec } from "../rpc/index.ts";
import { Machine } from "../store/index.ts";
import { MACHINE_FEDERATION } from "./machine-federation.ts";

export function machineOfRows(): Machine {
  return new Machine({ codec: storeCodec, valueCacheBytesMax: 0, ...MACHINE_FEDERATION });
}
