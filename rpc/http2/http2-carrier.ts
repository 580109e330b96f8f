// Carries a table of services as gRPC over HTTP/2, on any sockets: bytes in, bytes out, no codec of its own.
// It knows connections, deadlines, limits and draining, and nothing of what the services do.
import { Socket, createServer } from "node:net";
import type { AddressInfo, ListenOptions, Server } from "node:net";
import type { Duplex } from "node:stream";
import { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import { METHOD_PATHS, streamingOf } from "../../proto/index.ts";
import type { MethodPath } from "../../proto/index.ts";
import { UNKNOWN_ORIGIN } from "../socket-origin.ts";
import type { SocketOrigin } from "../socket-origin.ts";
import { remoteOf } from "../tls-acceptor.ts";
import type { Refusal, TlsAcceptor } from "../tls-acceptor.ts";
import { unary } from "../service.ts";
import type { Method, ServiceTable } from "../service.ts";
import { connectionRefusal } from "./connection-refusal.ts";
import { Connection } from "./connection.ts";
import { HTTP1_REFUSAL, PREFACE, TLS_REFUSAL, speechOf } from "./first-bytes.ts";
import { HTTP2_LIMITS_DEFAULT } from "./limits.ts";
import type { Http2Limits } from "./limits.ts";
import type { Route } from "./route.ts";

/** etcd's grpcOverheadBytes: what a message may be above --max-request-bytes before gRPC refuses it. */
const OVERHEAD_BYTES = 512 * 1024;
/** Connections that are being told that they are too many; further ones are closed without a word. */
const REFUSALS_MAX = 64;
/** Between two looks at what time alone brings about. */
const TICK_MS_MAX = 1_000;

export interface Http2CarrierOptions {
  readonly services: ServiceTable;
  readonly monotonicMs: () => MonotonicMs;
  /** The server's own limit of a call; a client's shorter deadline counts, a longer one does not. */
  readonly callTimeoutMs: number;
  /** etcd's --max-request-bytes. A little more is read, so that the service can name the fault. */
  readonly requestBytesMax: number;
  /** On all ports together; one more is told so, and closed. */
  readonly connectionsMax: number;
  /** Of one connection. */
  readonly concurrentStreamsMax: number;
  /** A connection without traffic is pinged after this, and closed `keepaliveTimeoutMs` later. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A client that pings faster for no reason is closed; 0: any pace. */
  readonly pingPaceMsMin?: number;
  /** HTTP2_LIMITS_DEFAULT by default. */
  readonly limits?: Http2Limits;
  /**
   * Takes over a connection that speaks HTTP/1.1, with the bytes that it began with; nothing listens to the
   * socket any more. Without it the connection is told that this port speaks gRPC, and closed.
   */
  readonly onHttp1?: (socket: Duplex, firstBytes: Buffer, origin: SocketOrigin) => void;
  /** Why who stands there may not make this call, judged anew at each; undefined: it may. */
  readonly refusalOf?: (origin: SocketOrigin, path: string) => KvError | undefined;
  /** A connection was closed for what it began with: TLS to a plain port. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** A handler threw what is no KvError: the owner stops the process. */
  readonly onBug: (cause: unknown) => void;
}

/** What is open at this moment. */
export interface Http2Usage {
  readonly connections: number;
  readonly calls: number;
  /** Of requests that are not whole and of answers that wait. */
  readonly heldBytes: number;
}

export class Http2Carrier {
  readonly #options: Http2CarrierOptions;
  readonly #routes = new Map<string, Route>();
  readonly #servers = new Set<Server>();
  readonly #connections = new Set<Connection>();
  /** Sockets whose first bytes have not told what they speak, until when they may take. */
  readonly #strangers = new Map<Duplex, number>();
  /** They speak HTTP/1.1, and are somebody else's; here they only count. */
  readonly #handedOn = new Set<Duplex>();
  #ticker: NodeJS.Timeout | undefined;
  #ended: (() => void) | undefined;
  #draining = false;

  constructor(options: Http2CarrierOptions) {
    this.#options = options;
    for (const path of METHOD_PATHS) {
      const method = options.services[path] ?? unimplemented(path);
      this.#routes.set(path, { method, streaming: streamingOf(path) });
    }
  }

  get usage(): Http2Usage {
    const connections = [...this.#connections];
    return {
      connections: connections.length + this.#strangers.size,
      calls: connections.reduce((sum, { openCalls }) => sum + openCalls, 0),
      heldBytes: connections.reduce((sum, { heldBytes }) => sum + heldBytes, 0),
    };
  }

  /**
   * Starts to serve; resolves with the bound port (0 picks a free one). `tls`: what comes is secured first.
   *
   * @throws {Error} when the address cannot be bound; `message` says why, and holds EADDRINUSE when it is
   * taken.
   */
  async listen(host: string, port: number, tls?: TlsAcceptor): Promise<number> {
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    const server = await this.#bind({ host, port }, address, tls);
    return (server.address() as AddressInfo).port;
  }

  /** As `listen`, on a unix socket. */
  async listenAt(path: string, tls?: TlsAcceptor): Promise<void> {
    await this.#bind({ path }, path, tls);
  }

  async #bind(where: ListenOptions, address: string, tls?: TlsAcceptor): Promise<Server> {
    const server = createServer({ noDelay: true }, (socket) => {
      if (tls === undefined) this.accept(socket);
      else this.#secure(socket, tls);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
      });
      server.listen(where, resolve);
    });
    // What is left to fail is accepting one connection, for want of descriptors: its client sees it.
    server.removeAllListeners("error").on("error", () => undefined);
    this.#servers.add(server);
    return server;
  }

  /** It counts from its first byte on: a handshake takes a place among the connections. */
  #secure(socket: Socket, tls: TlsAcceptor): void {
    socket.on("error", ignore);
    // A refusal in plain text would be no answer to a client that speaks TLS.
    if (this.#draining || this.#isFull) {
      socket.destroy();
      return;
    }
    // The acceptor bounds the handshake's time.
    this.#strangers.set(socket, Infinity);
    const onClose = (): void => this.#forget(socket);
    socket.on("close", onClose);
    tls.accept(socket, (secured, origin) => {
      socket.off("close", onClose);
      this.#strangers.delete(socket);
      this.accept(secured, origin);
    });
  }

  get #isFull(): boolean {
    return this.#openCount >= this.#options.connectionsMax;
  }

  get #openCount(): number {
    return this.#connections.size + this.#strangers.size + this.#handedOn.size;
  }

  /** Serves one socket, from its first byte on. */
  accept(socket: Duplex, origin: SocketOrigin = UNKNOWN_ORIGIN): void {
    if (this.#draining) {
      socket.destroy();
      return;
    }
    const { monotonicMs, keepaliveMs } = this.#options;
    const { limits = HTTP2_LIMITS_DEFAULT } = this.#options;
    this.#ticker ??= setInterval(() => this.#onTick(), Math.min(TICK_MS_MAX, keepaliveMs)).unref();
    if (this.#isFull) {
      this.#refuse(socket);
      return;
    }
    this.#strangers.set(socket, monotonicMs() + limits.handshakeMs);
    let held: Buffer | undefined;
    socket.on("error", ignore);
    const onClose = (): void => this.#forget(socket);
    const onData = (chunk: Buffer): void => {
      const bytes = held === undefined ? chunk : Buffer.concat([held, chunk]);
      const speech = speechOf(bytes);
      if (speech === "unclear") {
        held = bytes;
        return;
      }
      socket.off("data", onData).off("close", onClose).off("end", onClose);
      this.#strangers.delete(socket);
      if (speech === "http2") this.#serve(socket, bytes.subarray(PREFACE.length), origin);
      else if (speech === "http1") this.#handOn(socket, bytes, origin);
      else if (speech === "tls") this.#refuseTls(socket);
      else socket.destroy();
      this.#endIfEmpty();
    };
    socket.on("data", onData).on("close", onClose).on("end", onClose);
  }

  /** Takes no new calls, ends all streams, and waits for open calls, for at most `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const stopped = new KvError("server-stopped", "not-applied", "etcdserver: server stopped");
    for (const server of this.#servers) server.close();
    this.#servers.clear();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const connection of [...this.#connections]) connection.close();
      }, timeoutMs);
      this.#ended = () => {
        clearTimeout(timer);
        clearInterval(this.#ticker);
        resolve();
      };
      for (const socket of [...this.#strangers.keys()]) this.#dismiss(socket);
      for (const connection of [...this.#connections]) connection.drain(stopped);
      this.#endIfEmpty();
    });
  }

  #serve(socket: Duplex, rest: Buffer, origin: SocketOrigin): void {
    const { limits = HTTP2_LIMITS_DEFAULT, requestBytesMax } = this.#options;
    const connection = new Connection({
      ...this.#options,
      socket,
      origin,
      limits,
      messageBytesMax: requestBytesMax + OVERHEAD_BYTES,
      routeOf: (path) => this.#routes.get(path),
      atEndOfTurn: setImmediate,
      onClose: () => {
        this.#connections.delete(connection);
        this.#endIfEmpty();
      },
    });
    this.#connections.add(connection);
    socket.on("data", (chunk: Buffer) => connection.receive(chunk));
    // A client that will send no more has no use for answers.
    socket.on("end", () => connection.close());
    socket.on("close", () => connection.close());
    if (rest.length > 0) connection.receive(rest);
  }

  #handOn(socket: Duplex, bytes: Buffer, origin: SocketOrigin): void {
    const { onHttp1 } = this.#options;
    if (onHttp1 !== undefined) {
      socket.off("error", ignore);
      this.#handedOn.add(socket);
      socket.once("close", () => this.#handedOn.delete(socket));
      onHttp1(socket, bytes, origin);
    } else this.#partFrom(socket, HTTP1_REFUSAL);
  }

  /** The answer in plain text is what makes the libraries of TLS say that this port is a plain one. */
  #refuseTls(socket: Duplex): void {
    const remote = socket instanceof Socket ? remoteOf(socket) : "";
    this.#options.onRefused?.({ remote, reason: "the client speaks TLS to a plain port" });
    this.#partFrom(socket, TLS_REFUSAL);
  }

  #refuse(socket: Duplex): void {
    const { connectionsMax } = this.#options;
    if (this.#openCount >= connectionsMax + REFUSALS_MAX) {
      socket.destroy();
      return;
    }
    socket.on("error", ignore);
    this.#partFrom(socket, connectionRefusal(connectionsMax));
  }

  /** It reads on until the client has the last word: a reset could overtake it. */
  #partFrom(socket: Duplex, lastWord: Buffer): void {
    const { monotonicMs, limits = HTTP2_LIMITS_DEFAULT } = this.#options;
    this.#strangers.set(socket, monotonicMs() + limits.farewellMs);
    socket.on("close", () => this.#forget(socket));
    socket.end(lastWord);
    socket.resume();
  }

  #onTick(): void {
    const nowMs = this.#options.monotonicMs();
    for (const [socket, untilMs] of [...this.#strangers]) {
      if (nowMs > untilMs) this.#dismiss(socket);
    }
    for (const connection of [...this.#connections]) connection.onTick(nowMs);
  }

  #dismiss(socket: Duplex): void {
    socket.destroy();
    this.#forget(socket);
  }

  #forget(socket: Duplex): void {
    this.#strangers.delete(socket);
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (!this.#draining || this.#connections.size > 0 || this.#strangers.size > 0) return;
    this.#ended?.();
  }
}

/** Of a socket: the close that follows says what matters. */
function ignore(): void {
  // Nothing is lost that its connection does not learn.
}

function unimplemented(path: MethodPath): Method {
  const refuse = (): never => {
    throw new KvError("unimplemented", "not-applied", `${path.slice(1)} is not implemented`);
  };
  return streamingOf(path) === "unary" ? unary(refuse) : { kind: "stream", open: refuse };
}
