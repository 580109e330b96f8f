// Which pages of other origins a browser lets read the answers (etcd's --cors).
import type { RequestHandler } from "express";

export const ANY_ORIGIN = "*";

const ANSWERS_MAY_BE_READ = {
  "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE",
  "access-control-allow-headers": "accept, content-type, authorization",
} as const;

/** What every answer says where pages of any origin may read it. */
export const ANY_ORIGIN_HEADERS: readonly (readonly [string, string])[] = Object.entries({
  "access-control-allow-origin": ANY_ORIGIN,
  ...ANSWERS_MAY_BE_READ,
});

/** @param allowed Origins; `*` is any. */
export function isOriginAllowed(allowed: ReadonlySet<string>, origin: string): boolean {
  return allowed.has(ANY_ORIGIN) || allowed.has(origin);
}

export function crossOrigin(allowed: ReadonlySet<string>): RequestHandler {
  return (request, response, next) => {
    const origin = request.headers.origin ?? "";
    if (allowed.has(ANY_ORIGIN)) response.set("access-control-allow-origin", ANY_ORIGIN);
    else {
      response.vary("origin");
      if (isOriginAllowed(allowed, origin)) response.set("access-control-allow-origin", origin);
    }
    if (response.hasHeader("access-control-allow-origin")) {
      response.set(ANSWERS_MAY_BE_READ);
    }
    if (request.method === "OPTIONS") response.status(200).end();
    else next();
  };
}
