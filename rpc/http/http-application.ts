// What HTTP/1.1 finds at a port: the plain endpoints, and the gateway where there is one.
import type { IncomingMessage, ServerResponse } from "node:http";
import express from "express";
import type { ErrorRequestHandler, Express } from "express";
import { ANY_ORIGIN, ANY_ORIGIN_HEADERS, crossOrigin } from "./cross-origin.ts";
import { endpoints, notAllowed, plain } from "./endpoints.ts";
import type { EndpointsOptions } from "./endpoints.ts";
import type { Gateway } from "./gateway.ts";
import { ANY_HOST, knownHost } from "./known-host.ts";

type Application = (request: IncomingMessage, response: ServerResponse) => void;

export interface ApplicationOptions {
  readonly endpoints: EndpointsOptions;
  readonly gateway: Gateway | undefined;
  /** Origins; `*` is any. */
  readonly corsOrigins: ReadonlySet<string>;
  /** Names that requests may be addressed to over plain connections; `*` is any. */
  readonly hostsAllowed: ReadonlySet<string>;
  readonly onBug: (cause: unknown) => void;
}

export function httpApplication({
  gateway,
  corsOrigins,
  hostsAllowed,
  onBug,
  ...options
}: ApplicationOptions): Application {
  const application: Express = express();
  application.disable("x-powered-by").disable("etag");
  application.enable("strict routing").enable("case sensitive routing");
  application.use(knownHost(hostsAllowed));
  application.use(crossOrigin(corsOrigins));
  // Before the other routes: most requests are the gateway's, and it finds its own without trying each.
  if (gateway !== undefined) {
    const onlyPost = notAllowed("POST");
    application.use((request, response, next) => {
      const route = gateway.routeOf(request.path);
      if (route === undefined) next();
      else if (request.method === "POST") gateway.serve(route, request, response);
      else onlyPost(request, response, next);
    });
    application.use(["/v3", "/v3beta", "/v3alpha"], (_, response) => {
      plain(response, 404, "Not Found\n");
    });
  }
  application.use(endpoints(options.endpoints));
  application.use((_, response) => plain(response, 404, "404 page not found\n"));
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    if (isClientFault(error)) plain(response, error.status, `${error.message}\n`);
    else onBug(error);
  };
  application.use(onError);
  const isOpen = corsOrigins.has(ANY_ORIGIN) && hostsAllowed.has(ANY_HOST);
  return gateway !== undefined && isOpen ? gatewayFirst(gateway, application, onBug) : application;
}

/**
 * Express makes every request and answer into its own kind and leads it through all its layers, which costs more than
 * most calls do. Where nobody is kept out a plain call of the gateway needs none of that; all else goes to Express.
 */
function gatewayFirst(
  gateway: Gateway,
  application: Express,
  onBug: (cause: unknown) => void,
): Application {
  return (request, response) => {
    const route = request.method === "POST" ? gateway.routeOf(request.url ?? "") : undefined;
    if (route === undefined) {
      application(request, response);
      return;
    }
    for (const [name, value] of ANY_ORIGIN_HEADERS) response.setHeader(name, value);
    try {
      gateway.serve(route, request, response);
    } catch (cause) {
      onBug(cause);
    }
  };
}

/** Express's own refusals of a request: a path that is no path. */
function isClientFault(error: unknown): error is Error & { readonly status: number } {
  if (!(error instanceof Error) || !("status" in error)) return false;
  const { status } = error;
  return typeof status === "number" && status >= 400 && status < 500;
}
