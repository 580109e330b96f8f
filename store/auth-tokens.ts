// Simple tokens: random secrets that clients show instead of a password, the same at every member. How long one
// lives is in log time (R9), moved on by entries that say it was used; what is due is gone, swept or not.
import BTree from "sorted-btree";
import { assert } from "../base/index.ts";
import type { Key, LogTimeMs } from "../base/index.ts";
import type { Token } from "./auth-change.ts";
import { tokenRow, tokenRowKey } from "./auth-rows.ts";
import type { Digest } from "./digest.ts";
import type { PendingWrites } from "./pending-writes.ts";

/** Rules of the state machine, equal on all members of a group. Of one user the next due makes room. */
const TOKENS_MAX = 100_000;
const TOKENS_OF_USER_MAX = 4_096;
/** Due tokens that one entry clears away. */
const SWEPT_MAX = 64;

type Ordered = BTree<Token, undefined>;

export class TokenTable {
  readonly #writes: PendingWrites;
  readonly #tokens = new Map<Key, Token>();
  readonly #byDue: Ordered = new BTree<Token, undefined>(undefined, compareDue);
  readonly #byUser = new Map<string, Ordered>();

  constructor(writes: PendingWrites) {
    this.#writes = writes;
  }

  get size(): number {
    return this.#tokens.size;
  }

  get(digest: Key): Token | undefined {
    return this.#tokens.get(digest);
  }

  restore(token: Token): void {
    this.#add(token);
  }

  /** False: there are too many. */
  issue(digest: Key, user: string, ttlMs: number, now: LogTimeMs): boolean {
    this.#sweep(now);
    const own = this.#byUser.get(user);
    const nextDue = own !== undefined && own.size >= TOKENS_OF_USER_MAX ? own.minKey() : undefined;
    if (nextDue !== undefined) this.#remove(nextDue);
    if (this.#tokens.size >= TOKENS_MAX) return false;
    this.#put({ digest, user, ttlMs, dueAtMs: now + ttlMs });
    return true;
  }

  /** What is due already stays so: a token that was refused is not accepted again. */
  renew(digests: readonly Key[], now: LogTimeMs): void {
    this.#sweep(now);
    for (const digest of digests) {
      const token = this.#tokens.get(digest);
      if (token === undefined || token.dueAtMs <= now) continue;
      this.#put({ ...token, dueAtMs: now + token.ttlMs });
    }
  }

  removeOf(user: string): void {
    for (const token of [...(this.#byUser.get(user)?.keys() ?? [])]) this.#remove(token);
  }

  clear(): void {
    for (const token of [...this.#byDue.keys()]) this.#remove(token);
  }

  addTo(digest: Digest): void {
    digest.count(this.#tokens.size);
    for (const token of this.#byDue.keys()) digest.text(token.digest).bytes(tokenRow(token));
  }

  #sweep(now: LogTimeMs): void {
    for (let swept = 0; swept < SWEPT_MAX; swept += 1) {
      const token = this.#byDue.minKey();
      if (token === undefined || token.dueAtMs > now) return;
      this.#remove(token);
    }
  }

  #put(token: Token): void {
    this.#forget(token.digest);
    this.#add(token);
    this.#writes.put(tokenRowKey(token.digest), tokenRow(token));
  }

  #add(token: Token): void {
    assert(token.ttlMs > 0, "a token lives for some time");
    this.#tokens.set(token.digest, token);
    this.#byDue.set(token, undefined);
    const own = this.#byUser.get(token.user) ?? new BTree<Token, undefined>(undefined, compareDue);
    own.set(token, undefined);
    this.#byUser.set(token.user, own);
  }

  #remove(token: Token): void {
    this.#forget(token.digest);
    this.#writes.delete(tokenRowKey(token.digest));
  }

  #forget(digest: Key): void {
    const token = this.#tokens.get(digest);
    if (token === undefined) return;
    this.#tokens.delete(digest);
    this.#byDue.delete(token);
    const own = this.#byUser.get(token.user);
    own?.delete(token);
    if (own?.size === 0) this.#byUser.delete(token.user);
  }
}

function compareDue(left: Token, right: Token): number {
  if (left.dueAtMs !== right.dueAtMs) return left.dueAtMs - right.dueAtMs;
  if (left.digest === right.digest) return 0;
  return left.digest < right.digest ? -1 : 1;
}
