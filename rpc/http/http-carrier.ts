// Carries HTTP/1.1 on any sockets by Node's own parser: connections, their bounds and their end. What is served on
// them is the application's. The sockets come from the carrier of HTTP/2 on the same port, or from a port of its own.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createListener } from "node:net";
import type { AddressInfo, ListenOptions, Server as Listener } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsAcceptor } from "../tls-acceptor.ts";
import type { HttpLimits } from "./http-limits.ts";
import type { Patience } from "./patience.ts";
import { watchStall } from "./stall.ts";

export interface HttpCarrierOptions {
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** Takes over a connection that asks to speak something else; false: it does not, and is asked for HTTP. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  /** Ends what would go on for ever. */
  readonly onDrain: () => void;
  readonly limits: HttpLimits;
  readonly patience: Patience;
  /** On all ports together; one more is closed without a word. */
  readonly connectionsMax: number;
}

interface Connection {
  /** Without a whole answer. */
  readonly open: Set<ServerResponse>;
  /** Ends the wait for the next request's head. */
  forget: () => void;
  upgraded: boolean;
}

export interface HttpUsage {
  readonly connections: number;
  readonly requests: number;
}

const NOTHING = Buffer.alloc(0);

export class HttpCarrier {
  readonly #options: HttpCarrierOptions;
  readonly #server: Server;
  readonly #listeners = new Set<Listener>();
  readonly #connections = new Map<Duplex, Connection>();
  #draining = false;
  #ended: (() => void) | undefined;

  constructor(options: HttpCarrierOptions) {
    const { limits } = options;
    this.#options = options;
    // Its own timers watch only connections that it accepted itself, and these come from elsewhere.
    this.#server = createServer({
      maxHeaderSize: limits.headBytesMax,
      keepAliveTimeout: limits.idleMs,
      headersTimeout: 0,
      requestTimeout: 0,
    });
    this.#server.maxHeadersCount = limits.headLinesMax;
    this.#server.on("request", (request, response) => this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  get usage(): HttpUsage {
    let requests = 0;
    for (const { open } of this.#connections.values()) requests += open.size;
    return { connections: this.#connections.size, requests };
  }

  /**
   * Starts to serve on a port of its own; resolves with it (0 picks a free one). `tls`: what comes is secured
   * first.
   *
   * @throws {Error} when the address cannot be bound.
   */
  async listen(host: string, port: number, tls?: TlsAcceptor): Promise<number> {
    const listener = await this.#bind({ host, port }, `${host}:${port}`, tls);
    return (listener.address() as AddressInfo).port;
  }

  /** As `listen`, on a unix socket. */
  async listenAt(path: string, tls?: TlsAcceptor): Promise<void> {
    await this.#bind({ path }, path, tls);
  }

  async #bind(where: ListenOptions, address: string, tls?: TlsAcceptor): Promise<Listener> {
    const listener = createListener({ noDelay: true }, (socket) => {
      if (tls === undefined) this.accept(socket, NOTHING);
      else tls.accept(socket, (secured) => this.accept(secured, NOTHING));
    });
    await new Promise<void>((resolve, reject) => {
      listener.once("error", (error) => {
        reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
      });
      listener.listen(where, resolve);
    });
    // What is left to fail is accepting one connection, for want of descriptors: its client sees it.
    listener.removeAllListeners("error").on("error", () => undefined);
    this.#listeners.add(listener);
    return listener;
  }

  /** Serves a socket from its beginning, of which `firstBytes` have been read. */
  accept(socket: Duplex, firstBytes: Buffer): void {
    if (this.#draining || this.#connections.size >= this.#options.connectionsMax) {
      socket.destroy();
      return;
    }
    const forget = (): void => undefined;
    const connection: Connection = { open: new Set(), forget, upgraded: false };
    this.#connections.set(socket, connection);
    this.#awaitHead(socket, connection, this.#options.limits.headMs);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      connection.forget();
      this.#connections.delete(socket);
      // Its requests hear of it after this.
      if (this.#connections.size === 0) setImmediate(() => this.#ended?.());
    });
    this.#speak(socket, firstBytes);
  }

  /** Takes no new requests, ends streams, and waits for open answers, for at most `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    this.#options.onDrain();
    for (const [socket, { open, upgraded }] of [...this.#connections]) {
      if (open.size === 0 && !upgraded) socket.destroy();
      for (const response of open) {
        if (!response.headersSent) response.setHeader("connection", "close");
      }
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of [...this.#connections.keys()]) socket.destroy();
      }, timeoutMs);
      this.#ended = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#connections.size === 0) this.#ended();
    });
  }

  #speak(socket: Duplex, firstBytes: Buffer): void {
    // Node's parser must be there before the first byte flows.
    socket.pause();
    if (firstBytes.length > 0) socket.unshift(firstBytes);
    this.#server.emit("connection", socket);
    process.nextTick(() => socket.resume());
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const { limits, patience, serve } = this.#options;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    const { open } = connection;
    connection.forget();
    open.add(response);
    // Node's parser reads on whatever is unanswered: who sends ahead beyond measure is not served.
    if (open.size > limits.pipelinedMax) {
      socket.destroy();
      return;
    }
    const isOwed = (): boolean => response.writableEnded;
    const forget = watchStall(socket, { patience, stallMs: limits.stallMs, isOwed });
    response.once("close", () => {
      forget();
      open.delete(response);
      if (open.size > 0 || connection.upgraded) return;
      if (this.#draining) socket.destroySoon();
      else this.#awaitHead(socket, connection, limits.idleMs);
    });
    if (this.#draining) response.setHeader("connection", "close");
    serve(request, response);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    connection.forget();
    if (this.#options.upgrade(request, socket, head)) {
      connection.upgraded = true;
      return;
    }
    // HTTP lets a server answer as if nothing had been asked for: clients of Java ask for h2c by habit.
    this.#awaitHead(socket, connection, this.#options.limits.headMs);
    this.#speak(socket, Buffer.concat([withoutUpgrade(request), head]));
  }

  #awaitHead(socket: Duplex, connection: Connection, forMs: number): void {
    connection.forget();
    if (socket.destroyed) return;
    connection.forget = this.#options.patience.wait(forMs, () => socket.destroy());
  }
}

/** The request's head as it came, but for what asks to speak something else. */
function withoutUpgrade({ method = "", url = "", rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (/^(?:upgrade|connection|http2-settings)$/i.test(name)) continue;
    lines.push(`${name}: ${rawHeaders[at + 1] ?? ""}`);
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
