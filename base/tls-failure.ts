// Why a TLS handshake failed, in words that name what to look at: from the codes of OpenSSL and Node, for either
// side. Text alone; who reads it decides what follows.

/** Who stands at the other end of the one that speaks. */
export type OtherSide = "client" | "server";

type Words = (other: OtherSide) => string;

const certificate =
  (fault: string): Words =>
  (other) =>
    `the ${other}'s certificate ${fault}`;
const refusal =
  (fault: string): Words =>
  (other) =>
    `the ${other} refuses the certificate of this side: ${fault}`;
const plain: Words = (other) => `the ${other} does not speak TLS here (plain text?)`;
const unknownCa = certificate("is of an unknown CA");

const WORDS: ReadonlyMap<string, Words> = new Map<string, Words>([
  // What this side found in the other's certificate.
  ["UNABLE_TO_GET_ISSUER_CERT", unknownCa],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", unknownCa],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", unknownCa],
  ["SELF_SIGNED_CERT_IN_CHAIN", unknownCa],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", certificate("is signed by itself, which is no CA known here")],
  ["CERT_HAS_EXPIRED", certificate("has expired, or its CA's has")],
  ["CERT_NOT_YET_VALID", certificate("is not valid yet: does a clock go wrong?")],
  ["CERT_SIGNATURE_FAILURE", certificate("has a signature that is not its CA's")],
  ["CERT_REVOKED", certificate("is revoked")],
  ["INVALID_CA", certificate("is signed by a certificate that is no CA's")],
  ["INVALID_PURPOSE", certificate("is not meant for this use (extended key usage)")],
  ["HOSTNAME_MISMATCH", certificate("names other hosts")],
  ["ERR_TLS_CERT_ALTNAME_INVALID", certificate("names other hosts")],
  ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", (other) => `the ${other} shows no certificate`],
  // What the other side said of this one's.
  [
    "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    (other) => `the ${other} requires a certificate: client certificates are demanded there`,
  ],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", refusal("of an unknown CA")],
  ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", refusal("bad certificate")],
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN", refusal("unknown certificate")],
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", refusal("expired")],
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", refusal("revoked")],
  ["ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", refusal("not meant for this use")],
  // What is not about certificates.
  [
    "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
    (other) =>
      `the ${other} breaks the handshake off (a certificate required, or no common cipher)`,
  ],
  ["ERR_SSL_HTTP_REQUEST", plain],
  ["ERR_SSL_HTTPS_PROXY_REQUEST", plain],
  ["ERR_SSL_WRONG_VERSION_NUMBER", plain],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", () => "no version of TLS that both sides speak"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", () => "no version of TLS that both sides speak"],
  ["ERR_SSL_NO_SHARED_CIPHER", () => "no cipher suite that both sides know"],
  ["ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM", () => "no signature algorithm that both sides know"],
  ["ERR_SSL_NO_APPLICATION_PROTOCOL", (other) => `the ${other} speaks neither h2 nor http/1.1`],
  [
    "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
    (other) => `the ${other} does not speak HTTP/2 here`,
  ],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", () => "the handshake took too long"],
  ["ECONNRESET", (other) => `the ${other} ended the handshake: does it trust this certificate?`],
]);

/** OpenSSL's and Node's own texts, where a code does not come along. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/self-signed certificate in certificate chain/, "SELF_SIGNED_CERT_IN_CHAIN"],
  [/self-signed certificate/, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  [/unable to get (?:local )?issuer certificate/, "UNABLE_TO_GET_ISSUER_CERT"],
  [/unable to verify the first certificate/, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  [/certificate has expired/, "CERT_HAS_EXPIRED"],
  [/certificate is not yet valid/, "CERT_NOT_YET_VALID"],
  [/certificate signature failure/, "CERT_SIGNATURE_FAILURE"],
  [/unsuitable certificate purpose|unsupported certificate purpose/, "INVALID_PURPOSE"],
  [/ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/, "HOSTNAME_MISMATCH"],
  [/alert certificate required/, "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"],
  [/alert unknown ca/, "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"],
  [/alert bad certificate/, "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE"],
  [/alert certificate expired/, "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED"],
  [/alert certificate revoked/, "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED"],
  [/alert certificate unknown/, "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN"],
  [/alert handshake failure/, "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"],
  [/alert protocol version|unsupported protocol/, "ERR_SSL_UNSUPPORTED_PROTOCOL"],
  [/wrong version number|packet length too long/, "ERR_SSL_WRONG_VERSION_NUMBER"],
];

/** The code that a message of a library speaks of; undefined: of none that has words here. */
export function tlsFailureCode(message: string): string | undefined {
  return TEXTS.find(([pattern]) => pattern.test(message))?.[1];
}

/** Undefined: a code that has no words here. */
export function tlsFailureText(code: string, other: OtherSide): string | undefined {
  return WORDS.get(code)?.(other);
}
