// What a caller may ask of a client, a call and a read; defaults with their reasons; checked once, all at once.
import { KvError } from "../base/index.ts";
import { BACKOFF_DEFAULT } from "./backoff.ts";
import type { BackoffOptions } from "./backoff.ts";
import { ChannelSecurity } from "./channel-security.ts";
import type { TlsOptions } from "./channel-security.ts";
import { Credentials } from "./credentials.ts";
import type { AuthOptions } from "./credentials.ts";
import { addressOf } from "./endpoint.ts";
import type { RegionReadOptions, RegionWriteOptions } from "./regions.ts";

/**
 * The consistency of a read:
 * - `default`: the server's choice; etcd's meaning, linearizable (`index`).
 * - `quorum`, `index`: linearizable, no clock assumed. `follower`: the same, answered by a non-leader.
 * - `lease`: linearizable, given the drift bound that the proof states; the cheapest of these.
 * - `learner`: bounded staleness from one replica without a round trip, a prefix of the history.
 * - `local`: some committed prefix, its age in the proof (etcd's `serializable`).
 *
 * A plain etcd server knows none but linearizable and serializable: it answers `local` by the second and
 * all others by the first, which is never weaker than asked.
 */
export type ReadMode = "default" | "quorum" | "index" | "lease" | "follower" | "learner" | "local";

/**
 * When a member cannot meet `maxStalenessMs` or `minRevision`: `wait` until it can or the deadline passes,
 * `forward` to the leader, or `fail` at once with `too-stale` or `not-committed`.
 */
export type OnMiss = "wait" | "forward" | "fail";

/** What every call takes. */
export interface CallOptions {
  /** Bound on the whole call, repetitions and waits included, in ms. */
  readonly deadlineMs?: number;
  /** Aborting ends the call with `cancelled`; a write may still take effect (`outcome: "unknown"`). */
  readonly signal?: AbortSignal;
  /** Attempts of this call, the first included, instead of `limits.attemptsMax`; 1: nothing is repeated. */
  readonly attemptsMax?: number;
}

/** How a read is served; each may be set for a call or, in `ClientOptions.read`, for all. */
export interface ReadOptions {
  readonly mode?: ReadMode;
  /** The answer's age is at most this, in ms; needs a server that proves it (`too-stale` otherwise). */
  readonly maxStalenessMs?: number;
  /** The answer's revision is at least this. */
  readonly minRevision?: number;
  readonly onMiss?: OnMiss;
}

/** What a range is ordered by. */
export type SortBy = "key" | "version" | "create" | "mod" | "value";

/** Which keys of a range come back, and how. */
export interface RangeOptions {
  /** Read the store as of this revision; absent: the newest that the read's mode sees. */
  readonly revision?: number;
  /** At most this many keys; `more` says that there were others. Absent: all. */
  readonly limit?: number;
  /** Absent: by key, ascending. */
  readonly sortBy?: SortBy;
  readonly order?: "ascend" | "descend";
  /** Leave the values out. */
  readonly keysOnly?: boolean;
  /** Only `count`; no keys. */
  readonly countOnly?: boolean;
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

/** What `get` and `range` may ask beside their keys. */
export interface KeyReadOptions extends ReadOptions, CallOptions, RegionReadOptions {
  /** Of one federated key, as it is: the writes that no other dominates, and the context that resolves them. */
  readonly siblings?: boolean;
}

/** Which of a federated key's writes the caller has read. */
export interface ResolveOptions {
  /** Of `siblings` of a read: the write resolves those and no other. Absent: what is shown was read. */
  readonly siblingContext?: Uint8Array;
}

/** How a key is set. */
export interface PutOptions extends CallOptions, RegionWriteOptions, ResolveOptions {
  /** The key goes when this lease ends. Absent or 0n: none. */
  readonly lease?: bigint;
  /** Return the pair that stood there before. */
  readonly prevKv?: boolean;
  /** Keep the value that stands, and give an empty one here; `key-not-found` when there is no such key. */
  readonly ignoreValue?: boolean;
  /** Keep the lease that stands, and give none here; `key-not-found` when there is no such key. */
  readonly ignoreLease?: boolean;
}

/** How keys are deleted. */
export interface DeleteOptions extends CallOptions, RegionWriteOptions, ResolveOptions {
  /** Return the pairs that were deleted. */
  readonly prevKv?: boolean;
}

/** Bounds on what one client holds in memory and on the wire. */
export interface ClientLimits {
  /** Calls on the wire at once; the next wait in line. */
  readonly inFlightMax: number;
  /** Calls waiting in line; beyond it a call fails with `too-many-requests`, `not-applied`. */
  readonly queuedMax: number;
  /** Attempts of one call, the first included. */
  readonly attemptsMax: number;
  /** An answer above this many bytes is refused by the client. */
  readonly answerBytesMax: number;
}

/** What a client is made with; only `endpoints` must be said. */
export interface ClientOptions {
  /**
   * `host:port`, `http://host:port`, `https://host:port` or `unix://PATH`; one is enough when `discover` is on.
   * One without a scheme is secured when `tls` is given, as with etcd's clients.
   */
  readonly endpoints: readonly string[];
  /**
   * Ask the cluster for its other members and their roles, and use them too (default true). Off when only
   * the given endpoints can be reached, as behind a proxy, or only they may be asked.
   */
  readonly discover?: boolean;
  /** Default read options; a call's own replace them one by one. */
  readonly read?: ReadOptions;
  /**
   * Session guarantees: read-your-writes and monotonic reads, in every mode and on every member (default
   * false). The client remembers the highest revision in any answer and sends it as `minRevision` with each
   * read, so one that goes to a member that lags waits, is forwarded or fails, as `onMiss` says. Reads at an
   * explicit `revision` are exempt. The memory is the client's alone.
   */
  readonly monotonic?: boolean;
  /**
   * How writes are repeated after a failure with an unknown outcome:
   * - `sessions` (default): each carries a request id of a server session, so that a repetition is answered
   *   and not applied again. Costs one log entry at the client's first write, and one at `close`. On a
   *   server without sessions (etcd): as `never`.
   * - `never`: a write is repeated only when the failure proves that it was not applied.
   */
  readonly writes?: "sessions" | "never";
  /** Default `CallOptions.deadlineMs` (5 s). */
  readonly deadlineMs?: number;
  /**
   * Bound on one attempt, in ms, so that a silent member leaves time to ask another (default 2 s; half of
   * the deadline where that is less and there is another member).
   */
  readonly attemptMs?: number;
  readonly limits?: Partial<ClientLimits>;
  /** For `https://` endpoints, and those of members that say so. */
  readonly tls?: TlsOptions;
  /** Who the client is, where the cluster asks for it. */
  readonly auth?: AuthOptions;
  /**
   * Waits between attempts: uniform in `[0, min(maxMs, firstMs * 2^(n - 1)))` before repetition n (20 ms and
   * 1 s unless said otherwise).
   */
  readonly backoff?: Partial<BackoffOptions>;
}

/** etcd's command timeout. */
const DEADLINE_MS_DEFAULT = 5_000;
/** An election (1 s) and some: a forwarded call may outlast a failover before it is asked elsewhere. */
const ATTEMPT_MS_DEFAULT = 2_000;

/** Limits unless said otherwise. */
export const CLIENT_LIMITS_DEFAULT: ClientLimits = {
  inFlightMax: 512, // half of the answers that a server session keeps for one client
  queuedMax: 65_536,
  attemptsMax: 32,
  answerBytesMax: 256 * 1024 * 1024,
};

/** Settled options: every choice made. */
export interface Settings {
  readonly addresses: readonly string[];
  readonly security: ChannelSecurity;
  readonly credentials: Credentials | undefined;
  /** What an endpoint without a scheme means. */
  readonly secureByDefault: boolean;
  readonly discover: boolean;
  readonly read: Required<Pick<ReadOptions, "mode" | "onMiss">> & ReadOptions;
  readonly monotonic: boolean;
  readonly writes: "sessions" | "never";
  readonly deadlineMs: number;
  readonly attemptMs: number;
  readonly limits: ClientLimits;
  readonly backoff: BackoffOptions;
}

/** @throws {KvError} `invalid-argument` naming every option that is wrong. */
export function settle(options: ClientOptions): Settings {
  const issues: string[] = [];
  const secureByDefault = options.tls !== undefined;
  const security = new ChannelSecurity(options.tls);
  if (secureByDefault) issues.push(...security.issues());
  const addresses = options.endpoints.flatMap((endpoint) => {
    const address = addressOf(endpoint, secureByDefault);
    if (address === undefined) issues.push(noEndpoint(endpoint));
    return address === undefined ? [] : [address];
  });
  if (options.endpoints.length === 0) issues.push("endpoints is empty");
  const limits: ClientLimits = { ...CLIENT_LIMITS_DEFAULT, ...options.limits };
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    if (!Number.isSafeInteger(value) || value < 1)
      issues.push(`limits.${name} is not an integer >= 1`);
  }
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS_DEFAULT;
  const attemptMs = options.attemptMs ?? ATTEMPT_MS_DEFAULT;
  for (const [name, value] of Object.entries({ deadlineMs, attemptMs })) {
    if (!isSpanMs(value)) issues.push(`${name} is not a number of ms above 0 and below 2^31`);
  }
  const backoff: BackoffOptions = { ...BACKOFF_DEFAULT, ...options.backoff };
  for (const [name, value] of Object.entries(backoff) as [string, number][]) {
    if (!isSpanMs(value))
      issues.push(`backoff.${name} is not a number of ms above 0 and below 2^31`);
  }
  if (options.auth?.username === "") issues.push("auth.username is empty");
  issues.push(...readIssues(options.read ?? {}));
  if (issues.length > 0) throw new KvError("invalid-argument", "not-applied", issues.join("; "));
  return {
    addresses: [...new Set(addresses)],
    security,
    credentials: options.auth === undefined ? undefined : new Credentials(options.auth),
    secureByDefault,
    discover: options.discover ?? true,
    read: { mode: "default", onMiss: "wait", ...options.read },
    monotonic: options.monotonic ?? false,
    writes: options.writes ?? "sessions",
    deadlineMs,
    attemptMs,
    limits,
    backoff,
  };
}

export function noEndpoint(endpoint: string): string {
  return `endpoint "${endpoint}" is not [http[s]://]host:port or unix://PATH`;
}

/** Every rule that `options` breaks; an empty list means none. */
export function readIssues(options: ReadOptions): string[] {
  const issues: string[] = [];
  const isCount = (value: number | undefined): boolean =>
    value === undefined || (Number.isSafeInteger(value) && value >= 0);
  if (!isCount(options.maxStalenessMs)) issues.push("maxStalenessMs is not an integer >= 0");
  if (!isCount(options.minRevision)) issues.push("minRevision is not an integer >= 0");
  return issues;
}

/** A span that Node's timers can hold. */
export function isSpanMs(value: number): boolean {
  return value > 0 && value < 2 ** 31;
}
