// One who takes a lock by the client library, writes under its guard while it holds it, and gives it up or lets go of
// its lease without a word. What was written names the holder and the token: the history has all of it.
import { KvError, op } from "../../client/index.ts";
import type { Client } from "../../client/index.ts";
import { tick } from "../e2e/until.ts";
import type { Chance } from "../sim/chance.ts";
import type { FencedWrite, Holding } from "./fencing.ts";
import type { History } from "./history.ts";

const WAIT_MS_MAX = 4_000;
const HOLD_MS_MAX = 150;
const WRITES = 3;

export const LOCK = "locks/a";
const FENCED_KEY = "fenced/a";

export interface LockTakerOptions {
  readonly name: string;
  readonly client: Client;
  readonly chance: Chance;
  /** Seconds that the lock outlives who is silent. */
  readonly ttlS: number;
}

export class LockTaker {
  readonly #options: LockTakerOptions;
  readonly holdings: Holding[] = [];
  /** Locks that could not be had, or were lost while they were held. */
  failed = 0;

  constructor(options: LockTakerOptions) {
    this.#options = options;
  }

  async once(): Promise<void> {
    try {
      await this.#hold();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.failed += 1;
    }
  }

  async #hold(): Promise<void> {
    const { name, client, chance, ttlS } = this.#options;
    const lock = await client.lock(LOCK, { ttlS }).acquire({ deadlineMs: WAIT_MS_MAX });
    const token = lock.fencingToken;
    const key = Buffer.from(lock.key).toString("latin1");
    this.holdings.push({ holder: name, key, token });
    for (let count = 0; count < WRITES; count += 1) {
      const then = [op.put(FENCED_KEY, `${name}:${token}:${count}`)];
      await client.txn({ if: [lock.held()], then });
      await tick(chance.between(0, HOLD_MS_MAX));
    }
    if (chance.hits(0.8)) await lock.unlock();
    else lock.lease.stop();
  }
}

/** Every write under a token, whether or not its writer ever heard of it. */
export function fencedWrites(history: History): readonly FencedWrite[] {
  return history.changesIn(2, history.revision).flatMap(({ key, pair, revision }) => {
    if (key !== FENCED_KEY || pair === undefined) return [];
    const [holder = "", token = ""] = pair.value.split(":");
    return [{ holder, token: Number(token), revision }];
  });
}
