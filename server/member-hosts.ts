// Who may speak as a member: a certificate of the right CA must name a host of a member's peer URLs. The table is
// the cluster's own, so a host counts from the moment that its member is added until it is removed.
import type { X509Certificate } from "node:crypto";
import type { KvError } from "../base/index.ts";
import { namesHost, namesOf, refusedPeer } from "../rpc/index.ts";
import type { SocketOrigin } from "../rpc/index.ts";
import { endpointOf } from "./config-value.ts";

/**
 * What a member asks that may have been removed, or is about to join: who belongs to the cluster. Any certificate
 * of the CA may ask it.
 */
const MEMBERS = "/hansa.peer.v1.Peer/Members";
/** Services for other regions, each of which says itself whose certificate it must be (region-hosts.ts). */
const FOR_REGIONS = "/hansa.region.v1.";

export class MemberHosts {
  readonly #count: boolean;
  #hosts: readonly string[] = [];
  /** By certificate, as of these hosts. */
  #verdicts = new WeakMap<X509Certificate, boolean>();

  /** `count`: false, every certificate of the CA is a member's. */
  constructor({ count }: { readonly count: boolean }) {
    this.#count = count;
  }

  /** The peer URLs of all members from here on. */
  set(urls: readonly string[]): void {
    const hosts = urls.flatMap((url) => {
      const endpoint = endpointOf(url);
      return endpoint.kind === "tcp" ? [endpoint.host] : [];
    });
    if (hosts.join() === this.#hosts.join()) return;
    this.#hosts = hosts;
    this.#verdicts = new WeakMap();
  }

  /** Undefined: the call may be made. A socket that showed no certificate was asked for none. */
  refusalOf({ certificate }: SocketOrigin, path: string): KvError | undefined {
    const isOpenToAll = path === MEMBERS || path.startsWith(FOR_REGIONS);
    if (certificate === undefined || !this.#count || isOpenToAll) return undefined;
    if (this.#admits(certificate)) return undefined;
    const names = namesOf(certificate);
    return refusedPeer(`the certificate names ${names}; no member's peer URL has such a host`);
  }

  #admits(certificate: X509Certificate): boolean {
    const known = this.#verdicts.get(certificate);
    if (known !== undefined) return known;
    const verdict = this.#hosts.some((host) => namesHost(certificate, host));
    this.#verdicts.set(certificate, verdict);
    return verdict;
  }
}
