// A steady load of puts over a few hundred keys, whose last acknowledged values are known at any moment.
import type { Client } from "../../client/index.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const WRITERS = 16;

/** Writers that go on until they are told to stop. */
export class SteadyLoad {
  readonly #client: Client;
  readonly #writers: Promise<void>[];
  readonly written = new Map<string, string>();
  #stopping = false;
  count = 0;

  constructor(client: Client) {
    this.#client = client;
    this.#writers = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer));
  }

  async #write(writer: number): Promise<void> {
    for (let at = 0; !this.#stopping; at += 1) {
      const key = `load/${writer}/${at % 40}`;
      await this.#client.put(key, `${at}-${"x".repeat(500)}`);
      this.written.set(key, String(at));
      this.count += 1;
    }
  }

  async wrote(more: number): Promise<void> {
    const until_ = this.count + more;
    await until(`${more} more writes`, WAIT_MS_MAX, () => this.count >= until_ || undefined);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
  }
}
