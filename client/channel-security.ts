// What secures the connections of one client: whom it trusts, what it shows, and by which name it knows a server.
// A plain address stays plain whatever the options; a secured one never becomes plain.
import { credentials } from "@grpc/grpc-js";
import type { ChannelCredentials, ChannelOptions } from "@grpc/grpc-js";
import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext } from "node:tls";
import { targetOf } from "./endpoint.ts";

/** Certificates and keys are PEM. */
export interface TlsOptions {
  /** CAs of the servers; absent: those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** What this client shows, with what leads to its CA, and its key: both or neither. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that a server's certificate must have, instead of the host of its address. */
  readonly serverName?: string;
  /** Take any certificate: whoever is in between reads and writes everything. For development. */
  readonly insecureSkipVerify?: boolean;
}

export interface Channel {
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

export class ChannelSecurity {
  readonly #tls: TlsOptions;
  #credentials: ChannelCredentials | undefined;

  constructor(tls: TlsOptions = {}) {
    this.#tls = tls;
  }

  /** Why the options cannot be used; an empty list: they can. */
  issues(): string[] {
    const { cert, key } = this.#tls;
    if ((cert === undefined) !== (key === undefined))
      return ["tls.cert and tls.key belong together"];
    try {
      this.#made();
      return [];
    } catch (cause) {
      return [`tls: ${cause instanceof Error ? cause.message : String(cause)}`];
    }
  }

  channelTo(address: string): Channel {
    const { target, secure, host } = targetOf(address);
    if (!secure) return { target, credentials: credentials.createInsecure(), options: {} };
    const { serverName } = this.#tls;
    return {
      target,
      credentials: this.#made(),
      options:
        serverName === undefined
          ? { "grpc.ssl_target_name_override": isIP(host) === 0 ? host : `${host}.` }
          : {
              "grpc.ssl_target_name_override": serverName,
              "grpc.default_authority": serverName,
            },
    };
  }

  /** One for all addresses: each handshake is told its own host. */
  #made(): ChannelCredentials {
    const { ca, cert, key, insecureSkipVerify = false } = this.#tls;
    this.#credentials ??= credentials.createFromSecureContext(
      createSecureContext({
        ...(ca === undefined ? {} : { ca: bufferOf(ca) }),
        ...(cert === undefined ? {} : { cert: bufferOf(cert) }),
        ...(key === undefined ? {} : { key: bufferOf(key) }),
      }),
      {
        rejectUnauthorized: !insecureSkipVerify,
        // Node warns of an address as the name of a server, so it is given one with a dot behind.
        checkServerIdentity: (host, certificate) =>
          insecureSkipVerify
            ? undefined
            : checkServerIdentity(host.replace(/\.$/, ""), certificate),
      },
    );
    return this.#credentials;
  }
}

function bufferOf(pem: string | Uint8Array): Buffer {
  return Buffer.from(pem);
}
