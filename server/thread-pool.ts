// The size of libuv's thread pool, which log writes share with the engine's reads and scans (S4).

/** One for the log, one for a batch of state, three for reads and scans, the rest for files and names. */
const THREADS = 8;

/**
 * To be called before anything uses the pool: libuv reads the variable once. What the operator has set
 * counts, if it is enough.
 */
export function sizeThreadPool(env: NodeJS.ProcessEnv): void {
  const given = Number(env["UV_THREADPOOL_SIZE"] ?? "0");
  if (!(given >= THREADS)) env["UV_THREADPOOL_SIZE"] = String(THREADS);
}
