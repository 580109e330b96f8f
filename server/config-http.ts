// The options of HTTP/1.1: the JSON gateway, who may ask it from a browser, and ports for metrics alone.
import { z } from "zod";
import { option, toggle } from "./config-option.ts";
import { clientListenUrls } from "./config-value.ts";
import type { OptionType } from "./config-value.ts";

const ANY = "*";

const listenUrlsOrNone: OptionType<readonly string[]> = z.string().transform((given, context) => {
  if (given === "") return [];
  const { success, data, error } = clientListenUrls.safeParse(given);
  if (success) return data;
  for (const { message } of error.issues) context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** Names separated by commas, or `*` for all; etcd takes them bare or quoted. */
function listOrAny(
  expected: string,
  isKnown: (text: string) => boolean,
): OptionType<readonly string[]> {
  return z.string().transform((given, context) => {
    const names = given.split(",").map((name) => name.trim());
    if (names.every((name) => name === ANY || isKnown(name))) return names;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

export const httpOptions = {
  enableGrpcGateway: toggle(
    "HTTP",
    "enable-grpc-gateway",
    "true",
    "Offer the JSON gateway on /v3, /v3beta and /v3alpha of the client URLs.",
  ),
  listenMetricsUrls: option(
    "HTTP",
    "listen-metrics-urls",
    listenUrlsOrNone,
    "",
    "Further addresses that serve /metrics, /health, /livez, /readyz and /version, and nothing else; with https:// as the client URLs are secured.",
  ),
  corsOrigins: option(
    "HTTP",
    "cors",
    listOrAny("origins as https://HOST[:PORT] separated by commas, or *", (text) =>
      /^[a-z][a-z0-9+.-]*:\/\/[^/\s,]+$/i.test(text),
    ),
    ANY,
    "Origins whose pages a browser lets ask over HTTP; *: any.",
  ),
  hostWhitelist: option(
    "HTTP",
    "host-whitelist",
    listOrAny("host names or addresses separated by commas, or *", (text) =>
      /^[^\s/,]+$/.test(text),
    ),
    ANY,
    "Names that requests of HTTP over plain connections may be addressed to; *: any. Others are refused, which keeps out pages whose name was made to lead here.",
  ),
};
