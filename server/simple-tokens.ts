// Simple tokens at one member: SECRET.INDEX. The secret's hash is in the replicated state, so that every member knows
// it; INDEX says from which entry on, so that a member that is not so far yet waits instead of refusing.
import { createHash, randomBytes } from "node:crypto";
import { KvError, keyOf } from "../base/index.ts";
import type { Key, MonotonicMs } from "../base/index.ts";
import { authChangeBytes } from "../rpc/index.ts";
import type { CallContext, Identity } from "../rpc/index.ts";
import { NOBODY, OWN_AUTHORITY } from "../store/index.ts";
import type { AuthChange, Caller, Token } from "../store/index.ts";
import type { Replica } from "./replica.ts";
import type { TokenProvider } from "./token-provider.ts";

const SECRET_BYTES = 24;
const TOKEN = /^([A-Za-z0-9_-]{32})\.(\d{1,15})$/;
/** A token that is used lives on once it has less than so much of its time left. */
const RENEW_BELOW = 7 / 8;
/** Renewals are gathered for so long, and so many at most are in one command. */
const GATHER_MS = 500;
const RENEWALS_MAX = 1_024;
const COMMAND_MS_MAX = 7_000;
/** Calls that wait for the entry of their token, and for how long. */
const WAITING_MAX = 1_024;
const WAIT_MS_MAX = 2_000;
/** How far ahead of what is known to be committed here an entry may be said to be. */
const AHEAD_MAX = 10_000;

export class SimpleTokens implements TokenProvider {
  readonly #replica: Replica;
  readonly #ttlMs: number;
  readonly #renewals = new Set<Key>();
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;

  /** `ttlMs`: etcd's --auth-token-ttl, from the last use on. */
  constructor(replica: Replica, ttlMs: number) {
    this.#replica = replica;
    this.#ttlMs = ttlMs;
  }

  identify(token: string, context: CallContext, done: (found: Identity | KvError) => void): void {
    const [, secret, at] = TOKEN.exec(token) ?? [];
    if (secret === undefined) {
      done(invalid());
      return;
    }
    const digest = digestOf(secret);
    const look = (): Identity | undefined => {
      if (this.#live(digest) === undefined) return undefined;
      this.#onUse(digest);
      return { now: () => this.#callerOf(digest) };
    };
    const found = look();
    if (found !== undefined) done(found);
    else this.#await(Number(at), context, () => done(look() ?? invalid()));
  }

  issue(
    user: string,
    authRevision: number,
    context: CallContext,
    done: (token: string | KvError) => void,
  ): void {
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const digest = digestOf(secret);
    const change: AuthChange = {
      kind: "token-issue",
      user,
      digest,
      ttlMs: this.#ttlMs,
      authRevision,
    };
    this.#submit(change, context.deadlineAtMs, (refused) => {
      done(refused ?? `${secret}.${this.#replica.machine.applied}`);
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #live(digest: Key): Token | undefined {
    const token = this.#replica.machine.auth.token(digest);
    return token === undefined || token.dueAtMs <= this.#replica.logClock.read()
      ? undefined
      : token;
  }

  #callerOf(digest: Key): Caller {
    const token = this.#live(digest);
    if (token === undefined) return NOBODY;
    // The state takes away the tokens of who has another password: that it is there is as good as new.
    const authRevision = this.#replica.machine.auth.revision;
    return { kind: "user", name: token.user, authRevision };
  }

  /** Calls `ready` once the entry is applied, or will not be in time. */
  #await(index: number, context: CallContext, ready: () => void): void {
    const { machine } = this.#replica;
    const { committed } = this.#replica.status();
    const isKnown = index <= machine.applied || index > committed + AHEAD_MAX;
    if (isKnown || this.#waiting >= WAITING_MAX) {
      ready();
      return;
    }
    const untilMs = Math.min(context.deadlineAtMs, this.#replica.now() + WAIT_MS_MAX);
    this.#waiting += 1;
    const end = this.#replica.onChange(() => {
      const late = this.#replica.now() >= untilMs || context.signal.aborted;
      if (this.#replica.machine.applied < index && !late) return;
      end();
      this.#waiting -= 1;
      ready();
    });
  }

  #onUse(digest: Key): void {
    const token = this.#live(digest);
    if (token === undefined || this.#renewals.size >= RENEWALS_MAX) return;
    const leftMs = token.dueAtMs - this.#replica.logClock.read();
    if (leftMs >= RENEW_BELOW * token.ttlMs) return;
    this.#renewals.add(digest);
    this.#timer ??= setTimeout(() => this.#renew(), GATHER_MS);
  }

  /** What is lost is asked again by the next use. */
  #renew(): void {
    this.#timer = undefined;
    const digests = [...this.#renewals];
    this.#renewals.clear();
    const deadlineAtMs = (this.#replica.now() + COMMAND_MS_MAX) as MonotonicMs;
    this.#submit({ kind: "token-renew", digests }, deadlineAtMs, () => undefined);
  }

  #submit(
    change: AuthChange,
    deadlineAtMs: MonotonicMs,
    done: (refused: KvError | undefined) => void,
  ): void {
    this.#replica.submit({
      kind: "auth",
      caller: OWN_AUTHORITY,
      body: authChangeBytes(change),
      deadlineAtMs,
      done: (result) => {
        if (!result.ok) done(result.error);
        else {
          const { response } = result;
          const isRefused = response.kind === "refused";
          done(isRefused ? new KvError(response.code, "not-applied", response.message) : undefined);
        }
      },
    });
  }
}

function digestOf(secret: string): Key {
  return keyOf(createHash("sha256").update(secret, "latin1").digest());
}

function invalid(): KvError {
  return new KvError("invalid-token", "not-applied", "etcdserver: invalid auth token");
}
