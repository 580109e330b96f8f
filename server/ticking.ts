// When a replica is ticked: twice a heartbeat, and at the moment at which a leader's next one is due, so that it is
// neither late nor looked for in vain.
import type { MonotonicMs } from "../base/index.ts";
import type { Status } from "../consensus/index.ts";

/**
 * However seldom heartbeats are: deadlines are looked at on ticks, and a leader whose ticks are as far apart as
 * lease-desk.ts takes for a pause would never end a lease.
 */
const TICK_MS_MAX = 100;
/** Timers count whole milliseconds, from when the loop woke: they may be this much early. */
const EARLY_MS = 1;

/** What of a replica is ticked. */
export interface Ticked {
  tick(): void;
  now(): MonotonicMs;
  status(): Pick<Status, "heartbeatDueAtMs">;
}

/** Milliseconds until the next tick. */
export function tickAfterMs(replica: Omit<Ticked, "tick">, heartbeatMs: number): number {
  const { heartbeatDueAtMs = Infinity } = replica.status();
  const leftMs = heartbeatDueAtMs - replica.now();
  // One that is due already leaves at the end of this turn.
  const dueMs = leftMs > 0 ? leftMs + EARLY_MS : Infinity;
  return Math.max(1, Math.ceil(Math.min(heartbeatMs / 2, TICK_MS_MAX, dueMs)));
}

/** @returns the way to end it. */
export function tickOn(replica: Ticked, heartbeatMs: number): () => void {
  const next = (): NodeJS.Timeout => setTimeout(tick, tickAfterMs(replica, heartbeatMs));
  const tick = (): void => {
    replica.tick();
    timer = next();
  };
  let timer = next();
  return () => {
    clearTimeout(timer);
  };
}
