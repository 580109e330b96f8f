// One connection to one endpoint, one attempt a call, nothing hidden: no discovery, no retry, no session.
// The client library is a subject of these tests; this is the instrument.
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { etcdserverpb, hansa } from "../../proto/index.ts";
import type { MethodPath, Writer } from "../../proto/index.ts";

interface Codec<Request, Answer> {
  readonly request: { encode(message: Request): Writer };
  readonly answer: { decode(bytes: Uint8Array): Answer };
}

export type Range = etcdserverpb.RangeRequest.$Properties;
export type Txn = etcdserverpb.TxnRequest.$Properties;
export type Put = etcdserverpb.PutRequest.$Properties;

export const READ_MODES = {
  quorum: hansa.v1.ReadMode.QUORUM,
  index: hansa.v1.ReadMode.INDEX,
  lease: hansa.v1.ReadMode.LEASE,
  follower: hansa.v1.ReadMode.FOLLOWER,
  learner: hansa.v1.ReadMode.LEARNER,
  local: hansa.v1.ReadMode.LOCAL,
} as const;

export const ON_MISS = { fail: hansa.v1.OnMiss.FAIL } as const;

/** PEM. */
export interface WireSecurity {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export class WireClient {
  readonly endpoint: string;
  readonly #client: Client;

  /** `tls`: for an endpoint with https:// before it. */
  constructor(endpoint: string, tls?: WireSecurity) {
    this.endpoint = endpoint;
    const security =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(tls.ca, tls.key, tls.cert);
    this.#client = new Client(endpoint.replace("https://", ""), security, {
      // A restarted server is found again at once.
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 200,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  range(request: Range, deadlineMs: number): Promise<etcdserverpb.RangeResponse.$Shape> {
    const codec = { request: etcdserverpb.RangeRequest, answer: etcdserverpb.RangeResponse };
    return this.call("/etcdserverpb.KV/Range", codec, request, deadlineMs);
  }

  put(request: Put, deadlineMs: number): Promise<etcdserverpb.PutResponse.$Shape> {
    const codec = { request: etcdserverpb.PutRequest, answer: etcdserverpb.PutResponse };
    return this.call("/etcdserverpb.KV/Put", codec, request, deadlineMs);
  }

  txn(request: Txn, deadlineMs: number): Promise<etcdserverpb.TxnResponse.$Shape> {
    const codec = { request: etcdserverpb.TxnRequest, answer: etcdserverpb.TxnResponse };
    return this.call("/etcdserverpb.KV/Txn", codec, request, deadlineMs);
  }

  memberList(deadlineMs: number): Promise<etcdserverpb.MemberListResponse.$Shape> {
    const codec = {
      request: etcdserverpb.MemberListRequest,
      answer: etcdserverpb.MemberListResponse,
    };
    return this.call("/etcdserverpb.Cluster/MemberList", codec, { linearizable: true }, deadlineMs);
  }

  status(deadlineMs: number): Promise<etcdserverpb.StatusResponse.$Shape> {
    const codec = { request: etcdserverpb.StatusRequest, answer: etcdserverpb.StatusResponse };
    return this.call("/etcdserverpb.Maintenance/Status", codec, {}, deadlineMs);
  }

  close(): void {
    this.#client.close();
  }

  /** Any unary method. @throws {ServiceError} as the call ended */
  call<Request, Answer>(
    path: MethodPath,
    codec: Codec<Request, Answer>,
    request: Request,
    deadlineMs: number,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (message: Request) => Buffer.from(codec.request.encode(message).finish()),
        (bytes: Buffer) => codec.answer.decode(bytes),
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (failure, answer) => {
          if (failure) reject(failure);
          else if (answer === undefined) reject(new Error(`${path} answered nothing`));
          else resolve(answer);
        },
      );
    });
  }
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A string as the bytes of its UTF-8. */
export function bytes(value: string): Uint8Array {
  return utf8.encode(value);
}

/** The first value of an answer as a string; undefined when there is no such key. */
export function valueOf(answer: etcdserverpb.RangeResponse.$Shape): string | undefined {
  const value = answer.kvs?.[0]?.value;
  return answer.kvs?.[0] === undefined ? undefined : text.decode(value ?? new Uint8Array());
}
