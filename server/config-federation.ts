// The options of a federation of regions: where its directory is, who this region is in it, and how the directory is
// asked. What they say together is checked here too.
import type { ConfigIssue } from "./config-issue.ts";
import { option } from "./config-option.ts";
import { endpoints, path, text, wordOrNone } from "./config-value.ts";

const GROUP = "Federation";

export const federationOptions = {
  federationDirectoryEndpoints: option(
    GROUP,
    "federation-directory-endpoints",
    endpoints,
    "",
    "Client endpoints of the federation's directory group: HOST:PORT,...; empty: this region is in no federation.",
  ),
  federationConfigFile: option(
    GROUP,
    "federation-config-file",
    path,
    "",
    "The federation's configuration as a file, for a federation without a directory: the leader logs it when its epoch is later than the region's. All members of a region alike.",
  ),
  federationRegion: option(
    GROUP,
    "federation-region",
    wordOrNone,
    "",
    "Name of this region in the federation: a-z, 0-9, dots, underscores and hyphens, at most 64; empty: --region. All members of a region alike.",
  ),
  federationDirectoryTrustedCaFile: option(
    GROUP,
    "federation-directory-trusted-ca-file",
    path,
    "",
    "CA certificates that the directory's members are checked against; empty: no TLS.",
  ),
  federationDirectoryCertFile: option(
    GROUP,
    "federation-directory-cert-file",
    path,
    "",
    "Certificate shown to the directory's members.",
  ),
  federationDirectoryKeyFile: option(
    GROUP,
    "federation-directory-key-file",
    path,
    "",
    "Private key of that certificate.",
  ),
  federationDirectoryUser: option(
    GROUP,
    "federation-directory-user",
    text,
    "",
    "User of the directory, where it has auth on; it needs to read and write all keys that begin with /hansa/federation.",
  ),
  federationDirectoryPasswordFile: option(
    GROUP,
    "federation-directory-password-file",
    path,
    "",
    "File with that user's password; a last newline is left out.",
  ),
};

/** The name of the region in the federation. */
export function federationRegionOf(values: {
  readonly federationRegion?: string;
  readonly region?: string;
}): string {
  const { federationRegion = "", region = "" } = values;
  return federationRegion === "" ? region : federationRegion;
}

const REGION_NAME = /^[a-z0-9._-]{1,64}$/;

/** Options that parsed; the others are absent. */
interface FederationValues {
  readonly region?: string;
  readonly federationConfigFile?: string;
  readonly federationDirectoryEndpoints?: readonly string[];
  readonly federationRegion?: string;
  readonly federationDirectoryTrustedCaFile?: string;
  readonly federationDirectoryCertFile?: string;
  readonly federationDirectoryKeyFile?: string;
  readonly federationDirectoryUser?: string;
  readonly federationDirectoryPasswordFile?: string;
}

export function checkFederation(
  values: FederationValues,
  issueOf: (flag: string, problem: string) => ConfigIssue,
): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const {
    federationDirectoryEndpoints = [],
    federationConfigFile: file = "",
    federationRegion = "",
    federationDirectoryTrustedCaFile: ca = "",
    federationDirectoryCertFile: cert = "",
    federationDirectoryKeyFile: key = "",
    federationDirectoryUser: user = "",
    federationDirectoryPasswordFile: password = "",
  } = values;
  const need = (given: boolean, flag: string, problem: string): void => {
    if (given) issues.push(issueOf(flag, problem));
  };
  if (federationDirectoryEndpoints.length === 0) {
    const without = "needs --federation-directory-endpoints";
    need(federationRegion !== "" && file === "", "federation-region", without);
    need(ca !== "", "federation-directory-trusted-ca-file", without);
    need(cert !== "", "federation-directory-cert-file", without);
    need(key !== "", "federation-directory-key-file", without);
    need(user !== "", "federation-directory-user", without);
    need(password !== "", "federation-directory-password-file", without);
    return issues;
  }
  need(
    !REGION_NAME.test(federationRegionOf(values)),
    "federation-region",
    "or --region must name this region: 1 to 64 of a-z, 0-9, dots, underscores and hyphens",
  );
  need(
    (cert === "") !== (key === ""),
    "federation-directory-cert-file",
    "and --federation-directory-key-file go together",
  );
  need(
    cert !== "" && ca === "",
    "federation-directory-cert-file",
    "needs --federation-directory-trusted-ca-file",
  );
  need(
    (user === "") !== (password === ""),
    "federation-directory-user",
    "and --federation-directory-password-file go together",
  );
  return issues;
}
