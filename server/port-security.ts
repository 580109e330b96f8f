// What secures the ports of a server, from its options: the files of each port, the acceptor of its secure sockets,
// and the way to other members. One keeper a port watches the files; who shows what follows from it.
import { credentials } from "@grpc/grpc-js";
import { X509Certificate } from "node:crypto";
import { checkServerIdentity, createSecureContext } from "node:tls";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { PeerDialer, TlsAcceptor, commonNameOf, hostOf, namesHost, namesOf } from "../rpc/index.ts";
import type { PeerSecurity } from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import type { Config } from "./config.ts";
import { ConnectionJournal } from "./connection-journal.ts";
import { selfSignedFiles } from "./self-signed.ts";
import type { ServerJournal } from "./journal.ts";
import type { RevocationList } from "./revocation-list.ts";
import { TlsKeeper } from "./tls-keeper.ts";
import type { TlsFiles, TlsMaterial, TlsRules } from "./tls-material.ts";

/** From the first byte of a connection to the end of its handshake. */
const HANDSHAKE_MS = 10_000;
/** Of one port, at once. */
const HANDSHAKES_MAX = 1_024;

/** Which certificates of the right CA are let in. */
interface Admission {
  /** One of them is to be named; none: any. */
  readonly hosts: readonly string[];
  readonly commonNames: readonly string[];
}

export interface PortSecurityInit {
  readonly config: Config;
  readonly journal: ServerJournal;
  readonly closers: Closers;
  readonly onBug: (bug: unknown) => void;
}

export class PortSecurity {
  readonly #init: PortSecurityInit;
  readonly #clients: TlsKeeper | undefined;
  readonly #peers: TlsKeeper | undefined;
  #security: PeerSecurity | undefined;
  readonly dialer: PeerDialer;
  /** Of connections that are turned away on any port, for whatever reason. */
  readonly rejections: ConnectionJournal;

  private constructor(
    init: PortSecurityInit,
    clients: TlsKeeper | undefined,
    peers: TlsKeeper | undefined,
    outgoing: TlsKeeper | undefined,
  ) {
    this.#init = init;
    this.rejections = new ConnectionJournal(init.journal, () => systemClock.monotonicMs());
    this.#clients = clients;
    this.#peers = peers;
    this.dialer =
      outgoing === undefined ? new PeerDialer() : new PeerDialer(() => this.#securityOf(outgoing));
  }

  /** @throws {StartRefusal} badConfiguration, naming the flag and the file that cannot be used. */
  static async open(init: PortSecurityInit): Promise<PortSecurity> {
    const { config, journal, closers, onBug } = init;
    const rules = rulesOf(config);
    const kept = async (files: TlsFiles | undefined): Promise<TlsKeeper | undefined> =>
      files === undefined ? undefined : TlsKeeper.open({ files, rules, journal, onBug });
    const peerFiles = await peerFilesOf(config, journal);
    const clients = await kept(await clientFilesOf(config, journal));
    const peers = await kept(peerFiles);
    const { peerClientCertFile, peerClientKeyFile } = config;
    const outgoing =
      peerFiles === undefined || peerClientCertFile === ""
        ? peers
        : await kept({
            ...peerFiles,
            cert: { flag: "peer-client-cert-file", path: peerClientCertFile },
            key: { flag: "peer-client-key-file", path: peerClientKeyFile },
          });
    closers.add("certificates", (done) => {
      for (const keeper of [clients, peers, outgoing]) keeper?.close();
      done(undefined);
    });
    return new PortSecurity(init, clients, peers, outgoing);
  }

  /** Whether a member's certificate must name a member's host: other names of the options count instead. */
  get hostsCount(): boolean {
    const { peerSkipClientSanVerification, peerCertAllowedCn, peerCertAllowedHostname } =
      this.#init.config;
    const others = [...peerCertAllowedCn, ...peerCertAllowedHostname];
    return !peerSkipClientSanVerification && others.length === 0;
  }

  /** Of the clients' port; undefined: it has no certificate, and no `https://` address. */
  clientAcceptor(): TlsAcceptor | undefined {
    const { trustedCaFile, clientCertAllowedHostname } = this.#init.config;
    const admission = { hosts: clientCertAllowedHostname, commonNames: [] };
    return this.#acceptor("client", this.#clients, trustedCaFile !== "", admission);
  }

  peerAcceptor(): TlsAcceptor | undefined {
    const { peerTrustedCaFile } = this.#init.config;
    return this.#acceptor("peer", this.#peers, peerTrustedCaFile !== "", peerAdmission(this.#init));
  }

  #acceptor(
    port: "client" | "peer",
    keeper: TlsKeeper | undefined,
    demandsCertificate: boolean,
    admission: Admission,
  ): TlsAcceptor | undefined {
    if (keeper === undefined) return undefined;
    const acceptor = new TlsAcceptor({
      context: keeper.material.context,
      demandsCertificate,
      refusalOf: (socket) => faultOf(chainOf(socket), keeper.material.revocations, admission),
      handshakeMs: HANDSHAKE_MS,
      handshakesMax: HANDSHAKES_MAX,
      monotonicMs: () => systemClock.monotonicMs(),
      onRefused: (refusal) => {
        this.rejections.rejected(port, refusal);
      },
    });
    keeper.onRenewed(({ context }) => {
      acceptor.renew(context);
    });
    return acceptor;
  }

  #securityOf(keeper: TlsKeeper): PeerSecurity {
    if (this.#security?.generation === keeper.generation) return this.#security;
    this.#security = {
      generation: keeper.generation,
      credentials: this.#credentialsOf(keeper.material),
    };
    return this.#security;
  }

  #credentialsOf({ context, revocations }: TlsMaterial): PeerSecurity["credentials"] {
    const { config } = this.#init;
    const admission = peerAdmission(this.#init);
    return credentials.createFromSecureContext(createSecureContext(context), {
      // Certificates that nobody has signed but themselves prove nothing; they hide what is said (etcd).
      rejectUnauthorized: !isSelfSigned(config),
      checkServerIdentity: (name, certificate) => {
        if (isSelfSigned(config)) return undefined;
        const fault = faultOf(chainFrom(certificate), revocations, admission);
        return fault === undefined
          ? checkServerIdentity(hostOf(name), certificate)
          : new Error(fault);
      },
    });
  }
}

function isSelfSigned({ peerAutoTls, peerCertFile }: Config): boolean {
  return peerAutoTls && peerCertFile === "";
}

function peerAdmission({ config }: PortSecurityInit): Admission {
  return { hosts: config.peerCertAllowedHostname, commonNames: config.peerCertAllowedCn };
}

/** Why a certificate is refused although its CA is right; `chain` begins with it. */
function faultOf(
  chain: readonly X509Certificate[],
  revocations: RevocationList | undefined,
  { hosts, commonNames }: Admission,
): string | undefined {
  const [certificate] = chain;
  if (certificate === undefined) return "no certificate is shown";
  const revoked = chain.find((link) => revocations?.has(link));
  if (revoked !== undefined) {
    return `the certificate with serial number ${revoked.serialNumber} (${namesOf(revoked)}) is revoked`;
  }
  if (hosts.length > 0 && !hosts.some((host) => namesHost(certificate, host))) {
    return `the certificate names ${namesOf(certificate)}; expected ${hosts.join(" or ")}`;
  }
  if (commonNames.length > 0 && !commonNames.includes(commonNameOf(certificate) ?? "")) {
    return `the certificate names ${namesOf(certificate)}; expected CN ${commonNames.join(" or ")}`;
  }
  return undefined;
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  return chainFrom(socket.getPeerCertificate(true));
}

/** From the certificate to its CA, as Node links them: the last is its own issuer. */
function chainFrom(certificate: PeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<unknown>();
  let link: unknown = certificate;
  while (isLink(link) && !seen.has(link)) {
    seen.add(link);
    chain.push(new X509Certificate(link.raw));
    link = link.issuerCertificate;
  }
  return chain;
}

function isLink(link: unknown): link is { raw: Buffer; issuerCertificate?: unknown } {
  return typeof link === "object" && link !== null && "raw" in link && Buffer.isBuffer(link.raw);
}

function rulesOf({ tlsMinVersion, tlsMaxVersion, cipherSuites }: Config): TlsRules {
  const nodes = { "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3" } as const;
  return {
    minVersion: nodes[tlsMinVersion],
    ...(tlsMaxVersion === "" ? {} : { maxVersion: nodes[tlsMaxVersion] }),
    ...(cipherSuites.length === 0 ? {} : { ciphers: cipherSuites.join(":") }),
  };
}

async function clientFilesOf(
  config: Config,
  journal: ServerJournal,
): Promise<TlsFiles | undefined> {
  const { certFile, keyFile, trustedCaFile, clientCrlFile, autoTls } = config;
  const others = {
    ca: { flag: "trusted-ca-file", path: trustedCaFile },
    crl: { flag: "client-crl-file", path: clientCrlFile },
  };
  if (certFile !== "") {
    const own = {
      cert: { flag: "cert-file", path: certFile },
      key: { flag: "key-file", path: keyFile },
    };
    return { ...own, ...others };
  }
  if (!autoTls) return undefined;
  return { ...(await selfSignedFiles(config, "client", journal)), ...others };
}

async function peerFilesOf(config: Config, journal: ServerJournal): Promise<TlsFiles | undefined> {
  const { peerCertFile, peerKeyFile, peerTrustedCaFile, peerCrlFile, peerAutoTls } = config;
  const others = {
    ca: { flag: "peer-trusted-ca-file", path: peerTrustedCaFile },
    crl: { flag: "peer-crl-file", path: peerCrlFile },
  };
  if (peerCertFile !== "") {
    const own = {
      cert: { flag: "peer-cert-file", path: peerCertFile },
      key: { flag: "peer-key-file", path: peerKeyFile },
    };
    return { ...own, ...others };
  }
  if (peerAutoTls) return { ...(await selfSignedFiles(config, "peer", journal)), ...others };
  // Without a certificate of its own a member can connect to members that demand none.
  if (peerTrustedCaFile === "") return undefined;
  const none = (flag: string): TlsFiles["cert"] => ({ flag, path: "" });
  return { cert: none("peer-cert-file"), key: none("peer-key-file"), ...others };
}
