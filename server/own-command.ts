// Commands that a member submits for itself, in nobody's name: what it found, and what it compacts.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { RequestKind, Response } from "../store/index.ts";
import type { Replica } from "./replica.ts";

/** Longer than an election. */
const COMMAND_MS_MAX = 7_000;

/** `done` comes once; an error says that it was refused, or may yet be applied. */
export function submitOwn(
  replica: Pick<Replica, "now" | "submit">,
  command: { readonly kind: RequestKind; readonly body: Uint8Array },
  done: (result: Response | KvError) => void,
): void {
  replica.submit({
    ...command,
    caller: OWN_AUTHORITY,
    deadlineAtMs: (replica.now() + COMMAND_MS_MAX) as MonotonicMs,
    done: (result) => {
      done(result.ok ? result.response : result.error);
    },
  });
}

/** Why it had no effect; undefined: it had. */
export function failureOf(result: Response | KvError): string | undefined {
  if (result instanceof KvError) return result.message;
  return result.kind === "refused" ? result.message : undefined;
}
