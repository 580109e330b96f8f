// What a history of a lock must be for the lock to be one: pure, so that it is itself tried on histories that are not.

/** One hold, as its holder saw it. */
export interface Hold {
  readonly client: string;
  readonly token: number;
}

/** One write that the store took under a hold's condition, in the order of revisions. */
export interface GuardedWrite {
  readonly token: number;
  readonly revision: number;
  /** What the holder read before, and what it wrote. */
  readonly value: number;
}

/**
 * Every breach, in words; none: at each moment at most one held it.
 * - a token is one holder's;
 * - the store's guarded writes come in the order of tokens: once a later holder has written, no earlier one does;
 * - each write is the one before it and one: what a holder read was nobody else's to change.
 */
export function breachesOf(
  holds: readonly Hold[],
  writes: readonly GuardedWrite[],
): readonly string[] {
  const breaches: string[] = [];
  const owners = new Map<number, string>();
  for (const { client, token } of holds) {
    const owner = owners.get(token);
    if (owner !== undefined) breaches.push(`token ${token} is held by ${owner} and by ${client}`);
    owners.set(token, client);
  }
  let before: GuardedWrite | undefined;
  for (const write of writes) {
    if (!owners.has(write.token)) breaches.push(`token ${write.token} writes and is nobody's`);
    if (before !== undefined && write.token < before.token) {
      breaches.push(`token ${write.token} writes at ${write.revision}, after ${before.token}`);
    }
    const expected = (before?.value ?? 0) + 1;
    if (write.value !== expected) {
      breaches.push(`at ${write.revision} stands ${write.value} where ${expected} must`);
    }
    before = write;
  }
  return breaches;
}
