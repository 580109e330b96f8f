// A member that does as the test says: real gRPC on a free port, answers from a script, everything heard kept.
import { Server, ServerCredentials, status as grpcStatus } from "@grpc/grpc-js";
import type { sendUnaryData, ServerDuplexStream, ServerUnaryCall } from "@grpc/grpc-js";
import { etcdserverpb, hansa } from "../../proto/index.ts";
import type { Writer } from "../../proto/index.ts";

type Exchange = ServerDuplexStream<hansa.v1.ExchangeRequest, Uint8Array>;

/** What the member does with one pipelined call. */
export type Reaction =
  | { readonly reply: Omit<hansa.v1.IReply, "id"> }
  /** Ends the stream as a dying server does: what is open is lost. */
  | "break"
  /** Never answers. */
  | "silence";

export interface Script {
  readonly onCall: (call: hansa.v1.ICall, at: number) => Reaction;
  /** Ids of the sessions it opens, in order; without any it has no session service. */
  readonly sessions?: readonly number[];
  readonly status?: etcdserverpb.IStatusResponse;
}

interface Codec<Written, Read> {
  encode(message: Written): Writer;
  decode(bytes: Uint8Array): Read;
}

export class ScriptedMember {
  readonly endpoint: string;
  readonly #server: Server;
  /** Batches as they came. */
  readonly batches: hansa.v1.ICall[][];
  readonly closedSessions: number[];

  private constructor(server: Server, endpoint: string, heard: Heard) {
    this.#server = server;
    this.endpoint = endpoint;
    this.batches = heard.batches;
    this.closedSessions = heard.closedSessions;
  }

  get calls(): hansa.v1.ICall[] {
    return this.batches.flat();
  }

  static async start(script: Script): Promise<ScriptedMember> {
    const heard: Heard = { batches: [], closedSessions: [] };
    const server = new Server();
    server.addService(
      {
        Exchange: {
          path: "/hansa.v1.Pipeline/Exchange",
          requestStream: true,
          responseStream: true,
          requestSerialize: bufferOf,
          requestDeserialize: (bytes: Buffer) => hansa.v1.ExchangeRequest.decode(bytes),
          responseSerialize: bufferOf,
          responseDeserialize: (bytes: Buffer) => bytes,
        },
        Status: unary(
          "/etcdserverpb.Maintenance/Status",
          etcdserverpb.StatusRequest,
          etcdserverpb.StatusResponse,
        ),
        ...(script.sessions === undefined
          ? {}
          : {
              Open: unary(
                "/hansa.v1.Session/Open",
                hansa.v1.SessionOpenRequest,
                hansa.v1.SessionOpenResponse,
              ),
              Close: unary(
                "/hansa.v1.Session/Close",
                hansa.v1.SessionCloseRequest,
                hansa.v1.SessionCloseResponse,
              ),
            }),
      },
      handlersOf(script, heard),
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return new ScriptedMember(server, `127.0.0.1:${port}`, heard);
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

interface Heard {
  readonly batches: hansa.v1.ICall[][];
  readonly closedSessions: number[];
}

function handlersOf(script: Script, heard: Heard) {
  const sessions = [...(script.sessions ?? [])];
  return {
    Exchange: (stream: Exchange) => {
      stream.on("data", (request: hansa.v1.ExchangeRequest) => {
        onBatch(script, heard, stream, request.calls);
      });
      stream.on("end", () => {
        stream.end();
      });
      // The client's own end of the stream: nothing to answer.
      stream.on("error", () => undefined);
    },
    Status: (
      _: ServerUnaryCall<etcdserverpb.StatusRequest, etcdserverpb.IStatusResponse>,
      done: sendUnaryData<etcdserverpb.IStatusResponse>,
    ) => {
      done(null, script.status ?? {});
    },
    Open: (
      _: ServerUnaryCall<hansa.v1.SessionOpenRequest, hansa.v1.ISessionOpenResponse>,
      done: sendUnaryData<hansa.v1.ISessionOpenResponse>,
    ) => {
      const session = sessions.shift();
      if (session === undefined) done({ code: grpcStatus.INTERNAL, details: "no more sessions" });
      else done(null, { session, ttl_ms: 60_000 });
    },
    Close: (
      call: ServerUnaryCall<hansa.v1.SessionCloseRequest, hansa.v1.ISessionCloseResponse>,
      done: sendUnaryData<hansa.v1.ISessionCloseResponse>,
    ) => {
      heard.closedSessions.push(Number(call.request.session));
      done(null, {});
    },
  };
}

function onBatch(
  script: Script,
  heard: Heard,
  stream: Exchange,
  calls: readonly hansa.v1.ICall[],
): void {
  const first = heard.batches.flat().length;
  heard.batches.push([...calls]);
  const replies: hansa.v1.IReply[] = [];
  for (const [at, call] of calls.entries()) {
    const reaction = script.onCall(call, first + at);
    if (reaction === "break") {
      stream.emit("error", { code: grpcStatus.UNAVAILABLE, details: "read ECONNRESET" });
      return;
    }
    if (reaction !== "silence") replies.push({ id: call.id ?? 0, ...reaction.reply });
  }
  // In the reverse order: a pipeline promises none.
  const response = hansa.v1.ExchangeResponse.encode({ replies: replies.reverse() }).finish();
  stream.write(response);
}

function unary<RequestOut, RequestIn, ResponseOut, ResponseIn>(
  path: string,
  request: Codec<RequestOut, RequestIn>,
  response: Codec<ResponseOut, ResponseIn>,
) {
  return {
    path,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (message: RequestOut) => bufferOf(request.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: (message: ResponseOut) => bufferOf(response.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
