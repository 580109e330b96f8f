// What the TLS options say together: pairs that belong together, what needs a CA, and what would be a security
// that is not there. Nothing is secured less than the options say, and nothing is ignored without a word.
import type { ConfigIssue } from "./config-issue.ts";
import type { OptionValues } from "./config-schema.ts";
import { endpointOf } from "./config-value.ts";

type Values = Partial<OptionValues>;
type IssueOf = (flag: string, problem: string) => ConfigIssue;

/** One port's options: `prefix` is "" for clients' and "peer-" for members'. */
interface PortOptions {
  readonly prefix: "" | "peer-";
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly demands: boolean;
  readonly auto: boolean;
  readonly listenFlag: string;
  readonly listenUrls: readonly string[];
  /** Given options that mean nothing without a CA. */
  readonly restricting: readonly string[];
}

export function checkTls(values: Values, issueOf: IssueOf): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const port of portsOf(values)) checkPort(port, issueOf, issues);
  const { peerClientCertFile = "", peerClientKeyFile = "", peerCertFile = "" } = values;
  checkPair("peer-client-", peerClientCertFile, peerClientKeyFile, issueOf, issues);
  if (peerClientCertFile !== "" && peerCertFile === "") {
    issues.push(issueOf("peer-client-cert-file", "needs --peer-cert-file"));
  }
  const { peerAutoTls, peerTrustedCaFile = "" } = values;
  if (peerAutoTls === true && peerCertFile === "" && peerTrustedCaFile !== "") {
    const problem =
      "--peer-auto-tls makes a certificate of no CA, which the other members would refuse";
    issues.push(issueOf("peer-trusted-ca-file", problem));
  }
  const { peerCertAllowedCn = [], peerCertAllowedHostname = [] } = values;
  if (peerCertAllowedCn.length > 0 && peerCertAllowedHostname.length > 0) {
    const problem = "and --peer-cert-allowed-hostname are mutually exclusive";
    issues.push(issueOf("peer-cert-allowed-cn", problem));
  }
  checkVersions(values, issueOf, issues);
  return issues;
}

/** What is legal, and most likely not meant. */
export function tlsWarnings(values: Values): string[] {
  const warnings: string[] = [];
  for (const port of portsOf(values)) {
    if (port.cert === "" && !port.auto) continue;
    for (const url of port.listenUrls.filter(isOpen)) {
      warnings.push(
        `${url} of --${port.listenFlag} is plain although certificates are given: nothing is secured there`,
      );
    }
  }
  return warnings;
}

/** To the network, in plain text. */
function isOpen(url: string): boolean {
  const endpoint = endpointOf(url);
  return endpoint.kind === "tcp" && !endpoint.secure;
}

function portsOf(values: Values): PortOptions[] {
  const named = (given: readonly (readonly [string, boolean])[]): string[] =>
    given.filter(([, isGiven]) => isGiven).map(([flag]) => flag);
  return [
    {
      prefix: "",
      cert: values.certFile ?? "",
      key: values.keyFile ?? "",
      ca: values.trustedCaFile ?? "",
      demands: values.clientCertAuth ?? false,
      auto: values.autoTls ?? false,
      listenFlag: "listen-client-urls",
      listenUrls: values.listenClientUrls ?? [],
      restricting: named([
        ["client-crl-file", (values.clientCrlFile ?? "") !== ""],
        ["client-cert-allowed-hostname", (values.clientCertAllowedHostname ?? []).length > 0],
      ]),
    },
    {
      prefix: "peer-",
      cert: values.peerCertFile ?? "",
      key: values.peerKeyFile ?? "",
      ca: values.peerTrustedCaFile ?? "",
      demands: values.peerClientCertAuth ?? false,
      auto: values.peerAutoTls ?? false,
      listenFlag: "listen-peer-urls",
      listenUrls: values.listenPeerUrls ?? [],
      restricting: named([
        ["peer-crl-file", (values.peerCrlFile ?? "") !== ""],
        ["peer-cert-allowed-cn", (values.peerCertAllowedCn ?? []).length > 0],
        ["peer-cert-allowed-hostname", (values.peerCertAllowedHostname ?? []).length > 0],
      ]),
    },
  ];
}

function checkPort(port: PortOptions, issueOf: IssueOf, issues: ConfigIssue[]): void {
  const { prefix, cert, key, ca, demands, auto, listenFlag, listenUrls, restricting } = port;
  checkPair(prefix, cert, key, issueOf, issues);
  const secure = listenUrls.filter((url) => endpointOf(url).secure);
  if (secure.length > 0 && cert === "" && !auto) {
    const problem = `cannot listen on TLS for ${secure.join(", ")}: --${prefix}cert-file and --${prefix}key-file are not given`;
    issues.push(issueOf(listenFlag, problem));
  }
  if (demands && ca === "") {
    const flag = prefix === "" ? "client-cert-auth" : "peer-client-cert-auth";
    const problem = `needs --${prefix}trusted-ca-file: without it any public CA's certificate would do`;
    issues.push(issueOf(flag, problem));
  }
  if (ca !== "") return;
  for (const flag of restricting) {
    issues.push(issueOf(flag, `needs --${prefix}trusted-ca-file: no certificate is asked for`));
  }
}

function checkPair(
  prefix: string,
  cert: string,
  key: string,
  issueOf: IssueOf,
  issues: ConfigIssue[],
): void {
  if ((cert === "") === (key === "")) return;
  const [given, missing] = cert === "" ? ["key-file", "cert-file"] : ["cert-file", "key-file"];
  issues.push(issueOf(`${prefix}${given}`, `needs --${prefix}${missing} too`));
}

function checkVersions(values: Values, issueOf: IssueOf, issues: ConfigIssue[]): void {
  const { tlsMinVersion, tlsMaxVersion, cipherSuites = [] } = values;
  const newestMin = tlsMinVersion === "TLS1.3";
  if (newestMin && tlsMaxVersion === "TLS1.2") {
    issues.push(issueOf("tls-max-version", "is older than --tls-min-version, TLS1.3"));
  }
  if (cipherSuites.length === 0) return;
  const isNew = (suite: string): boolean => suite.startsWith("TLS_");
  if (newestMin && !cipherSuites.some(isNew)) {
    issues.push(issueOf("cipher-suites", "has no suite of TLS 1.3, which --tls-min-version asks"));
  }
  if (tlsMaxVersion === "TLS1.2" && cipherSuites.every(isNew)) {
    issues.push(issueOf("cipher-suites", "has no suite of TLS 1.2, which --tls-max-version asks"));
  }
}
