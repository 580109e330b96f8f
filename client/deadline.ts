// Time bounds of calls, attempts and pauses, and the errors of their end.
import { KvError } from "../base/index.ts";

const VERDICT_TRAVEL_MS_MAX = 100;

/**
 * What the server is allowed of an attempt of `timeoutMs`, in whole ms, at least 1. A tenth, at most 100 ms,
 * is left for its verdict to travel: with one deadline for both, the client would give up at the instant
 * when the server says why.
 */
export function serverTimeoutMs(timeoutMs: number): number {
  return Math.max(1, Math.floor(timeoutMs - Math.min(VERDICT_TRAVEL_MS_MAX, timeoutMs / 10)));
}

export function noAnswer(timeoutMs: number, address: string, cause?: Error): KvError {
  const message = `no answer within ${Math.ceil(timeoutMs)} ms (${address})`;
  return new KvError("deadline-exceeded", "unknown", message, cause === undefined ? {} : { cause });
}

export function cancelled(): KvError {
  return new KvError("cancelled", "unknown", "cancelled by the caller");
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/**
 * What `promise` gives, unless `ms` pass or `signal` is aborted first. The promise runs on and is its
 * owner's to end; its late failure is not lost on the owner's side.
 *
 * @throws {KvError} `deadline-exceeded` or `cancelled`, `not-applied`
 */
export function within<T>(
  promise: Promise<T>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      end();
      reject(new KvError("cancelled", "not-applied", "cancelled by the caller"));
    };
    const timer = setTimeout(() => {
      end();
      const message = `${Math.ceil(ms)} ms passed before the call could be sent`;
      reject(new KvError("deadline-exceeded", "not-applied", message));
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
