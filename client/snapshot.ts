// Maintenance.Snapshot: the state of one member as a file, blob by blob, as slowly as it is taken.
import { Client as GrpcClient, Metadata } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { ChannelSecurity } from "./channel-security.ts";
import type { TlsOptions } from "./channel-security.ts";
import { Credentials } from "./credentials.ts";
import type { AuthOptions } from "./credentials.ts";
import { addressOf } from "./endpoint.ts";
import { noEndpoint } from "./options.ts";
import { streamErrorOf } from "./failure.ts";
import { countOf } from "./wire-value.ts";

/** A part of a snapshot. */
export interface SnapshotBlob {
  readonly bytes: Uint8Array;
  /** What is still to come, about; 0 at the end. */
  readonly remainingBytes: number;
}

/**
 * The blobs of one member's snapshot, in order; the last 32 bytes of all are the SHA-256 of those before.
 * Whoever stops early ends the call.
 *
 * @throws {KvError} as every call; the blobs that came before are then worth nothing.
 */
export async function* snapshotBlobs(
  endpoint: string,
  options: { readonly tls?: TlsOptions; readonly auth?: AuthOptions } = {},
): AsyncGenerator<SnapshotBlob, void> {
  const address = addressOf(endpoint, options.tls !== undefined);
  if (address === undefined) {
    throw new KvError("invalid-argument", "not-applied", noEndpoint(endpoint));
  }
  const channel = new ChannelSecurity(options.tls).channelTo(address);
  const credentials = options.auth === undefined ? undefined : new Credentials(options.auth);
  const grpc: GrpcClient = new GrpcClient(channel.target, channel.credentials, {
    ...channel.options,
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    interceptors: credentials === undefined ? [] : [credentials.interceptor(() => grpc, address)],
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
      if (message.blob === null || message.blob === undefined) continue;
      yield { bytes: message.blob, remainingBytes: countOf(message.remaining_bytes) };
    }
  } catch (cause) {
    throw streamErrorOf(cause, address);
  } finally {
    call.cancel();
    grpc.close();
  }
}
