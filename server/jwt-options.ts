// etcd's --auth-token: "simple", or "jwt" and what its tokens are signed with, checked as a whole before anything
// is started.
import { parseDurationMs } from "../base/index.ts";

const JWT_METHODS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "HS256",
  "HS384",
  "HS512",
  "EdDSA",
] as const;

export type JwtMethod = (typeof JWT_METHODS)[number];

export interface JwtOptions {
  readonly method: JwtMethod;
  /** Files. Without the private one tokens are recognized and not given out. */
  readonly publicKeyFile?: string;
  readonly privateKeyFile?: string;
  readonly ttlMs: number;
}

export type TokenOptions =
  { readonly kind: "simple" } | { readonly kind: "jwt"; readonly jwt: JwtOptions };

/** etcd's. */
const TTL_MS_DEFAULT = 5 * 60 * 1000;
const NAMES: ReadonlySet<string> = new Set(["pub-key", "priv-key", "sign-method", "ttl"]);

/** What `--auth-token` says, or what is wrong with it. */
export function parseTokenOptions(text: string): TokenOptions | { readonly problem: string } {
  const [kind, ...parts] = text.split(",");
  if (kind === "simple" && parts.length === 0) return { kind };
  if (kind !== "jwt") {
    return {
      problem: `expected "simple" or "jwt,sign-method=METHOD,pub-key=FILE,priv-key=FILE,ttl=TIME"`,
    };
  }
  const given = new Map<string, string>();
  for (const part of parts) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    if (!NAMES.has(name))
      return { problem: `jwt: ${name} is unknown; expected ${[...NAMES].join(", ")}` };
    if (at < 0 || at === part.length - 1) return { problem: `jwt: ${name} has no value` };
    if (given.has(name)) return { problem: `jwt: ${name} is given twice` };
    given.set(name, part.slice(at + 1));
  }
  return jwtOptions(given);
}

function jwtOptions(given: ReadonlyMap<string, string>): ReturnType<typeof parseTokenOptions> {
  const asked = given.get("sign-method");
  const method = JWT_METHODS.find((known) => known === asked);
  if (method === undefined) {
    return { problem: `jwt: expected sign-method as one of ${JWT_METHODS.join(", ")}` };
  }
  const publicKeyFile = given.get("pub-key");
  const privateKeyFile = given.get("priv-key");
  const secret = method.startsWith("HS");
  if (secret && privateKeyFile === undefined) {
    return { problem: `jwt: ${method} expects its secret as priv-key=FILE` };
  }
  if (secret && publicKeyFile !== undefined) {
    return { problem: `jwt: ${method} has a secret, in priv-key, and no pub-key` };
  }
  if (!secret && publicKeyFile === undefined && privateKeyFile === undefined) {
    return { problem: `jwt: ${method} expects pub-key=FILE, priv-key=FILE or both` };
  }
  const ttlText = given.get("ttl");
  const ttlMs = ttlText === undefined ? TTL_MS_DEFAULT : parseDurationMs(ttlText);
  if (ttlMs === undefined || ttlMs < 1000) {
    return { problem: `jwt: expected ttl as a time of at least 1s, such as 5m` };
  }
  return {
    kind: "jwt",
    jwt: {
      method,
      ttlMs,
      ...(publicKeyFile === undefined ? {} : { publicKeyFile }),
      ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
    },
  };
}
