// Which pages of other origins a browser lets read the answers (etcd's --cors).
import type { RequestHandler } from "express";

const ANY = "*";

/** @param allowed Origins; `*` is any. */
export function isOriginAllowed(allowed: ReadonlySet<string>, origin: string): boolean {
  return allowed.has(ANY) || allowed.has(origin);
}

export function crossOrigin(allowed: ReadonlySet<string>): RequestHandler {
  return (request, response, next) => {
    const origin = request.headers.origin ?? "";
    if (allowed.has(ANY)) response.set("access-control-allow-origin", ANY);
    else {
      response.vary("origin");
      if (isOriginAllowed(allowed, origin)) response.set("access-control-allow-origin", origin);
    }
    if (response.hasHeader("access-control-allow-origin")) {
      response.set({
        "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE",
        "access-control-allow-headers": "accept, content-type, authorization",
      });
    }
    if (request.method === "OPTIONS") response.status(200).end();
    else next();
  };
}
