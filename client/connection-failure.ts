// Why there is no connection, in words that name what to look at: grpc-js tells it in a text of its own, with
// OpenSSL's within.
import { tlsFailureCode, tlsFailureText } from "../base/index.ts";
import { targetOf } from "./endpoint.ts";

const NO_CONNECTION = /^No connection established\. Last error: ([\s\S]*)$/;
/** grpc-js has no more to say of a connection that ends before HTTP/2 has begun. */
const NOTHING_SAID = /^(?:Failed to connect\b|(?:Error: )?read ECONNRESET)/;
/** What Node says of the names in a certificate. */
const NAMES = /altnames: ([^\n]*?)\.? (?:Resolution note|$)/;

/** Undefined: `details` tell of something else, or as well as can be. Begins as grpc-js does. */
export function connectionFailureText(details: string, address: string): string | undefined {
  const cause = NO_CONNECTION.exec(details)?.[1];
  if (cause === undefined) return undefined;
  const words = wordsOf(cause, targetOf(address).secure);
  return words === undefined ? undefined : `No connection established: ${words}`;
}

function wordsOf(cause: string, secure: boolean): string | undefined {
  if (NOTHING_SAID.test(cause)) {
    return secure
      ? "the server ended it after the handshake: does it take the certificate of this client?"
      : "the server ended it before a word: does it speak TLS (https://)?";
  }
  const code = secure ? tlsFailureCode(cause) : undefined;
  const words = code === undefined ? undefined : tlsFailureText(code, "server");
  const names = NAMES.exec(cause)?.[1];
  return words === undefined || names === undefined ? words : `${words} (${names})`;
}
