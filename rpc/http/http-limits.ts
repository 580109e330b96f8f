// The bounds on what HTTP/1.1 connections may hold or ask for, beyond those that the server's flags set.

export interface HttpLimits {
  /** From a connection's beginning to the end of its first request's head. */
  readonly headMs: number;
  /** From the end of an answer to the end of the next request's head. */
  readonly idleMs: number;
  /** From a request's head to the end of its body; of a stream, from one message's beginning to its end. */
  readonly bodyMs: number;
  /** A whole answer of which the client takes nothing. */
  readonly stallMs: number;
  /** Of one request's head, and lines of it. */
  readonly headBytesMax: number;
  readonly headLinesMax: number;
  /** Requests of one connection without an answer; one more ends it. */
  readonly pipelinedMax: number;
  /** Of all connections: bodies of which only a part has come. */
  readonly heldBytesMax: number;
  /** Of one answer: what the client has not taken, beyond which the connection is given up. */
  readonly outputBytesMax: number;
}

export const HTTP_LIMITS_DEFAULT: HttpLimits = {
  headMs: 10_000,
  idleMs: 75_000,
  bodyMs: 30_000,
  stallMs: 60_000,
  headBytesMax: 16 * 1024,
  headLinesMax: 100,
  pipelinedMax: 128,
  heldBytesMax: 64 * 1024 * 1024,
  outputBytesMax: 64 * 1024 * 1024,
};
