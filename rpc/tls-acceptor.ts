// The secure side of a port: handshakes bounded in time and number, with what is shown and demanded at this moment.
// A socket comes in as it was accepted; it leaves secured, or is closed and its failure told. Nothing falls back
// to plain text.
import { constants } from "node:crypto";
import { Socket } from "node:net";
import { createServer } from "node:tls";
import type { SecureContextOptions, Server, TLSSocket } from "node:tls";
import { assert, tlsFailureText } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { UNKNOWN_ORIGIN, originOf } from "./socket-origin.ts";
import type { SocketOrigin } from "./socket-origin.ts";

export interface TlsAcceptorOptions {
  /** What is shown, whom it trusts, versions and suites; `renew` replaces it. */
  readonly context: SecureContextOptions;
  /** Whether a client must show a certificate of a CA that `context` trusts. */
  readonly demandsCertificate: boolean;
  /** Why a client is refused although its chain is right; undefined: it is not. */
  readonly refusalOf: (socket: TLSSocket) => string | undefined;
  readonly handshakeMs: number;
  /** At once. Beyond it the oldest gives way, if it has had its time; the newest otherwise. */
  readonly handshakesMax: number;
  readonly monotonicMs: () => MonotonicMs;
  readonly onRefused: (refusal: Refusal) => void;
}

/** A socket that did not become a connection. */
export interface Refusal {
  /** address:port; empty when it has none. */
  readonly remote: string;
  readonly reason: string;
}

/** A socket in its handshake. */
interface Pending {
  readonly remote: string;
  readonly sinceMs: MonotonicMs;
  readonly onSecure: (socket: TLSSocket, origin: SocketOrigin) => void;
}

/** What a handshake of an honest client takes on a busy machine. */
const GIVE_WAY_MS = 1_000;

export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #server: Server;
  readonly #pending = new Map<Socket, Pending>();

  /** @throws {Error} when `context` has a certificate, key or CA that cannot be used. */
  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
    const { context, demandsCertificate, handshakeMs } = options;
    // It listens nowhere: sockets are given to it.
    this.#server = createServer({
      ...restricted(context),
      requestCert: demandsCertificate,
      rejectUnauthorized: demandsCertificate,
      handshakeTimeout: handshakeMs,
      ALPNCallback: ({ protocols }) => spokenOf(protocols),
    });
    this.#server.on("secureConnection", (socket) => this.#onSecure(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#onFailure(error, socket));
  }

  /** From here on handshakes use `context`; connections that stand are left alone. @throws as the constructor */
  renew(context: SecureContextOptions): void {
    this.#server.setSecureContext(restricted(context));
  }

  /** Begins a handshake. The socket is destroyed when it fails; `onSecure` comes at most once. */
  accept(socket: Socket, onSecure: Pending["onSecure"]): void {
    const { monotonicMs, handshakesMax } = this.#options;
    const remote = remoteOf(socket);
    const nowMs = monotonicMs();
    if (this.#pending.size >= handshakesMax && !this.#makeRoom(nowMs)) {
      this.#refuse(socket, remote, `${handshakesMax} handshakes are under way`);
      return;
    }
    this.#pending.set(socket, { remote, sinceMs: nowMs, onSecure });
    socket.on("close", () => setImmediate(() => this.#onGone(socket)));
    this.#server.emit("connection", socket);
  }

  #makeRoom(nowMs: MonotonicMs): boolean {
    const [oldest] = this.#pending;
    if (oldest === undefined || nowMs - oldest[1].sinceMs < GIVE_WAY_MS) return false;
    this.#refuse(oldest[0], oldest[1].remote, "the handshake was slow, and others wait");
    return true;
  }

  #onSecure(secured: TLSSocket): void {
    const { demandsCertificate, refusalOf } = this.#options;
    const socket = carrierOf(secured);
    const pending = this.#pending.get(socket);
    // Refused meanwhile: it gave way to others.
    if (pending === undefined) return;
    const fault = demandsCertificate ? refusalOf(secured) : undefined;
    if (fault !== undefined) {
      this.#refuse(socket, pending.remote, fault);
      return;
    }
    this.#pending.delete(socket);
    const certificate = demandsCertificate ? secured.getPeerX509Certificate() : undefined;
    assert(
      !demandsCertificate || (secured.authorized && certificate !== undefined),
      "a client without a verified certificate was let in",
    );
    pending.onSecure(secured, certificate === undefined ? UNKNOWN_ORIGIN : originOf(certificate));
  }

  /** Its end came first, and nothing that says more. */
  #onGone(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (pending !== undefined) {
      this.#refuse(socket, pending.remote, tlsFailureText("ECONNRESET", "client") ?? "");
    }
  }

  #onFailure(error: Error, secured: TLSSocket): void {
    const socket = carrierOf(secured);
    const pending = this.#pending.get(socket);
    // Node says why a chain is not right in a code on the socket, and of the close only that it came.
    const verdict: unknown = secured.authorizationError;
    const code: unknown = verdict ?? ("code" in error ? error.code : undefined);
    const words = typeof code === "string" ? tlsFailureText(code, "client") : undefined;
    const reason = words ?? error.message.trim();
    if (pending === undefined) socket.destroy();
    else this.#refuse(socket, pending.remote, reason);
  }

  #refuse(socket: Socket, remote: string, reason: string): void {
    this.#pending.delete(socket);
    socket.destroy();
    this.#options.onRefused({ remote, reason });
  }
}

/**
 * Clients of gRPC offer HTTP/2 alone. Who would take HTTP/1.1 too is a client of HTTP, which is served in that;
 * who offers neither is refused.
 */
function spokenOf(offered: readonly string[]): string | undefined {
  return ["http/1.1", "h2"].find((protocol) => offered.includes(protocol));
}

/** No session is resumed: a ticket would outlive the certificate, the CA and the list that it was given under. */
function restricted(context: SecureContextOptions): SecureContextOptions {
  const given = context.secureOptions ?? 0;
  return { ...context, secureOptions: given | constants.SSL_OP_NO_TICKET };
}

/** The socket beneath: Node keeps it on the one above, and has no other way back to it. */
function carrierOf(secured: TLSSocket): Socket {
  const beneath: unknown = Reflect.get(secured, "_parent");
  assert(beneath instanceof Socket, "a secured socket has one beneath");
  return beneath;
}

/** Asked while it is open: later nobody knows. */
export function remoteOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return "";
  return remoteAddress.includes(":")
    ? `[${remoteAddress}]:${remotePort}`
    : `${remoteAddress}:${remotePort}`;
}
