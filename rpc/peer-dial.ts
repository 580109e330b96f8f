// How a member dials another: a peer URL made a client of gRPC, secured when the URL says so. What secures it may
// change while the process runs; whoever keeps a client sees that by the generation.
import { Client, credentials } from "@grpc/grpc-js";
import type { ChannelCredentials, ClientOptions, VerifyOptions } from "@grpc/grpc-js";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";

/** What secures connections to `https://` peers at this moment. */
export interface PeerSecurity {
  /** Grows whenever the certificates have changed. */
  readonly generation: number;
  readonly credentials: ChannelCredentials;
}

export class PeerDialer {
  readonly #security: () => PeerSecurity;

  /** Without a security of its own a member trusts the CAs that Node knows, and shows no certificate. */
  constructor(security: () => PeerSecurity = publicCas()) {
    this.#security = security;
  }

  /** Of what secures connections to `url`. */
  generationOf(url: string): number {
    return isSecure(url) ? this.#security().generation : 0;
  }

  /** A client of its own connection to `url`, a peer URL: `http://host:port` or `https://host:port`. */
  clientTo(url: string, options: ClientOptions): Client {
    const target = url.replace(/^https?:\/\//i, "");
    const host = target.slice(0, target.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    const security = isSecure(url) ? this.#security().credentials : credentials.createInsecure();
    return new Client(target, security, {
      "grpc.enable_channelz": 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_retries": 0,
      "grpc.ssl_target_name_override": serverNameOf(host),
      ...options,
    });
  }
}

/** Node warns of an address as the name of a server: such a name has a dot behind. */
function serverNameOf(host: string): string {
  return isIP(host) === 0 ? host : `${host}.`;
}

/** What is to stand in the certificate of the server that is dialled by `serverName`. */
export function hostOf(serverName: string): string {
  return serverName.replace(/\.$/, "");
}

const VERIFY: VerifyOptions = {
  checkServerIdentity: (name, certificate) => checkServerIdentity(hostOf(name), certificate),
};

function isSecure(url: string): boolean {
  return /^https:/i.test(url);
}

/** Made when first asked for: it reads every CA there is. */
function publicCas(): () => PeerSecurity {
  let made: PeerSecurity | undefined;
  return () =>
    (made ??= { generation: 0, credentials: credentials.createSsl(null, null, null, VERIFY) });
}
