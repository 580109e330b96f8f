// The kinds of value an option takes: from the text of a flag, a variable or a YAML scalar to a type. Each
// says what it expects, with its unit and bounds, in words that end "expected ...".
import { isIP } from "node:net";
import { z } from "zod";
import { parseDurationMs } from "../base/index.ts";
import { CIPHER_SUITES } from "./cipher-suite.ts";

export type OptionType<T> = z.ZodType<T, string>;

function kind<T>(expected: string, parse: (text: string) => T | undefined): OptionType<T> {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

/** A whole number of `unit` in [min, max]. */
export function whole(unit: string, min: number, max: number): OptionType<number> {
  return kind(`a whole number of ${unit} from ${min} to ${max}`, (text) => {
    if (!/^\d+$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  });
}

/** A whole number of `unit` of either sign. */
export function integer(unit: string): OptionType<number> {
  return kind(`a whole number of ${unit}`, (text) => {
    const value = Number(text);
    return /^-?\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined;
  });
}

/** etcd's levels; above `error` there is nothing that a server still says. */
export const logLevel: OptionType<"debug" | "info" | "warn" | "error"> = kind(
  "one of debug, info, warn, error, dpanic, panic, fatal",
  (text) => {
    if (text === "debug" || text === "info" || text === "warn") return text;
    return ["error", "dpanic", "panic", "fatal"].includes(text) ? "error" : undefined;
  },
);

/** A fraction in [min, max]. */
export function fraction(min: number, max: number): OptionType<number> {
  return kind(`a fraction from ${min} to ${max}`, (text) => {
    if (!/^(\d+(\.\d*)?|\.\d+)(e-?\d+)?$/i.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  });
}

/** A span of time in [minMs, maxMs], as Go writes them; in milliseconds. */
export function span(minMs: number, maxMs: number): OptionType<number> {
  return kind(`a duration as 10m or 1m30s, from ${minMs} to ${maxMs} ms`, (text) => {
    const ms = parseDurationMs(text);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  });
}

export function choice<const T extends string>(choices: readonly T[]): OptionType<T> {
  const expected = choices.length === 1 ? choices.join() : `one of ${choices.join(", ")}`;
  return kind(expected, (text) => choices.find((known) => known === text));
}

export const onOrOff: OptionType<boolean> = kind("true or false", (text) =>
  text === "true" ? true : text === "false" ? false : undefined,
);

/** A word that is safe in a log line, a URL query and a file name; or nothing. */
export const wordOrNone: OptionType<string> = kind(
  "at most 128 letters, digits, dots, underscores or hyphens",
  (text) => (/^[A-Za-z0-9._-]{0,128}$/.test(text) ? text : undefined),
);

/** A member's or the cluster's name: anything that cannot be taken for the syntax around it. */
export const label: OptionType<string> = kind(
  "1 to 256 characters, none of , = or control",
  (text) => (isLabel(text) ? text : undefined),
);

export function isLabel(text: string): boolean {
  return text.length >= 1 && text.length <= 256 && !/[,=\p{Cc}]/u.test(text);
}

/** Names separated by commas; none when empty. */
export const labels: OptionType<readonly string[]> = kind("names separated by commas", (text) => {
  const names = text === "" ? [] : text.split(",").map((name) => name.trim());
  return names.every(isLabel) && new Set(names).size === names.length ? names : undefined;
});

export const text: OptionType<string> = kind("text", (given) => given);

/** A path in the file system, or nothing. */
export const path: OptionType<string> = kind("a path", (given) =>
  given.includes("\0") ? undefined : given,
);

/** systemd puts what a service writes to stderr into its journal. */
const JOURNALD = "systemd/journal";

/** Where log lines go: `default`, `stderr`, `stdout` or file paths, separated by commas. */
export const outputs: OptionType<readonly string[]> = kind(
  "default, stderr, stdout, systemd/journal or paths of files, separated by commas",
  (given) => {
    const targets = given.split(",").map((target) => target.trim());
    const known = (target: string): boolean =>
      target === JOURNALD ||
      (target !== "" && !target.startsWith("systemd/") && !target.includes("\0"));
    if (!targets.every(known) || new Set(targets).size !== targets.length) return undefined;
    return [...new Set(targets.map((target) => (target === JOURNALD ? "stderr" : target)))];
  },
);

/** Why `given` is not a URL that members take for one another, or undefined when it is. */
export function urlProblem(given: string): string | undefined {
  const scheme = schemeOf(given);
  if (scheme === "unix" || scheme === "unixs") {
    return "http(s)://host:port (members speak over the network: unix sockets are for clients)";
  }
  if (scheme !== "http" && scheme !== "https") return "http(s)://host:port";
  const match = /^https?:\/\/(\[[0-9a-f:.]+\]|[^:/?#@[\]]+):(\d{1,5})(.*)$/i.exec(given);
  if (match === null) return "http(s)://host:port";
  if (match[3] !== "") return "http(s)://host:port without a path";
  if (Number(match[2]) > 65_535) return "a port from 0 to 65535";
  return undefined;
}

/** As `urlProblem`, of a URL for clients: `unix://PATH` and `unixs://PATH` (TLS on it) too, as in etcd. */
function clientUrlProblem(given: string): string | undefined {
  const scheme = schemeOf(given);
  if (scheme !== "unix" && scheme !== "unixs") return urlProblem(given);
  const socket = given.slice(scheme.length + "://".length);
  const bytes = Buffer.byteLength(socket);
  if (bytes >= 1 && bytes <= SOCKET_PATH_BYTES_MAX && !/[\0?#]/.test(socket)) return undefined;
  return `unix://PATH with a path of 1 to ${SOCKET_PATH_BYTES_MAX} bytes`;
}

/** Of sockaddr_un, with its last 0. */
const SOCKET_PATH_BYTES_MAX = 107;

function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
}

/** Where a URL leads. */
export type Endpoint =
  | {
      readonly kind: "tcp";
      readonly secure: boolean;
      /** A name or an address; an IPv6 address without its brackets. */
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: "unix"; readonly secure: boolean; readonly path: string };

/** The way of a URL without `clientUrlProblem`. */
export function endpointOf(url: string): Endpoint {
  const scheme = schemeOf(url) ?? "";
  const secure = scheme === "https" || scheme === "unixs";
  const rest = url.slice(scheme.length + "://".length);
  if (scheme.startsWith("unix")) return { kind: "unix", secure, path: rest };
  const at = rest.lastIndexOf(":");
  const host = rest.slice(0, at).replace(/^\[|\]$/g, "");
  return { kind: "tcp", secure, host, port: Number(rest.slice(at + 1)) };
}

/** `once`: what of a URL may stand in the list but once. */
function urlList(
  check: (url: string) => string | undefined,
  once: (url: string) => string = (url) => url,
): OptionType<readonly string[]> {
  return z.string().transform((given, context) => {
    const urls = given.split(",").map((url) => url.trim());
    const problems = urls.map(check).filter((problem) => problem !== undefined);
    const [problem] = problems;
    if (problem === undefined && new Set(urls.map(once)).size === urls.length) return urls;
    const expected = problem ?? "address once";
    context.addIssue({ code: "custom", message: `URLs separated by commas, each ${expected}` });
    return z.NEVER;
  });
}

/** What clients are told to connect to. */
export const clientUrls: OptionType<readonly string[]> = urlList(clientUrlProblem);

/** What other members are told to connect to. */
export const peerUrls: OptionType<readonly string[]> = urlList(urlProblem);

/** What this process binds for clients, and for members. */
export const clientListenUrls = listenUrls(clientUrlProblem);
export const peerListenUrls = listenUrls(urlProblem);

/** etcd takes an address or `localhost`, so that a name cannot mean two; one address is one or the other. */
function listenUrls(check: (url: string) => string | undefined): OptionType<readonly string[]> {
  return urlList(
    (url) => {
      const problem = check(url);
      if (problem !== undefined) return problem;
      const endpoint = endpointOf(url);
      if (endpoint.kind === "unix" || endpoint.host === "localhost") return undefined;
      return isIP(endpoint.host) === 0 ? "with an IP address or localhost to bind" : undefined;
    },
    (url) => url.replace(/^[a-z]+:\/\//i, ""),
  );
}

/** Host names, `*.` for any one label before a name, and addresses; none when empty. */
export const hostList: OptionType<readonly string[]> = kind(
  "host names or addresses separated by commas",
  (text) => {
    const hosts = text === "" ? [] : text.split(",").map((host) => host.trim());
    const known = (host: string): boolean => isIP(host) !== 0 || HOST_NAME.test(host);
    return hosts.every(known) && new Set(hosts).size === hosts.length ? hosts : undefined;
  },
);

const HOST_NAME =
  /^(?=.{1,253}$)(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

/** Suites by Go's names, in OpenSSL's. */
export const cipherSuites: OptionType<readonly string[]> = kind(
  `cipher suites separated by commas, of ${[...CIPHER_SUITES.keys()].join(", ")}`,
  (text) => {
    const names = text === "" ? [] : text.split(",").map((name) => name.trim());
    const suites = names.map((name) => CIPHER_SUITES.get(name));
    const known = suites.filter((suite) => suite !== undefined);
    return known.length === names.length && new Set(known).size === known.length
      ? known
      : undefined;
  },
);

/** HOST:PORT separated by commas; none when empty. */
export const endpoints: OptionType<readonly string[]> = kind(
  "HOST:PORT separated by commas",
  (text) => {
    const given = text === "" ? [] : text.split(",").map((endpoint) => endpoint.trim());
    const known = given.every((endpoint) => urlProblem(`http://${endpoint}`) === undefined);
    return known && new Set(given).size === given.length ? given : undefined;
  },
);
