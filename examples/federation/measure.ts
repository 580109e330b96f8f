// What a writer and the readers of the demonstration measure: how long a region takes to acknowledge, and how long
// after that the other regions' watches are told.
import { setTimeout as pause } from "node:timers/promises";
import { KvError } from "../../client/index.ts";
import type { Client, Watcher } from "../../client/index.ts";

/** In ms; undefined: nothing was measured. */
export function percentile(samples: readonly number[], share: number): number | undefined {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function msText(value: number | undefined): string {
  return value === undefined ? "unknown" : `${value.toFixed(1)} ms`;
}

/** Watches a prefix in one region, and notes when each value was told. */
export class Arrivals {
  readonly #watcher: Watcher;
  readonly #toldAtMs = new Map<string, number>();
  readonly #ended: Promise<void>;

  private constructor(watcher: Watcher) {
    this.#watcher = watcher;
    this.#ended = this.#follow();
  }

  /** Nothing that is written afterwards is missed. */
  static async from(client: Client, prefix: string): Promise<Arrivals> {
    const { revision } = await client.get(prefix);
    return new Arrivals(client.watch({ prefix }, { startRevision: revision + 1 }));
  }

  async #follow(): Promise<void> {
    try {
      for await (const { events } of this.#watcher) {
        for (const { kind, kv } of events) {
          if (kind === "put") this.#toldAtMs.set(kv.text(), performance.now());
        }
      }
    } catch (error) {
      if (!(error instanceof KvError && error.code === "cancelled")) throw error;
    }
  }

  toldAtMs(value: string): number | undefined {
    return this.#toldAtMs.get(value);
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await this.#ended;
  }
}

export interface Acknowledged {
  readonly value: string;
  readonly askedAtMs: number;
  readonly atMs: number;
}

/** `count` puts of distinct values, `everyMs` apart, whether those before are answered or not. */
export async function writeSteadily(
  client: Client,
  region: string,
  load: { readonly prefix: string; readonly count: number; readonly everyMs: number },
): Promise<Acknowledged[]> {
  const puts = Array.from({ length: load.count }, async (_, at) => {
    await pause(at * load.everyMs);
    const value = `${region}-${load.prefix}${at}`;
    const askedAtMs = performance.now();
    await client.put(`${load.prefix}${region}/${at % 20}`, value);
    return { value, askedAtMs, atMs: performance.now() };
  });
  return Promise.all(puts);
}
