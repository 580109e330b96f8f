// What a connection's first bytes say it speaks: HTTP/2 by its preface (RFC 9113 section 3.4), HTTP/1.1 by a
// method, TLS by its first record (RFC 8446 section 5.1), or nothing that is known here.

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** `unclear`: more bytes may tell. */
export type Speech = "http2" | "http1" | "tls" | "unclear" | "unknown";

const METHOD = /^[A-Z]{1,16} /;
const METHOD_BEGUN = /^[A-Z]{1,16}$/;

/** `bytes` from the connection's beginning on. */
export function speechOf(bytes: Buffer): Speech {
  const length = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.compare(bytes, 0, length, 0, length) === 0) {
    return length === PREFACE.length ? "http2" : "unclear";
  }
  if (bytes[0] === HANDSHAKE) {
    if (bytes.length < 2) return "unclear";
    return bytes[1] === TLS_MAJOR ? "tls" : "unknown";
  }
  const text = bytes.toString("latin1", 0, PREFACE.length);
  if (METHOD.test(text)) return "http1";
  return METHOD_BEGUN.test(text) ? "unclear" : "unknown";
}

/** The type of TLS's first record, and the first byte of the version in it. */
const HANDSHAKE = 22;
const TLS_MAJOR = 3;

/** The whole answer to a request of HTTP/1.1; the connection ends with it. */
export const HTTP1_REFUSAL: Buffer = badRequest("This port speaks gRPC over HTTP/2 only.\n");

/** The whole answer to TLS on a plain port, as Go's servers give it the other way round. */
export const TLS_REFUSAL: Buffer = badRequest("This port speaks plain HTTP, not TLS.\n");

function badRequest(text: string): Buffer {
  return Buffer.from(
    [
      "HTTP/1.1 400 Bad Request",
      "content-type: text/plain; charset=utf-8",
      `content-length: ${text.length}`,
      "connection: close",
      "",
      text,
    ].join("\r\n"),
  );
}
