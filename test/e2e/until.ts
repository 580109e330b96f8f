// Waiting by condition: a test never sleeps for a time it hopes is enough.

const POLL_MS = 20;

/**
 * The first answer of `probe` that is not undefined. A probe that throws is asked again; the last failure
 * is the cause of the error at the deadline. So rounds nest: one that waits in vain within a probe is tried anew, and
 * what it waited for is told if no later one comes to more.
 *
 * @throws {Error} naming `what` when `deadlineMs` pass without an answer.
 */
export async function until<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const startedAtMs = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
      cause = undefined;
    } catch (failure) {
      cause = failure;
    }
    if (performance.now() - startedAtMs > deadlineMs) {
      throw new Error(`waited ${deadlineMs} ms in vain: ${what}`, { cause });
    }
    await tick(POLL_MS);
  }
}

/** Gives the event loop this many ms; only `until` and paced load generators need it. */
export function tick(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
