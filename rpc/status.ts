// KvError to gRPC status and back: the code, etcd's exact text, and the trailers that carry the rest.
import { KvError } from "../base/index.ts";
import type { KvErrorCode, Outcome } from "../base/index.ts";
import {
  ERROR_TRAILER,
  GRPC,
  OUTCOME_TRAILER,
  WIRE_STATUS,
  errorCodeOf,
  isWireErrorCode,
} from "../proto/index.ts";
import type { WireStatus } from "../proto/index.ts";

/** Fails to compile while a code has no status. */
const STATUSES: Readonly<Record<KvErrorCode, WireStatus>> = WIRE_STATUS;

/** A call's end as the carrier writes it. */
export interface Status {
  /** gRPC's number. */
  readonly code: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
}

export function statusOf(error: KvError): Status {
  const { grpc, text, open } = STATUSES[error.code];
  return {
    code: grpc,
    message: open === true ? openText(text, error.message) : text,
    trailers: { [ERROR_TRAILER]: error.code, [OUTCOME_TRAILER]: error.outcome },
  };
}

/** As Go's gRPC prints it, in texts that its clients compare: PermissionDenied. */
export function nameOfCode(code: number): string {
  const known = Object.entries(GRPC).find(([, number]) => number === code);
  const words = (known?.[0] ?? "UNKNOWN").toLowerCase().split("_");
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function isOutcome(said: string | undefined): said is Outcome {
  return said === "applied" || said === "not-applied" || said === "unknown";
}

/** etcd's texts are fixed, clients compare them; Hansa's own may say more. */
function openText(text: string, message: string): string {
  if (message === "" || message === text) return text;
  return message.startsWith("hansa: ") ? message : `hansa: ${message}`;
}

/**
 * The error behind a status: `trailer` gives a trailer's value. Without Hansa's trailers the outcome of
 * anything but a refusal is unknown.
 */
export function errorOf(
  code: number,
  message: string,
  trailer: (name: string) => string | undefined,
): KvError {
  const named = trailer(ERROR_TRAILER);
  const said = trailer(OUTCOME_TRAILER);
  const outcome: Outcome = isOutcome(said) ? said : "unknown";
  const kind = named !== undefined && isWireErrorCode(named) ? named : errorCodeOf(code, message);
  return new KvError(kind, outcome, message);
}
