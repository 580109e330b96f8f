// The kinds of value an option takes: from the text of a flag, a variable or a YAML scalar to a type. Each
// says what it expects, with its unit and bounds, in words that end "expected ...".
import { isIP } from "node:net";
import { z } from "zod";
import { parseDurationMs } from "../base/index.ts";

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

/** Where log lines go: `default`, `stderr`, `stdout` or file paths, separated by commas. */
export const outputs: OptionType<readonly string[]> = kind(
  "default, stderr, stdout or paths of files, separated by commas",
  (given) => {
    const targets = given.split(",").map((target) => target.trim());
    const known = (target: string): boolean =>
      target !== "" && !target.startsWith("systemd/") && !target.includes("\0");
    return targets.every(known) && new Set(targets).size === targets.length ? targets : undefined;
  },
);

/** Why `given` is not a URL that etcd takes for peers and clients, or undefined when it is. */
export function urlProblem(given: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given)?.[1]?.toLowerCase();
  if (scheme === "https") return "http://host:port (TLS is not supported yet)";
  if (scheme === "unix" || scheme === "unixs") {
    return "http://host:port (unix sockets are not supported yet)";
  }
  if (scheme !== "http") return "http://host:port";
  const match = /^http:\/\/(\[[0-9a-f:.]+\]|[^:/?#@[\]]+):(\d{1,5})(.*)$/i.exec(given);
  if (match === null) return "http://host:port";
  if (match[3] !== "") return "http://host:port without a path";
  if (Number(match[2]) > 65_535) return "a port from 0 to 65535";
  return undefined;
}

export interface Endpoint {
  /** A name or an address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** The host and port of a URL without `urlProblem`. */
export function endpointOf(url: string): Endpoint {
  const at = url.lastIndexOf(":");
  const host = url.slice("http://".length, at).replace(/^\[|\]$/g, "");
  return { host, port: Number(url.slice(at + 1)) };
}

/** The address of a URL without `urlProblem`, as it is dialled. */
export function hostAndPort(url: string): string {
  return url.slice("http://".length);
}

function urlList(check: (url: string) => string | undefined): OptionType<readonly string[]> {
  return z.string().transform((given, context) => {
    const urls = given.split(",").map((url) => url.trim());
    const problems = urls.map(check).filter((problem) => problem !== undefined);
    const [problem] = problems;
    if (problem === undefined && new Set(urls).size === urls.length) return urls;
    const expected = problem ?? "each URL once";
    context.addIssue({ code: "custom", message: `URLs separated by commas, each ${expected}` });
    return z.NEVER;
  });
}

/** What others are told to connect to. */
export const advertiseUrls: OptionType<readonly string[]> = urlList(urlProblem);

/** What this process binds: etcd takes an address or `localhost`, so that a name cannot mean two. */
export const listenUrls: OptionType<readonly string[]> = urlList((url) => {
  const problem = urlProblem(url);
  if (problem !== undefined) return problem;
  const { host } = endpointOf(url);
  if (host === "localhost" || isIP(host) !== 0) return undefined;
  return "with an IP address or localhost to bind";
});
