// Whom requests may be addressed to (etcd's --host-whitelist): a page whose name was made to lead here, by whoever
// owns the name, asks under that name, and the browser holds it for its own. TLS proves the name by itself.
import { TLSSocket } from "node:tls";
import type { RequestHandler } from "express";
import { plain } from "./endpoints.ts";

export const ANY_HOST = "*";

export function knownHost(allowed: ReadonlySet<string>): RequestHandler {
  return (request, response, next) => {
    const isKnown = allowed.has(ANY_HOST) || allowed.has(request.hostname);
    if (isKnown || request.socket instanceof TLSSocket) next();
    else plain(response, 421, `not for ${request.hostname}: see --host-whitelist\n`);
  };
}
