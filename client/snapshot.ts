// Maintenance.Snapshot: the state of one member as a file, blob by blob, as slowly as it is taken.
import { Client as GrpcClient, Metadata, credentials } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { addressOf } from "./options.ts";
import { streamErrorOf } from "./failure.ts";

/**
 * The blobs of one member's snapshot, in order; the last 32 bytes of all are the SHA-256 of those before.
 * Whoever stops early ends the call.
 *
 * @throws {KvError} as every call; the blobs that came before are then worth nothing.
 */
export async function* snapshotBlobs(endpoint: string): AsyncGenerator<Uint8Array, void> {
  const address = addressOf(endpoint);
  if (address === undefined) {
    const message = `endpoint "${endpoint}" is not [http://]host:port`;
    throw new KvError("invalid-argument", "not-applied", message);
  }
  const grpc = new GrpcClient(address, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
  });
  const call = grpc.makeServerStreamRequest(
    "/etcdserverpb.Maintenance/Snapshot",
    () => Buffer.alloc(0),
    (bytes) => etcdserverpb.SnapshotResponse.decode(bytes),
    {},
    new Metadata(),
  );
  try {
    for await (const message of call as AsyncIterable<etcdserverpb.ISnapshotResponse>) {
      if (message.blob !== null && message.blob !== undefined) yield message.blob;
    }
  } catch (cause) {
    throw streamErrorOf(cause, address);
  } finally {
    call.cancel();
    grpc.close();
  }
}
