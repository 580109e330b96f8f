// Leases as plainly as they can be written: when each is due, in log time, which entries alone move on. Which keys
// hang on a lease the keys themselves say.

import type { LogStamp } from "../../store/log-time.ts";

interface OracleLease {
  readonly ttlMs: number;
  dueAtMs: number;
}

/** What became of a lease by a committed entry. */
export interface LeaseTurn {
  readonly id: bigint;
  readonly turn: "granted" | "renewed" | "revoked" | "expired";
}

export class OracleLeases {
  readonly #leases = new Map<bigint, OracleLease>();
  #logTimeMs = 0;
  /** Of the stamp that counted last: config, round, node. */
  #epoch: readonly number[] = [0, 0, 0];

  get size(): number {
    return this.#leases.size;
  }

  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  /** Of each command; log time never goes back, and no stamp of an earlier epoch counts behind one of a later. */
  onStamp({ epoch: { config, round, node }, logTimeMs }: LogStamp): void {
    const epoch = [config, round, node];
    const differs = epoch.findIndex((part, at) => part !== this.#epoch[at]);
    if ((epoch[differs] ?? 0) < (this.#epoch[differs] ?? 0)) return;
    this.#epoch = epoch;
    this.#logTimeMs = Math.max(this.#logTimeMs, logTimeMs);
  }

  grant(id: bigint, ttlMs: number): void {
    this.#leases.set(id, { ttlMs, dueAtMs: this.#logTimeMs + ttlMs });
  }

  /** @returns whether it was there. */
  renew(id: bigint): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.dueAtMs = this.#logTimeMs + lease.ttlMs;
    return true;
  }

  remove(id: bigint): void {
    this.#leases.delete(id);
  }

  /** The earliest first, and of two at once the lower id. */
  due(): readonly bigint[] {
    return [...this.#leases]
      .filter(([, { dueAtMs }]) => dueAtMs <= this.#logTimeMs)
      .sort(([one, left], [other, right]) => left.dueAtMs - right.dueAtMs || Number(one - other))
      .map(([id]) => id);
  }
}
