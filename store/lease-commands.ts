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
/** Keys that end in one revision where some are federated. */
const SHIPPED_MAX = 4096;

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
    case "lease-revoke": {
      const lease = leases.get(request.id);
      if (lease === undefined) return refused(refusal("lease-not-found"), revision());
      const fault = space.federation?.barsExpiry(lease.keys);
      if (fault !== undefined) return refused(fault, revision());
      revoke(request.id, space);
      return { kind: "lease-revoke", revision: revision() };
    }
    case "lease-renew": {
      const ttlsMs = request.ids.map((id) => leases.renew(id, now) ?? 0);
      return { kind: "lease-renew", revision: revision(), ttlsMs };
    }
    case "lease-expire": {
      const expired = leases.due(now, EXPIRED_MAX);
      for (const id of expired) {
        const keys = leases.get(id)?.keys ?? [];
        // While the region may not say that a federated key has ended, its lease lives on.
        if (space.federation?.barsExpiry(keys) === undefined) revoke(id, space);
        else leases.renew(id, now);
      }
      return { kind: "lease-expire", revision: revision(), count: expired.length };
    }
    default:
      return unreachable(request);
  }
}

/** Its keys go in order, in one revision of their own; of federated ones, as many as a transaction surely takes. */
function revoke(id: LeaseId, space: KeySpace): void {
  const keys: readonly Key[] = space.leases.remove(id);
  const left = space.planted === "lease-keys-left-behind" ? 1 : 0;
  const isShipped = keys.some((key) => space.federation?.holds(key) === true);
  const step = isShipped ? SHIPPED_MAX : Math.max(keys.length, 1);
  for (let from = left; from < keys.length; from += step) {
    space.begin();
    for (const key of keys.slice(from, from + step)) space.expire(key, id);
    space.commit();
  }
}
