// The commands that concern leases: granted, kept alive, revoked, and ended when log time has passed them.
import { unreachable } from "../base/index.ts";
import type { Key, LeaseId, LogTimeMs, Revision } from "../base/index.ts";
import type { KeySpace } from "./key-space.ts";
import { refusal, refused } from "./refusal.ts";
import type { Request } from "./request.ts";
import type { Response } from "./response.ts";

export type LeaseCommand = Extract<Request, { readonly kind: `lease-${string}` }>;

/** Of one entry; whoever proposed it proposes another while more are due. */
const EXPIRED_MAX = 256;

export function isLeaseCommand(request: Request): request is LeaseCommand {
  return request.kind.startsWith("lease-");
}

/** `now`: the log time of the entry. */
export function runLeaseCommand(request: LeaseCommand, space: KeySpace, now: LogTimeMs): Response {
  const { leases } = space;
  const revision = (): Revision => space.revision as Revision;
  switch (request.kind) {
    case "lease-grant": {
      const { id, ttlMs } = request;
      const fault = leases.grant(id, ttlMs, now);
      if (fault !== undefined) return refused(fault, revision());
      return { kind: "lease-grant", revision: revision(), id, ttlMs };
    }
    case "lease-revoke":
      if (!leases.has(request.id)) return refused(refusal("lease-not-found"), revision());
      revoke(request.id, space);
      return { kind: "lease-revoke", revision: revision() };
    case "lease-renew": {
      const ttlsMs = request.ids.map((id) => leases.renew(id, now) ?? 0);
      return { kind: "lease-renew", revision: revision(), ttlsMs };
    }
    case "lease-expire": {
      const expired = leases.due(now, EXPIRED_MAX);
      for (const id of expired) revoke(id, space);
      return { kind: "lease-expire", revision: revision(), count: expired.length };
    }
    default:
      return unreachable(request);
  }
}

/** Its keys go in order, in one revision of their own. */
function revoke(id: LeaseId, space: KeySpace): void {
  const keys: readonly Key[] = space.leases.remove(id);
  if (keys.length === 0) return;
  space.begin();
  const left = space.planted === "lease-keys-left-behind" ? 1 : 0;
  for (const key of keys.slice(left)) space.delete(key);
  space.commit();
}
