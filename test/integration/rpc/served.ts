// Services on a real gRPC server at a free port, and a raw client of it; both end with the test file.
import { Client, Metadata, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { LeaseId, MonotonicMs } from "../../../base/index.ts";
import type { MethodPath } from "../../../proto/index.ts";
import { Http2Carrier, clientServices } from "../../../rpc/index.ts";
import type { Accounts, Backend, ForwardToLeader, ServiceTable } from "../../../rpc/index.ts";
import { NO_ACCOUNTS } from "./host-authority.ts";

export function monotonicMs(): MonotonicMs {
  return performance.now() as MonotonicMs;
}

export interface ServedOptions {
  readonly requestBytesMax?: number;
  readonly accounts?: Accounts;
  readonly pipelineCallsMax?: number;
  readonly healthPollMs?: number;
  readonly healthWatchesMax?: number;
  readonly forwardToLeader?: ForwardToLeader;
  readonly leaderLossMs?: number;
  readonly watchesMax?: number;
  readonly keyWaitsMax?: number;
  readonly stopping?: AbortSignal;
  readonly watchProgressIntervalMs?: number;
}

export function servicesOf(backend: Backend, options: ServedOptions = {}): ServiceTable {
  let leaseNext = 7n;
  return clientServices({
    backend,
    accounts: options.accounts ?? NO_ACCOUNTS,
    forwardToLeader: options.forwardToLeader ?? (() => false),
    monotonicMs,
    endOfTurn: (run) => void setImmediate(run),
    txnOperationsMax: 128,
    requestBytesMax: options.requestBytesMax ?? 1536 * 1024,
    callTimeoutMs: 5_000,
    pipelineCallsMax: options.pipelineCallsMax ?? 256,
    healthPollMs: options.healthPollMs ?? 10,
    healthWatchesMax: options.healthWatchesMax ?? 8,
    leaseTtlMinS: 2,
    pickLeaseId: () => {
      leaseNext += 1n;
      return (leaseNext - 1n) as LeaseId;
    },
    leaderLossMs: options.leaderLossMs ?? 3_000,
    keyWaitsMax: options.keyWaitsMax ?? 100,
    stopping: options.stopping ?? new AbortController().signal,
    watchesMax: options.watchesMax ?? 1_000,
    watchProgressIntervalMs: options.watchProgressIntervalMs ?? 600_000,
  });
}

const ending: (() => Promise<void> | void)[] = [];

/** For afterAll. */
export async function endServed(): Promise<void> {
  for (const end of ending.reverse()) await end();
  ending.length = 0;
}

export async function served(
  services: ServiceTable,
  options: ServedOptions = {},
): Promise<{ readonly port: number; readonly carrier: Http2Carrier; readonly client: RawClient }> {
  const carrier = new Http2Carrier({
    services,
    monotonicMs,
    callTimeoutMs: 5_000,
    requestBytesMax: options.requestBytesMax ?? 1536 * 1024,
    connectionsMax: 1_000,
    concurrentStreamsMax: 2 ** 31 - 1,
    keepaliveMs: 60_000,
    keepaliveTimeoutMs: 20_000,
    onBug: (cause) => {
      throw cause;
    },
  });
  const port = await carrier.listen("127.0.0.1", 0);
  const client = new RawClient(port);
  ending.push(
    () => carrier.drain(1_000),
    () => client.close(),
  );
  return { port, carrier, client };
}

/** Bytes in, bytes out, as any gRPC client would send them. */
class RawClient {
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  close(): void {
    this.#client.close();
  }

  /** @throws {ServiceError} as the call ended. */
  async call(
    path: MethodPath,
    request: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Uint8Array> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        toBuffer,
        fromBuffer,
        request,
        metadata,
        (error, bytes) => {
          if (error !== null) reject(error);
          else resolve(bytes ?? new Uint8Array(0));
        },
      );
    });
  }

  /** One that is not waited for. */
  cancellable(path: MethodPath, request: Uint8Array): { cancel(): void } {
    return this.#client.makeUnaryRequest(path, toBuffer, fromBuffer, request, () => undefined);
  }

  /** The error that a call ends with. */
  async failure(
    path: MethodPath,
    request: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ServiceError> {
    try {
      await this.call(path, request, headers);
    } catch (error) {
      return error as ServiceError;
    }
    throw new Error(`${path} did not fail`);
  }

  serverStream(path: MethodPath, request: Uint8Array): ClientReadableStream<Uint8Array> {
    return this.#client.makeServerStreamRequest(path, toBuffer, fromBuffer, request);
  }

  stream(
    path: MethodPath,
    headers: Readonly<Record<string, string>> = {},
  ): ClientDuplexStream<Uint8Array, Uint8Array> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return this.#client.makeBidiStreamRequest(path, toBuffer, fromBuffer, metadata);
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}

function fromBuffer(bytes: Buffer): Uint8Array {
  return bytes;
}
