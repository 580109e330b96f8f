// What a connection's first bytes say it speaks: HTTP/2 by its preface (RFC 9113 section 3.4), HTTP/1.1 by a
// method, or nothing that is known here.

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** `unclear`: more bytes may tell. */
export type Speech = "http2" | "http1" | "unclear" | "unknown";

const METHOD = /^[A-Z]{1,16} /;
const METHOD_BEGUN = /^[A-Z]{1,16}$/;

/** `bytes` from the connection's beginning on. */
export function speechOf(bytes: Buffer): Speech {
  const length = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.compare(bytes, 0, length, 0, length) === 0) {
    return length === PREFACE.length ? "http2" : "unclear";
  }
  const text = bytes.toString("latin1", 0, PREFACE.length);
  if (METHOD.test(text)) return "http1";
  return METHOD_BEGUN.test(text) ? "unclear" : "unknown";
}

const REFUSAL = "This port speaks gRPC over HTTP/2 only.\n";

/** The whole answer to a request of HTTP/1.1; the connection ends with it. */
export const HTTP1_REFUSAL: Buffer = Buffer.from(
  [
    "HTTP/1.1 400 Bad Request",
    "content-type: text/plain; charset=utf-8",
    `content-length: ${REFUSAL.length}`,
    "connection: close",
    "",
    REFUSAL,
  ].join("\r\n"),
);
