// Whether a failed attempt may be repeated. Repetition is only ever safe for one of three reasons: nothing
// can change (a read), the failure proves that nothing was done, or the store tells repetitions apart (R9).
import type { KvError, KvErrorCode } from "../base/index.ts";
import type { OnMiss } from "./options.ts";

/**
 * What repeating an attempt could do:
 * - `read`: nothing.
 * - `numbered-write`: nothing, it carries a request id.
 * - `plain-write`: apply the write twice.
 */
export type Nature = "read" | "numbered-write" | "plain-write";

/** What may be tried after a failure: `elsewhere` prefers a member that this call has not asked yet. */
export type Repetition = "never" | "same-member" | "elsewhere";

/**
 * Failures that pass by themselves: a member away, an election, a full queue. All others (a refusal by the
 * store, a wrong argument, a bug) would come again.
 */
const PASSING: Readonly<Partial<Record<KvErrorCode, Exclude<Repetition, "never">>>> = {
  unavailable: "elsewhere",
  "no-leader": "elsewhere",
  "not-leader": "elsewhere",
  "leader-changed": "elsewhere",
  "server-stopped": "elsewhere",
  "timed-out": "elsewhere",
  "timed-out-leader-fail": "elsewhere",
  "timed-out-wait-applied": "elsewhere",
  "lag-too-large": "elsewhere",
  // The attempt's own deadline: the call's is judged by the caller of this function.
  "deadline-exceeded": "elsewhere",
  // The queue is the leader's or the session's; another member only adds a hop.
  "too-many-requests": "same-member",
  "session-full": "same-member",
  // Whoever has a password asks for another token (credentials.ts).
  "invalid-token": "same-member",
  "auth-revision-old": "same-member",
};

/**
 * Judges one failed attempt.
 *
 * `onMiss` is the read's policy: under `wait` a miss (`too-stale`, `not-committed`) is tried again until the
 * call's deadline; else it is the answer. gRPC's INTERNAL, which grpc-js also says
 * of a stream torn down by a dying server, is repeated for what may be repeated freely.
 */
export function repetitionOf(error: KvError, nature: Nature, onMiss: OnMiss): Repetition {
  if (error.code === "too-stale" || error.code === "not-committed") {
    return nature === "read" && onMiss === "wait" ? "elsewhere" : "never";
  }
  if (error.outcome === "applied") return "never";
  if (error.code === "internal") return nature === "plain-write" ? "never" : "elsewhere";
  const repetition = PASSING[error.code];
  if (repetition === undefined) return "never";
  if (nature === "plain-write" && error.outcome !== "not-applied") return "never";
  return repetition;
}

/** Whether the failure says that the member is away, not merely unable to serve this call. */
export function isAbsence(error: KvError): boolean {
  return (
    error.code === "unavailable" ||
    error.code === "server-stopped" ||
    error.code === "deadline-exceeded"
  );
}

/** Whether the failure says that the leader known so far may not be the leader. */
export function doubtsLeader(error: KvError): boolean {
  return (
    isAbsence(error) ||
    error.code === "no-leader" ||
    error.code === "not-leader" ||
    error.code === "leader-changed" ||
    error.code === "timed-out" ||
    error.code === "timed-out-leader-fail"
  );
}
