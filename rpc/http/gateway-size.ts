// A request that is too large as protobuf, whatever JSON it came as.
import { GRPC } from "../../proto/index.ts";
import type { Status } from "../status.ts";

/** gRPC's own words, as etcd's gateway passes them on. */
export function sizeRefusal(request: Uint8Array, messageBytesMax: number): Status | undefined {
  if (request.length <= messageBytesMax) return undefined;
  const message = `grpc: received message larger than max (${request.length} vs. ${messageBytesMax})`;
  return { code: GRPC.RESOURCE_EXHAUSTED, message, trailers: {} };
}
