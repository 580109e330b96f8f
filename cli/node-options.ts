/**
 * Options of Node with which a member runs, in the first line of main.ts too. They can only be given where the process
 * starts.
 *
 * - The young generation (MiB): one of twice the size spared no CPU and kept 25 to 50 MB more in memory, one of a quarter
 *   took more CPU at full load.
 * - How much the old generation grows, in percent of what was alive, from one full collection to the next, as `GOGC` says
 *   it for Go (decision 51). V8 by itself takes 10 where little is kept of what is allocated: a collection every 4 s.
 * - No collections by the clock: V8 takes a member with little to do for idle, and collects everything it has every few
 *   times 8 s, all members of a machine at once (decision 52).
 * - One thread of V8's beside the main one instead of four: it collects, and compiles what is run often (decision 52).
 * - `gc()`, for server/give-back.ts.
 */
export const MEMBER_NODE_OPTIONS = [
  "--max-semi-space-size=16",
  "--heap-growing-percent=200",
  "--no-memory-reducer",
  "--v8-pool-size=1",
  "--expose-gc",
] as const;
