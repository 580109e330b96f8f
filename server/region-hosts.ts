// Who may speak as a region: where connections show certificates, the one of the right CA that names the region, or a
// host of its endpoints, by the configuration in force (federation 1). Without certificates the network is trusted.
import type { X509Certificate } from "node:crypto";
import type { ExchangeHello, FederationConfig, Member, OriginId } from "../federation/index.ts";
import { greetingFault, memberOf } from "../federation/index.ts";
import { commonNameOf, namesHost, namesOf } from "../rpc/index.ts";

/** Why who said `hello` is not served; undefined: it is. */
export function regionRefusal(
  hello: ExchangeHello,
  certificate: X509Certificate | undefined,
  config: FederationConfig,
  self: OriginId,
): string | undefined {
  const fault = greetingFault(hello, config, self);
  if (fault !== undefined || certificate === undefined) return fault;
  const member = memberOf(config, hello.from.origin);
  if (member !== undefined && isOf(certificate, member)) return undefined;
  const hosts = member?.endpoints.map(hostOfEndpoint).join(", ");
  return `the certificate names ${namesOf(certificate)}; expected region ${member?.name ?? ""} or one of its hosts: ${hosts ?? ""}`;
}

function isOf(certificate: X509Certificate, { name, endpoints }: Member): boolean {
  if (commonNameOf(certificate) === name || namesHost(certificate, name)) return true;
  return endpoints.some((endpoint) => namesHost(certificate, hostOfEndpoint(endpoint)));
}

/** Of "host:port" and "[address]:port". */
function hostOfEndpoint(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}
