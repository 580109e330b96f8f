// Software transactional memory: a body of reads and writes runs against the store as if it were alone, and is run
// again when it was not (etcd's client/v3/concurrency STM, its four levels of isolation).
import { KvError } from "../base/index.ts";
import type { KeyValue } from "./answer.ts";
import { backoffMs } from "./backoff.ts";
import type { BackoffOptions } from "./backoff.ts";
import type { Bytes } from "./bytes.ts";
import { cancelled, pause } from "./deadline.ts";
import type { KeyCalls } from "./key-calls.ts";
import type { CallOptions } from "./options.ts";
import { StmTransaction } from "./stm-transaction.ts";
import type { StmIsolation } from "./stm-transaction.ts";

/** How a body is run. */
export interface StmOptions extends Omit<CallOptions, "attemptsMax"> {
  /** `serializable-snapshot` unless said otherwise. */
  readonly isolation?: StmIsolation;
  /** Runs of the body, the first included (32 unless said otherwise). */
  readonly attemptsMax?: number;
  /** Read in one go before each run, and checked as if the body had read them. */
  readonly prefetch?: readonly Bytes[];
}

/** What became of a body. */
export interface StmAnswer<T> {
  /** What the run that was committed has returned. */
  readonly result: T;
  /** Of the store when it was committed. */
  readonly revision: number;
  /** Runs of the body. */
  readonly attempts: number;
}

const ATTEMPTS_MAX_DEFAULT = 32;

/**
 * Runs `body` until it commits without a conflict.
 *
 * @throws {KvError} see `Client.stm`
 */
export async function runStm<T>(
  calls: KeyCalls,
  body: (tx: StmTransaction) => Promise<T> | T,
  options: StmOptions,
  surroundings: {
    readonly backoff: BackoffOptions;
    readonly deadlineMs: number;
    readonly random: () => number;
    readonly nowMs: () => number;
  },
): Promise<StmAnswer<T>> {
  const { isolation = "serializable-snapshot", prefetch = [], signal } = options;
  const attemptsMax = checkedAttempts(options.attemptsMax ?? ATTEMPTS_MAX_DEFAULT);
  const deadlineMs = options.deadlineMs ?? surroundings.deadlineMs;
  const deadlineAtMs = surroundings.nowMs() + deadlineMs;
  let known: ReadonlyMap<string, KnownPair> | undefined;
  for (let attempts = 1; ; attempts += 1) {
    if (signal?.aborted === true) throw cancelled();
    const leftMs = Math.max(1, deadlineAtMs - surroundings.nowMs());
    const bounds = signal === undefined ? { deadlineMs: leftMs } : { deadlineMs: leftMs, signal };
    const tx = new StmTransaction(calls, isolation, bounds, known);
    const ended = await once(tx, body, prefetch);
    if (ended.committed) return { result: ended.result, revision: ended.revision, attempts };
    known = ended.known;
    const pauseMs = backoffMs(surroundings.backoff, attempts, surroundings.random);
    if (attempts >= attemptsMax || surroundings.nowMs() + pauseMs >= deadlineAtMs) {
      const text = `others changed what was read, in each of ${attempts} runs`;
      throw new KvError("conflict", "not-applied", text);
    }
    await pause(pauseMs, signal);
  }
}

type KnownPair = { readonly kv: KeyValue | undefined; readonly revision: number };

type Ended<T> =
  | { readonly committed: true; readonly result: T; readonly revision: number }
  | { readonly committed: false; readonly known: ReadonlyMap<string, KnownPair> | undefined };

/** One run of the body, and its commit. A revision that is compacted under it is a conflict like another. */
async function once<T>(
  tx: StmTransaction,
  body: (tx: StmTransaction) => Promise<T> | T,
  prefetch: readonly Bytes[],
): Promise<Ended<T>> {
  try {
    if (prefetch.length > 0) await tx.getAll(prefetch);
    const result = await body(tx);
    const commit = await tx.commit();
    return commit.succeeded
      ? { committed: true, result, revision: commit.revision }
      : { committed: false, known: commit.known };
  } catch (error) {
    const isCompacted = error instanceof KvError && error.code === "compacted";
    if (isCompacted && error.outcome === "not-applied")
      return { committed: false, known: undefined };
    throw error;
  } finally {
    tx.end();
  }
}

function checkedAttempts(attemptsMax: number): number {
  if (Number.isSafeInteger(attemptsMax) && attemptsMax >= 1) return attemptsMax;
  throw new KvError("invalid-argument", "not-applied", "attemptsMax is not an integer >= 1");
}
