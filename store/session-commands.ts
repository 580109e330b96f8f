// The commands that concern sessions: opened by the entry whose index is the session's id, and closed.
import type { LogIndex, LogTimeMs, Revision, SessionId } from "../base/index.ts";
import { refused } from "./refusal.ts";
import type { Request } from "./request.ts";
import type { KeptResponse } from "./response.ts";
import type { SessionTable } from "./sessions.ts";

type SessionCommand = Extract<Request, { readonly kind: `session-${string}` }>;

export interface SessionMoment {
  /** Of the entry. */
  readonly index: LogIndex;
  readonly now: LogTimeMs;
  readonly revision: Revision;
  /** The user that asks; undefined: auth is off. */
  readonly asker: string | undefined;
}

export function isSessionCommand(request: Request): request is SessionCommand {
  return request.kind === "session-open" || request.kind === "session-close";
}

export function runSessionCommand(
  request: SessionCommand,
  sessions: SessionTable,
  { index, now, revision, asker }: SessionMoment,
): KeptResponse {
  if (request.kind === "session-close") {
    const fault = sessions.close(request.session, now, asker);
    return fault === undefined ? { kind: "session-close", revision } : refused(fault, revision);
  }
  const ttlMs = sessions.open(index, request.ttlMs, now, asker);
  if (typeof ttlMs !== "number") return refused(ttlMs, revision);
  return { kind: "session-open", revision, session: BigInt(index) as SessionId, ttlMs };
}
