// When a server may say that it serves: once a linearizable read has gone through, whatever alarms stand. Tools
// that start it wait for that line in the words of etcd.
import type { MonotonicMs } from "../base/index.ts";
import type { Backend } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import { systemClock } from "./clock.ts";

export interface ReadinessOptions {
  readonly backend: Backend;
  readonly onReady: () => void;
  /** No leader has answered for another while; for the operator. */
  readonly onWaiting: (waitedMs: number) => void;
}

const LOOK_MS = 1_000;
const PAUSE_MS = 50;
const WAITING_MS = 10_000;

/** Looks until the backend is healthy. @returns the way to give up. */
export function watchReadiness(options: ReadinessOptions): () => void {
  const { backend, onReady, onWaiting } = options;
  const abort = new AbortController();
  const beganAtMs = systemClock.monotonicMs();
  let saidAtMs = beganAtMs;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const deadlineAtMs = (systemClock.monotonicMs() + LOOK_MS) as MonotonicMs;
    const context = { deadlineAtMs, signal: abort.signal, caller: OWN_AUTHORITY };
    backend.maintenance.alarms(context, ({ ok }) => {
      if (abort.signal.aborted) return;
      if (ok) {
        onReady();
        return;
      }
      const now = systemClock.monotonicMs();
      if (now - saidAtMs >= WAITING_MS) {
        saidAtMs = now;
        onWaiting(Math.round(now - beganAtMs));
      }
      timer = setTimeout(look, PAUSE_MS);
    });
  };
  look();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}
